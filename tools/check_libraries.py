"""Say in one line which system package is missing, right after installing and not an hour later."""

import sys

from pipeline.landmarks.face_mesh import import_remedy

try:
    import cv2  # noqa: F401
    import mediapipe  # noqa: F401
except ImportError as error:
    sys.exit(f"error: {import_remedy(error)}")

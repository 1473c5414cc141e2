"""Say in one line which system package is missing, right after installing and not an hour later."""

import sys

PACKAGES = {
    "libGL.so.1": "libgl1",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libgomp.so.1": "libgomp1",
}

try:
    import cv2  # noqa: F401
    import mediapipe  # noqa: F401
except ImportError as error:
    names = [package for library, package in PACKAGES.items() if library in str(error)]
    remedy = f"install it (Debian: apt-get install {names[0]})" if names else "see the message"
    sys.exit(f"error: a system library is missing: {error}; {remedy}")

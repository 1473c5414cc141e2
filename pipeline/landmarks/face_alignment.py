"""The landmarks of the `face_alignment` package (Bulat and Tzimiropoulos 2017).

Its two weight files are looked for on this machine and never downloaded: in a folder of the
user's, then where the package itself keeps them.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from pipeline.landmarks.detector import Choice, Detection, face_index
from sketchface_models.errors import SketchFaceError

NETWORK = "2DFAN4-11f355bf06.pth.tar"
BOXES = "s3fd-619a316812.pth"
FILES = (NETWORK, BOXES)
"""The weights, by the names under which their authors publish them: landmarks, and face boxes."""

_LEAST_SCORE = 0.05  # confidence below which nothing counts as a candidate


class FaceAlignment:
    """The 68-point network behind its S3FD face detector, on the CPU.

    Args:
        min_confidence: in [0, 1]; faces that the detector scores lower are ignored.
        choose: which of several faces.
        weights: folder to look for `FILES` in first.

    Raises:
        SketchFaceError: if the package or a file is missing or unusable.
    """

    def __init__(self, min_confidence: float, choose: Choice, weights: Path | str) -> None:
        package = _import()
        files = dict(zip(FILES, find_weights(weights), strict=True))
        self._min_confidence, self._choose = min_confidence, choose
        try:
            self._network = _local(package, files[NETWORK])(
                package.LandmarksType.TWO_D,
                device="cpu",
                compile=False,
                face_detector="sfd",
                face_detector_kwargs={
                    "path_to_detector": str(files[BOXES]),
                    "filter_threshold": _LEAST_SCORE,
                },
            )
        except Exception as error:  # torch answers damaged weights with exceptions of every kind
            where = files[NETWORK].parent
            reason = " ".join(str(error).split())[:200]
            raise SketchFaceError(
                f"{where}: {NETWORK} or {files[BOXES]} does not hold the weights of that name "
                f"({reason}); fetch both again"
            ) from None

    def detect(self, photo: np.ndarray) -> Detection | None:
        """Return the chosen face of a photo, (H, W, 3) uint8 RGB, without mesh; None without."""
        boxes = self._boxes(photo)
        boxes = boxes[boxes[:, 4] >= self._min_confidence]
        if not len(boxes):
            return None
        height, width = photo.shape[:2]
        box = boxes[face_index(boxes[:, :4], width, height, self._choose)]
        # The network's points are whole pixels, of which ours are the centres.
        points = self._network.get_landmarks_from_image(photo, detected_faces=[box])[0] + 0.5
        return Detection(points.astype(np.float32), float(box[4]), len(boxes), None)

    def best_score(self, photo: np.ndarray) -> float | None:
        """Return the confidence in the likeliest face, however low; None without a candidate."""
        return max(map(float, self._boxes(photo)[:, 4]), default=None)

    def _boxes(self, photo: np.ndarray) -> np.ndarray:
        """Return left, top, right, bottom and score of every candidate, (N, 5)."""
        if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3:
            raise ValueError(f"photo: {photo.dtype} {photo.shape}; allowed: uint8 (H, W, 3)")
        boxes = self._network.face_detector.detect_from_image(np.ascontiguousarray(photo))
        return np.array(boxes, float).reshape(-1, 5)


def find_weights(folder: Path | str) -> list[Path]:
    """Return the path of each of `FILES`: in `folder`, else where the package keeps its downloads.

    Raises:
        SketchFaceError: naming those that are in neither.
    """
    import torch

    cache = Path(torch.hub.get_dir(), "checkpoints")
    paths = [
        next((path / name for path in (Path(folder), cache) if (path / name).is_file()), None)
        for name in FILES
    ]
    missing = [name for name, path in zip(FILES, paths, strict=True) if path is None]
    if missing:
        raise SketchFaceError(
            f"landmarks.detector: face_alignment needs {' and '.join(missing)}; put them into "
            f"{folder} (landmarks.weights) or {cache}, or choose mediapipe"
        )
    return [path for path in paths if path is not None]


def _import() -> ModuleType:
    try:
        import face_alignment
    except ImportError as error:
        raise SketchFaceError(
            f"landmarks.detector: face_alignment cannot be imported ({error}); install it with: "
            "pip install 'sketchface[face-alignment]'"
        ) from None
    return face_alignment


def _local(package: ModuleType, path: Path) -> Any:
    """Return the package's class, which reads its landmark network from a file, not the web."""
    import torch
    from face_alignment.models import FAN

    class Local(package.FaceAlignment):  # type: ignore[name-defined]
        def _load_native(self, name: str, size: int, device: str, dtype: torch.dtype) -> FAN:
            network = FAN(size)
            network.load_state_dict(torch.load(path, map_location=device, weights_only=True))
            return network.to(device, dtype=dtype).eval()

    return Local

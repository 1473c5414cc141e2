"""Depth from a network in ONNX form: MiDaS, Depth Anything and their like, through onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pipeline.common.images import resize
from sketchface_models.errors import SketchFaceError


class NoNumbers(SketchFaceError):
    """A photo for which a network gives values that are no numbers."""


class DepthNetwork:
    """A model that gives one number a pixel for an RGB photo, run on the CPU.

    Layout and size of its input are those the model states, (1, 3, H, W) or (1, H, W, 3); `size`
    stands in where a side is left open.

    Args:
        path: the model, or a folder with one `.onnx` file in it.
        size: side in pixels of the square that is fed to a model that takes any size.
        mean: of red, green and blue in [0, 1], taken away from the photo.
        std: what the rest is divided by.

    Raises:
        SketchFaceError: if onnxruntime is missing or the model cannot be used, in one line.
    """

    def __init__(
        self,
        path: Path | str,
        size: int,
        mean: tuple[float, ...],
        std: tuple[float, ...],
    ) -> None:
        self._path = model_file(path)
        self._session = _session(self._path)
        self._mean, self._std = np.array(mean, np.float32), np.array(std, np.float32)
        entry = self._session.get_inputs()[0]
        self._name, shape = entry.name, entry.shape
        self._half = entry.type == "tensor(float16)"
        fits = entry.type in ("tensor(float)", "tensor(float16)") and len(shape) == 4
        if not fits or len(self._session.get_inputs()) != 1 or 3 not in (shape[1], shape[3]):
            raise SketchFaceError(
                f"{self._path}: takes {entry.type} {shape}; wanted one float (1, 3, H, W) or "
                "(1, H, W, 3)"
            )
        self._channels_first = shape[1] == 3
        sides = shape[2:] if self._channels_first else shape[1:3]
        self._height, self._width = (s if isinstance(s, int) and s > 0 else size for s in sides)

    def __call__(self, photo: np.ndarray) -> np.ndarray:
        """Return the model's values for a photo (H, W, 3) uint8 RGB: (H, W) float32, in its unit.

        Raises:
            SketchFaceError: if it fails, or gives something else than one number a pixel;
                `NoNumbers` if this photo alone may be to blame.
        """
        fed = cv2.resize(photo, (self._width, self._height), interpolation=cv2.INTER_AREA)
        if self._width > photo.shape[1]:
            fed = cv2.resize(photo, (self._width, self._height), interpolation=cv2.INTER_CUBIC)
        fed = (fed.astype(np.float32) / 255 - self._mean) / self._std
        fed = fed.transpose(2, 0, 1) if self._channels_first else fed
        fed = np.ascontiguousarray(fed[None], np.float16 if self._half else np.float32)
        try:
            output = self._session.run(None, {self._name: fed})[0]
        except Exception as error:  # onnxruntime has exceptions of its own for every status
            reason = " ".join(str(error).split())[:200]
            raise SketchFaceError(
                f"{self._path}: failed on {self._width} x {self._height} pixels ({reason}); "
                "depth.size must be one that the model takes"
            ) from None
        depth = np.squeeze(output).astype(np.float32)
        if depth.ndim != 2:
            raise SketchFaceError(f"{self._path}: gave {output.shape}; wanted one number a pixel")
        if not np.isfinite(depth).all():
            raise NoNumbers(
                f"{self._path}: gave {output.shape} values that are no numbers; wanted one number "
                "a pixel"
            )
        return resize(depth, (photo.shape[1], photo.shape[0]))


def model_file(path: Path | str) -> Path:
    """Return the model file that `depth.path` means.

    Raises:
        SketchFaceError: if there is none, or several.
    """
    path = Path(path)
    models = sorted(path.glob("*.onnx")) if path.is_dir() else [path] if path.is_file() else []
    if len(models) != 1:
        wrong = f"{len(models)} models in it" if path.is_dir() else "no such file"
        raise SketchFaceError(
            f"depth.path: {str(path)!r}: {wrong}; wanted an .onnx file, or a folder with one"
        )
    return models[0]


def _session(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise SketchFaceError(
            f"depth.backend: onnx needs onnxruntime ({error}); install it with: "
            "pip install 'sketchface[onnx]'"
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # a process for every core
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    except Exception as error:  # see above
        reason = " ".join(str(error).split())[:200]
        raise SketchFaceError(f"{path}: not a model that onnxruntime reads ({reason})") from None

"""MediaPipe's face mesh, one photo at a time.

The graph runs in static mode: in video mode it tracks from photo to photo, and the answer would
depend on their order. The models come inside the mediapipe wheel.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace, TracebackType
from typing import Any

import numpy as np

from face_geometry.ibug import from_mesh
from pipeline.landmarks.detector import Choice, Detection, face_index
from sketchface_models.errors import SketchFaceError

VERTICES = 468
"""Surface vertices of the mesh; the irises' ten follow them."""

_MAX_FACES = 5
_LEAST_SCORE = 0.05  # confidence below which nothing counts as a candidate
_OUTPUTS = ("multi_face_landmarks", "face_detections")
_MICROSECONDS = 33333  # between two photos; the graph asks for rising times, whatever they are
_GRAPH = "mediapipe/modules/face_landmark/face_landmark_front_cpu.binarypb"
_DETECTOR = "facedetectionshortrangecpu__facedetectionshortrange__facedetection"
# A landmark on the wire: tag and length, then x, y, z, each a tag and a little-endian float. Read
# in one go, because asking 478 messages for three attributes each adds 6 % to a photo's time.
_LANDMARK = np.dtype(
    [("", "V3"), ("x", "<f4"), ("", "V1"), ("y", "<f4"), ("", "V1"), ("z", "<f4")],
)
# Shared libraries that slim containers lack, and the Debian package each is in.
_PACKAGES = {
    "libGLES": "libgles2",
    "libGL.": "libgl1",
    "libEGL": "libegl1",
    "libgthread": "libglib2.0-0",
    "libglib": "libglib2.0-0",
    "libgomp": "libgomp1",
}


class FaceMesh:
    """A running face-mesh graph; `close` it, or use it in a `with` statement.

    Args:
        min_confidence: in [0, 1]; faces the detector or the mesh's face flag score lower are
            ignored.
        choose: which of several faces.

    Raises:
        SketchFaceError: if mediapipe cannot be imported; the line names the package to install.
    """

    def __init__(self, min_confidence: float = 0.5, choose: Choice = "largest") -> None:
        self._choose = choose
        self._lenient: FaceMesh | None = None  # made when a face is missed
        with quiet():
            self._python = _import_mediapipe()
            # The same graph as `mediapipe.solutions.face_mesh.FaceMesh`, which does not hand
            # out the detector's scores.
            self._solution = self._python.solution_base.SolutionBase(
                binary_graph_path=_GRAPH,
                side_inputs={
                    "num_faces": _MAX_FACES,
                    "with_attention": True,  # refines eyes and lips, adds the irises
                    "use_prev_landmarks": False,
                },
                calculator_params={
                    f"{_DETECTOR}__TensorsToDetectionsCalculator.min_score_thresh": min_confidence,
                    "facelandmarkcpu__ThresholdingCalculator.threshold": min_confidence,
                },
                outputs=list(_OUTPUTS),
            )
            self._photos = 0
            # The models open in threads of their own; the first photo waits for them.
            self._process(np.zeros((64, 64, 3), np.uint8))
        self._has_seen_a_face = False

    def detect(self, photo: np.ndarray) -> Detection | None:
        """Return the chosen face of a photo; None without a face.

        Args:
            photo: (H, W, 3) uint8 RGB.
        """
        detections = self.detect_all(photo)
        if not detections:
            return None
        boxes = np.array([_box(face.mesh) for face in detections])
        return detections[face_index(boxes, photo.shape[1], photo.shape[0], self._choose)]

    def detect_all(self, photo: np.ndarray) -> list[Detection]:
        """Return every face of a photo, at most five.

        Args:
            photo: (H, W, 3) uint8 RGB.
        """
        faces, detections = self._look(photo)
        height, width = photo.shape[:2]
        meshes = [_mesh(face, width, height) for face in faces]
        alone = len(detections) == 1
        nearest = [
            detections[0] if alone else _nearest(detections, mesh, width, height) for mesh in meshes
        ]
        return [
            Detection(from_mesh(mesh), _confidence(detection), len(meshes), mesh)
            for mesh, detection in zip(meshes, nearest, strict=True)
        ]

    def best_score(self, photo: np.ndarray) -> float | None:
        """Return the confidence in the likeliest face, however low; None without a candidate."""
        if self._lenient is None:
            self._lenient = FaceMesh(_LEAST_SCORE)
        detections = self._lenient._look(photo)[1]
        return max(map(_confidence, detections), default=None)

    def close(self) -> None:
        """Stop the graph."""
        self._solution.close()
        if self._lenient is not None:
            self._lenient.close()

    def __enter__(self) -> FaceMesh:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _look(self, photo: np.ndarray) -> tuple[list[Any], list[Any]]:
        """Check a photo and return its faces and detections, as messages."""
        if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3:
            raise ValueError(f"photo: {photo.dtype} {photo.shape}; allowed: uint8 (H, W, 3)")
        photo = np.ascontiguousarray(photo)
        if self._has_seen_a_face:
            return self._process(photo)
        with quiet():  # the graph writes a warning to stderr at the first face of a process
            faces, detections = self._process(photo)
        self._has_seen_a_face = bool(faces)
        return faces, detections

    def _process(self, photo: np.ndarray) -> tuple[list[Any], list[Any]]:
        """Return the faces and detections of a photo, as messages.

        `SolutionBase.process` does the same, but makes a new class for every answer, which takes
        a tenth of a photo's time.
        """
        getter, outputs = self._python.packet_getter, self._solution._graph_outputs
        outputs.clear()
        self._photos += 1
        rgb = self._python.image_frame.ImageFormat.SRGB
        packet = self._python.packet_creator.create_image_frame(image_format=rgb, data=photo)
        self._solution._graph.add_packet_to_input_stream(
            stream="image", packet=packet.at(_MICROSECONDS * self._photos)
        )
        self._solution._graph.wait_until_idle()
        faces, detections = (
            [] if packet is None or packet.is_empty() else getter.get_proto_list(packet)
            for packet in (outputs.get(name) for name in _OUTPUTS)
        )
        return faces, detections


def _mesh(face: Any, width: int, height: int) -> np.ndarray:
    fields = np.frombuffer(face.SerializeToString(), _LANDMARK)
    points = np.stack([fields["x"], fields["y"], fields["z"]], axis=1)
    # MediaPipe gives z in units of the width, so that all three axes end up in pixels.
    return points * np.array([width, height, width], np.float32)


def _box(mesh: Any) -> np.ndarray:
    flat = mesh[:VERTICES, :2]
    return np.concatenate([flat.min(axis=0), flat.max(axis=0)])


def _nearest(detections: Any, mesh: np.ndarray, width: int, height: int) -> Any:
    """Return the detection whose box is nearest: the two lists may differ in order and length."""
    centre = mesh[:VERTICES, :2].mean(axis=0)

    def distance(detection: Any) -> float:
        box = detection.location_data.relative_bounding_box
        x, y = box.xmin + box.width / 2, box.ymin + box.height / 2
        return float(np.hypot(x * width - centre[0], y * height - centre[1]))

    return min(detections, key=distance)


def _confidence(detection: Any) -> float:
    return min(max(float(detection.score[0]), 0.0), 1.0)


def _import_mediapipe() -> SimpleNamespace:
    try:
        with _lazy_packages("mediapipe", "mediapipe.python.solutions"):
            from mediapipe.python import packet_creator, packet_getter, solution_base
            from mediapipe.python._framework_bindings import image_frame
            from mediapipe.python.solutions import face_mesh  # noqa: F401  registers calculators
    except ImportError as error:
        raise SketchFaceError(import_remedy(error)) from None
    return SimpleNamespace(
        packet_creator=packet_creator,
        packet_getter=packet_getter,
        solution_base=solution_base,
        image_frame=image_frame,
    )


@contextmanager
def _lazy_packages(*names: str) -> Iterator[None]:
    """Import from packages without running their `__init__`, which waits until it is needed.

    MediaPipe's import all of its solutions, and matplotlib to draw them: most of the time that a
    first face takes. They run when somebody asks for what they bring: `mediapipe.solutions`, say.
    """
    lazy = []
    for name in names:
        spec = None if name in sys.modules else importlib.util.find_spec(name)
        if spec is not None:
            lazy.append(importlib.util.module_from_spec(spec))
            sys.modules[name] = lazy[-1]
    try:
        yield
    finally:
        for module in lazy:
            vars(module)["__getattr__"] = functools.partial(_run, module)


def _run(module: ModuleType, name: str) -> Any:
    """Run a lazy package's `__init__` and return what it brings by that name."""
    vars(module).pop("__getattr__", None)
    assert module.__spec__ is not None
    assert module.__spec__.loader is not None
    module.__spec__.loader.exec_module(module)
    return getattr(module, name)


def import_remedy(error: ImportError) -> str:
    """Return one line that says what to install after mediapipe or cv2 failed to import."""
    reason = " ".join(str(error).split())
    for library, package in _PACKAGES.items():
        if library in reason:
            return f"{reason}; install the Debian package {package}"
    return f"{reason}; install it with: pip install 'sketchface[pipeline]'"


@contextmanager
def quiet() -> Iterator[None]:
    """Keep what C++ code writes to file descriptor 2 unless the block fails.

    MediaPipe and TensorFlow Lite offer no switch for these start-up lines.
    """
    saved = os.dup(2)
    with tempfile.TemporaryFile() as sink:
        os.dup2(sink.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(saved, 2)
            sink.seek(0)
            os.write(2, sink.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)

"""`segment` with the parser that comes with the package."""

from pathlib import Path

import numpy as np
import pytest
from made_faces import crop, face, pencil, write_faces

from face_geometry.palette import INDEX
from pipeline.common.images import decode, encode_png
from pipeline.common.shards import QUARANTINE, iter_rows, read_quarantine, write_rows
from pipeline.segment.segment import SegmentSettings, segment
from sketchface_models.pretrained.parsers import FaceParser

SIZE = 200
LABELS = np.tile(np.arange(19, dtype=np.uint8).repeat(11)[:SIZE], (SIZE, 1))


@pytest.fixture
def faces(project: Path) -> Path:
    shards = [
        [face("photo", photo=crop(SIZE)), face("drawing", sketch=pencil(SIZE))],
        [
            face("labelled", photo=crop(SIZE), labels=LABELS),
            face("wider", "test", photo=crop(SIZE, left=70, top=0, side=300)),
        ],
    ]
    for number in range(len(shards)):  # nobody looked for landmarks, and nobody needs them
        write_rows(project / f"landmarks/shards/{number:04d}.parquet", [], QUARANTINE)
    return write_faces(project / "faces", shards, SIZE)


def test_photos_without_labels_are_parsed_and_labels_kept(faces: Path) -> None:
    settings = SegmentSettings(source="parser", precision="32-true")
    segment(faces, Path("landmarks"), Path("segment"), settings)
    rows = {row["id"]: row for row in iter_rows("segment")}
    assert {id: row["source"] for id, row in rows.items()} == {
        "photo": "parser",
        "wider": "parser",
        "labelled": "dataset",
    }
    assert rows["labelled"]["labels"]["bytes"] == encode_png(LABELS)
    assert {row["id"]: row["reason"] for row in read_quarantine("segment")} == {
        "drawing": "no labels of its own and no photo to parse"
    }
    parser = FaceParser("32-true")
    for id, photo in (("photo", crop(SIZE)), ("wider", crop(SIZE, left=70, top=0, side=300))):
        found = decode(rows[id]["labels"]["bytes"])
        np.testing.assert_array_equal(found, parser.labels([photo])[0])


def test_the_astronaut_is_parsed_as_anyone_would(astronaut) -> None:
    labels = FaceParser("32-true").labels([crop()])[0]

    def centre(name: str) -> np.ndarray:
        rows, columns = np.nonzero(labels == INDEX[name])
        assert len(rows), name
        return np.array([columns.mean(), rows.mean()]) + 0.5

    points = astronaut.landmarks
    for name, chain in (
        *(("r_eye", range(36, 42)), ("l_eye", range(42, 48))),
        *(("r_brow", range(17, 22)), ("l_brow", range(22, 27))),
        ("nose", range(27, 36)),
    ):
        np.testing.assert_allclose(centre(name), points[list(chain)].mean(axis=0), atol=8)
    assert centre("u_lip")[1] < centre("l_lip")[1]
    assert (labels == INDEX["hair"]).mean() > 0.1
    assert (labels == INDEX["skin"]).mean() > 0.1


def test_half_precision_parses_alike() -> None:
    exact, fast = (FaceParser(each).labels([crop()])[0] for each in ("32-true", "bf16-mixed"))
    assert (exact == fast).mean() > 0.98

"""What the geometry stages make of real photos: counts, distances, and sheets to look at.

    python benchmarks/real_faces.py fs2k path/to/FS2K --out some/folder
    python benchmarks/real_faces.py celebamask path/to/CelebAMask-HQ --out some/folder

Runs `faces`, `landmarks`, `contours`, `segment` and `depth` whole, with the settings in `conf/`,
into the folder that `--out` names; started again there, finished shards are taken as they are. The
labels that landmarks are compared with are the data set's own where it has them, else the parser's:
then a distance is a disagreement of two guesses. The sheets (`OUT/sheets`) show, a face: photo with
landmarks, contour, labels, depth.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from face_geometry.align import similarity, transform_points
from face_geometry.ibug import SEGMENTS
from face_geometry.palette import INDEX, colourise
from pipeline.common.images import decode, decode_depth, encode_png, resize
from pipeline.common.shards import Row, iter_rows, read_quarantine, read_rows, shard_paths
from pipeline.common.sheets import sheet
from pipeline.contours.contours import ContourSettings, draw_contours
from pipeline.datasets import adapter
from pipeline.depth.depth import DepthSettings, make_depth
from pipeline.depth.surround import LEFT_EAR, RIGHT_EAR
from pipeline.faces.ingest import ingest
from pipeline.landmarks.landmarks import LandmarkSettings, find_landmarks
from pipeline.segment.segment import SegmentSettings, segment
from sketchface_models.config import load

STAGES = ("faces", "landmarks", "contours", "segment", "depth")
PARTS: dict[str, tuple[tuple[int, ...], tuple[str, ...]]] = {
    "right eye": ((36, 37, 38, 39, 40, 41), ("r_eye",)),
    "left eye": ((42, 43, 44, 45, 46, 47), ("l_eye",)),
    "nose": ((27, 31, 32, 33, 34, 35), ("nose",)),
    "mouth": (tuple(range(48, 60)), ("mouth", "u_lip", "l_lip")),
}
"""A part of the face: the landmarks around it, and the classes that it is labelled with."""
REGIONS = {
    "face": ("skin", "nose", "l_eye", "r_eye", "l_brow", "r_brow", "mouth", "u_lip", "l_lip"),
    "ears": ("l_ear", "r_ear"),
    "hair, hat": ("hair", "hat"),
    "neck, clothes": ("neck", "neck_l", "cloth"),
    "background": ("background",),
}
FEW = 12
"""Pixels below which a patch of labels is a speck, without a centre to speak of."""


@dataclass(frozen=True)
class Seen:
    """What is known of a face in which landmarks were found.

    score, faces: of the `landmarks` stage. points: (68, 2) pixels. distances: by part, see
    `distances`. turn: degrees, see `turn_of`. tilt: degrees of the line through the eyes. light:
    mean of the photo's middle, 0 to 255. classes: (19,) part of the pixels. drawn: by region, part
    of its pixels that have depth. holes: places without depth that depth surrounds.
    """

    id: str
    source: str
    score: float
    faces: int
    points: np.ndarray
    distances: Mapping[str, float]
    turn: float
    tilt: float
    light: float
    classes: np.ndarray
    drawn: Mapping[str, float]
    holes: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", help="an adapter's name: fs2k, celebamask, folder, ...")
    parser.add_argument("root", type=Path, help="the data set's folder")
    parser.add_argument("--out", type=Path, required=True, help="folder for stages and sheets")
    parser.add_argument("--limit", type=int, default=0, help="faces; 0 = all")
    options = parser.parse_args()
    root = options.root.resolve()
    options.out.mkdir(parents=True, exist_ok=True)
    os.chdir(options.out)
    os.environ["DVC_ROOT"] = "."
    run_stages(options.data, root, options.limit)
    seen = list(faces_seen())
    report(seen)
    Path("sheets").mkdir(exist_ok=True)
    for name, (ids, captions) in chosen(seen).items():
        show(name, ids, captions)
    show("lost", [row["id"] for row in read_quarantine("landmarks")], [])


def run_stages(data: str, root: Path, limit: int) -> None:
    """The five stages in this folder."""
    import yaml

    from pipeline.common.code_hash import ROOT

    values = yaml.safe_load((ROOT / "conf" / "data" / f"{data}.yaml").read_text())
    values |= {"root": str(root), "limit": limit}
    module = adapter(data)
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    faces, landmarks, contours, labels, depth = map(Path, STAGES)
    ingest(module, load(module.Settings, values, "data"), faces)
    find_landmarks(faces, landmarks, load(LandmarkSettings, params["landmarks"], "landmarks"))
    draw_contours(faces, landmarks, contours, load(ContourSettings, params["contours"], "contours"))
    segment(faces, landmarks, labels, load(SegmentSettings, params["segment"], "segment"))
    make_depth(faces, landmarks, depth, load(DepthSettings, params["depth"], "depth"))


def faces_seen() -> Iterator[Seen]:
    """Every face with landmarks, from the stages' folders."""
    for path in shard_paths("faces"):
        tables = {
            name: {row["id"]: row for row in read_rows(Path(name, "shards", path.name))}
            for name in ("landmarks", "segment", "depth")
        }
        for face in read_rows(path, ["id", "source", "photo"]):
            if all(face["id"] in table for table in tables.values()):
                yield seen_in(face, {name: table[face["id"]] for name, table in tables.items()})


def seen_in(face: Row, rows: Mapping[str, Row]) -> Seen:
    points = np.array(rows["landmarks"]["points"], float).reshape(-1, 2)
    mesh = np.array(rows["landmarks"]["mesh"], float).reshape(-1, 3)
    labels = decode(rows["segment"]["labels"]["bytes"])
    depth = decode_depth(rows["depth"]["depth"]["bytes"])
    photo = decode(face["photo"]["bytes"])
    side = len(photo)
    right, left = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    return Seen(
        id=face["id"],
        source=face["source"],
        score=rows["landmarks"]["score"],
        faces=rows["landmarks"]["faces"],
        points=points,
        distances=distances(points, labels),
        turn=turn_of(mesh),
        tilt=float(np.degrees(np.arctan2(*(left - right)[::-1]))),
        light=float(photo[side // 4 : -side // 4, side // 4 : -side // 4].mean()),
        classes=np.bincount(labels.ravel(), minlength=len(INDEX)) / labels.size,
        drawn=drawn(depth, labels),
        holes=holes(depth),
    )


def label_centre(labels: np.ndarray, names: Sequence[str]) -> np.ndarray | None:
    """Centre (x, y) of the largest connected patch of some classes; None where all are specks.

    Patches, because a parser also sees lips in the folds of a neck.
    """
    mask = np.isin(labels, [INDEX[name] for name in names]).astype(np.uint8)
    _, _, stats, centres = cv2.connectedComponentsWithStats(mask)
    areas = stats[1:, cv2.CC_STAT_AREA]
    if areas.max(initial=0) < FEW:
        return None
    middle: np.ndarray = centres[1 + areas.argmax()] + 0.5
    return middle


def polygon_centre(corners: np.ndarray) -> np.ndarray:
    """Centre of area (x, y) of a polygon, (N, 2); the mean of its corners where it has no area."""
    middle = corners.mean(axis=0)
    x, y = (corners - middle).T
    twice = x * np.roll(y, -1) - np.roll(x, -1) * y
    if abs(twice.sum()) < 1e-9:
        return middle
    ahead = corners - middle + np.roll(corners - middle, -1, axis=0)
    return middle + (ahead * twice[:, None]).sum(axis=0) / (3 * twice.sum())


def distances(points: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """How far each part of a face lies from where its landmarks say it does.

    Centres of area on both sides, in distances between the centres of the labelled eyes. Parts
    without labels are left out; all are where an eye is hidden, which leaves nothing to measure by.

    Args:
        points: (68, 2) pixels.
        labels: (H, W) uint8.
    """
    centres = {name: label_centre(labels, classes) for name, (_, classes) in PARTS.items()}
    right, left = centres["right eye"], centres["left eye"]
    if right is None or left is None:
        return {}
    unit = np.linalg.norm(right - left)
    return {
        name: float(np.linalg.norm(polygon_centre(points[list(PARTS[name][0])]) - centre) / unit)
        for name, centre in centres.items()
        if centre is not None
    }


def turn_of(mesh: np.ndarray) -> float:
    """Degrees by which a face, (468 or 478, 3), is turned; positive: its left ear is farther."""
    right, _, away = mesh[LEFT_EAR] - mesh[RIGHT_EAR]
    return float(np.degrees(np.arctan2(away, right)))


def strangeness(points: np.ndarray) -> np.ndarray:
    """How unlike the average each shape (N, 68, 2) is, whatever its place, size and tilt: (N,).

    Root mean square distance of its landmarks from the mean shape, in that one's own root mean
    square radius. The mean is of shapes brought onto the first one, once.
    """
    upright = np.stack([transform_points(p, similarity(p, points[0])) for p in points])
    mean = upright.mean(axis=0)
    moved = np.stack([transform_points(p, similarity(p, mean)) for p in points])
    radius = np.sqrt(((mean - mean.mean(axis=0)) ** 2).sum(axis=1).mean())
    away: np.ndarray = np.sqrt(((moved - mean) ** 2).sum(axis=2).mean(axis=1)) / radius
    return away


def drawn(depth: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Part of each region's pixels that have depth; regions that are not there are left out."""
    inside = {name: np.isin(labels, [INDEX[c] for c in parts]) for name, parts in REGIONS.items()}
    return {
        name: float((depth[mask] > 0).mean()) for name, mask in inside.items() if mask.sum() >= FEW
    }


def holes(depth: np.ndarray) -> int:
    """Places of no depth that do not reach the picture's edge."""
    count, places = cv2.connectedComponents((depth == 0).astype(np.uint8))
    edge = np.concatenate([places[0], places[-1], places[:, 0], places[:, -1]])
    return count - len(set(edge.tolist()) | {0})


def chosen(seen: Sequence[Seen]) -> dict[str, tuple[list[str], list[str]]]:
    """The sheets: ids and captions by name."""
    strange = dict(zip((f.id for f in seen), strangeness(np.stack([f.points for f in seen]))))

    def top(key: Callable[[Seen], float], count: int, among: Sequence[Seen] = seen) -> list[Seen]:
        return sorted(among, key=lambda f: (-key(f), f.id))[:count]

    def worn(name: str) -> list[Seen]:
        return top(lambda f: f.classes[INDEX[name]], 6)

    sources = sorted({f.source for f in seen})
    rng = np.random.default_rng(0)
    some = [
        one
        for source in sources
        for group in [[f for f in seen if f.source == source]]
        for one in (group[i] for i in sorted(rng.permutation(len(group))[: 24 // len(sources)]))
    ]
    turned = top(lambda f: abs(f.turn), 20)
    special = [*worn("eye_g"), *worn("hat"), *worn("hair"), *turned[:6]]
    picked: dict[str, tuple[Sequence[Seen], Callable[[Seen], str]]] = {
        "doubted": (top(lambda f: -f.score, 20), lambda f: f"score {f.score:.2f}"),
        "far": (
            top(lambda f: max(f.distances.values(), default=0.0), 20),
            lambda f: "{1} off by {0:.2f}".format(*max((v, k) for k, v in f.distances.items())),
        ),
        "strange": (top(lambda f: strange[f.id], 20), lambda f: f"strangeness {strange[f.id]:.2f}"),
        "several": ([f for f in seen if f.faces > 1][:20], lambda f: f"{f.faces} faces"),
        "holes": (top(lambda f: f.holes, 20), lambda f: f"{f.holes} holes"),
        "dark": (top(lambda f: -f.light, 20), lambda f: f"brightness {f.light:.0f}"),
        "tilted": (top(lambda f: abs(f.tilt), 20), lambda f: f"tilted by {f.tilt:.0f}"),
        "turned": (turned, lambda f: f"turned by {f.turn:.0f}"),
        "special": (list({f.id: f for f in special}.values()), lambda f: ""),
        "any": (some, lambda f: ""),
    }
    return {
        name: ([f.id for f in faces], [f"{f.id[:20]} {caption(f)}" for f in faces])
        for name, (faces, caption) in picked.items()
    }


def show(name: str, ids: Sequence[str], captions: Sequence[str]) -> None:
    """Write `sheets/NAME.png`, if there is anything on it."""
    if not ids:
        return
    pictures: dict[str, list[np.ndarray | None]] = {id: [None] * 4 for id in ids}
    marks = {row["id"]: row["points"] for row in iter_rows("landmarks", ["id", "points"])}
    for row in iter_rows("faces", ["id", "photo"]):
        if row["id"] in pictures:
            photo = decode(row["photo"]["bytes"])
            points = marks.get(row["id"])
            pictures[row["id"]][0] = photo if points is None else marked(photo, np.array(points))
    readers: tuple[tuple[str, str, Callable[[bytes], np.ndarray]], ...] = (
        ("contours", "contour", decode),
        ("segment", "labels", lambda data: colourise(decode(data))),
        ("depth", "depth", lambda data: np.round(255 * decode_depth(data)).astype(np.uint8)),
    )
    for place, (stage, column, read) in enumerate(readers, 1):
        for row in iter_rows(stage, ["id", column]):
            if row["id"] in pictures and row[column]:
                pictures[row["id"]][place] = read(row[column]["bytes"])
    heads = ["photo, landmarks", "contour", "labels", "depth"]
    picture = sheet([pictures[id] for id in ids], captions or list(ids), heads, 200, 2)
    Path("sheets", f"{name}.png").write_bytes(encode_png(picture))


def marked(photo: np.ndarray, points: np.ndarray) -> np.ndarray:
    """A photo with its landmarks joined, at twice its size."""
    large = resize(photo, (2 * photo.shape[1], 2 * photo.shape[0]))
    corners = np.round(2 * points.reshape(-1, 2) - 0.5).astype(int).tolist()
    for start, end in SEGMENTS:
        cv2.line(large, corners[start], corners[end], (0, 255, 60), 2, cv2.LINE_AA)
    return large


def report(seen: Sequence[Seen]) -> None:
    """Counts and tables, as Markdown."""
    offered = Counter(row["source"] for row in iter_rows("faces", ["source"]))
    found = Counter(face.source for face in seen)
    print("| source | photos | faces found | |\n|---|---|---|---|")
    for source, count in sorted(offered.items()):
        print(f"| {source} | {count} | {found[source]} | {found[source] / count:.2%} |")
    for stage in STAGES:
        for row in read_quarantine(stage):
            print(f"\nquarantine, {stage}: {row['id']}: {row['reason']}", end="")
    several = sum(face.faces > 1 for face in seen)
    print(f"\n\nmore than one face: {several} photos; with holes: {sum(f.holes > 0 for f in seen)}")
    table("distance of", [f.distances for f in seen], (50, 95, 99, 100), "{:.3f}")
    table("drawn, part of", [f.drawn for f in seen], (0, 5, 50, 95), "{:.2f}")


def table(
    title: str, values: Sequence[Mapping[str, float]], shares: Sequence[int], form: str
) -> None:
    """Percentiles of what each face has under some names."""
    print(f"\n| {title} | faces | mean | {' | '.join(f'{share} %' for share in shares)} |")
    print("|---" * (3 + len(shares)) + "|")
    for name in dict.fromkeys(name for each in values for name in each):
        column = [each[name] for each in values if name in each]
        cells = [np.mean(column), *np.percentile(column, shares)]
        print(f"| {name} | {len(column)} | {' | '.join(form.format(cell) for cell in cells)} |")


if __name__ == "__main__":
    main()

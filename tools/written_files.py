"""What the stages write, file by file: with `data_flow`, the content of docs/data-flow.md.

Columns come from the stages' schemas and the descriptions beside them, keys of `summary.json` from
the docstrings of its record. What has no schema in the code is described here; a test compares all
of it with what the pipeline writes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from pipeline.augment import augment
from pipeline.common import edit_table, evaluations, records
from pipeline.common.shards import IMAGE, QUARANTINE, QUARANTINE_COLUMNS
from pipeline.contours import contours
from pipeline.depth import depth
from pipeline.faces import index, ingest
from pipeline.landmarks import landmarks
from pipeline.segment import segment
from tools.reference import field_docs


@dataclass(frozen=True)
class File:
    """A file that a stage writes."""

    path: str
    """Below the output; words in capitals stand for names and numbers. Empty: the output itself."""
    meaning: str
    parts: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Columns or keys: name -> type, meaning."""
    schema: pa.Schema | None = None
    only: str = ""
    """When it is written, if not always."""


def parquet(
    path: str,
    meaning: str,
    schema: pa.Schema,
    columns: Mapping[str, str] | None = None,
    **more: Any,
) -> File:
    """Return a table's description; columns without one in `columns` describe themselves."""
    parts = {}
    for each in schema:
        own = (each.metadata or {}).get(b"description", b"").decode()
        parts[each.name] = (type_name(each.type), (columns or {}).get(each.name, own))
    return File(path, meaning, parts, schema, **more)


def record(path: str, meaning: str, cls: type) -> File:
    """Return the description of a JSON file that holds a dataclass."""
    docs = field_docs(cls)
    parts = {
        each.name: (_json_type(str(each.type)), docs.get(each.name, ""))
        for each in dataclasses.fields(cls)
    }
    return File(path, meaning, parts)


def shards(meaning: str, schema: pa.Schema, columns: Mapping[str, str]) -> tuple[File, File]:
    """Return the two files that every stage of faces writes."""
    return (
        parquet("shards/NNNN.parquet", meaning, schema, columns),
        parquet("quarantine.parquet", "what was left out, and why", QUARANTINE, QUARANTINE_COLUMNS),
    )


def where(condition: str, files: tuple[File, ...]) -> tuple[File, ...]:
    """Return files that are written under one more condition."""
    return tuple(
        dataclasses.replace(each, only=" and ".join(filter(None, (condition, each.only))))
        for each in files
    )


def type_name(kind: pa.DataType) -> str:
    """Return the name of a column's type, lists and pictures in words."""
    if kind == IMAGE:
        return "picture"
    if pa.types.is_list(kind):
        return f"list of {type_name(kind.value_type)}"
    names = {"float": "float32", "double": "float64", "string": "text", "binary": "bytes"}
    return names.get(str(kind), str(kind))


def _json_type(annotation: str) -> str:
    """Return what JSON makes of a record's field."""
    names = {"str": "text", "bool": "bool", "int": "int", "tuple": "list", "dict": "object"}
    name = names.get(annotation.split("[")[0], "text")
    return f"{name} or null" if annotation.endswith("| None") else name


ROWS, LOGS = "a row a face", "a line a step"
PRETRAINED = "where `pretrain` names runs"
CARD = {
    "run": ("text", "name of the run"),
    "seed": ("int", "seed of the training"),
    "model": ("object", "the run's parameters, as under `systems.RUN`"),
    "channels": ("object", "field -> channels in the pack"),
    "pack": ("text", "hash of the pack's files"),
    "faces": ("object", "as in `pack.json`"),
    "parameters": ("object", "network -> number of parameters"),
    "steps": ("int", "training steps"),
    "images": ("int", "steps x batch"),
    "styles": ("object", "style -> training faces; of runs that read a style"),
}
PACK = {
    "size": ("int", "S, side of the pictures, pixels"),
    "fields": ("object", "field -> channels"),
    "inputs": ("list of text", "fields that the run reads, in order"),
    "target": ("text", "field that it learns to generate"),
    "sees_target": ("bool", "true; of runs with `task.sees_target`"),
    "ids": ("list of text", "the N faces, in the order of the arrays' rows"),
    "splits": ("list of text", "of each face: train, val or test"),
    "styles": ("list of int", "of each face, counted from 1; null where unknown"),
    "faces": ("object", "`data`, `size`, `framing`, `depth`: how the photos came to this form"),
    "missing": ("list of object", "faces that lack a field: `id`, `split`, `style`, `lacks`"),
    "sizes": ("object", "field -> its own side; of runs with `task.sizes`"),
    "domains": ("list of object", "`fields`, `ids`, `splits`, `styles` of each; of unpaired runs"),
}
DATASET = {
    "name": ("text", "the data set"),
    "size": ("int", "side of the aligned pictures, pixels"),
    "framing": ("list", "where the eyes and the mouth are, x and y in parts of the side; or null"),
    "offered": ("int", "faces and files that the data set has"),
    "accepted": ("int", "faces in `shards/`"),
    "quarantined": ("int", "faces and files left out"),
    "splits": ("object", "split -> faces"),
    "styles": ("object", "style -> faces"),
    "sources": ("object", "part of the data set -> faces"),
    "fields": ("object", "field -> faces that have the data set's own"),
    "shared": ("list of text", "test faces whose photo also stands in the training split"),
    "duplicates": ("object", "`groups`, `faces`, `in_train_and_test` of repeated photos"),
}
EDITS = {
    "size": ("int", "side of the pictures, pixels; of a table with rows"),
    "seed": ("int", "of the faces; of a table with rows"),
    "faces": ("int", "base faces; of a table with rows"),
    "variants": ("int", "edits of each base face in each group; of a table with rows"),
    "groups": ("list of text", "what is edited, by name; of a table with rows"),
    "note": ("text", "why there are no rows, alone in the file; of a table without"),
}
RUN_NOTES = {
    "best": ("object", "`measure`, `step`, `value` of the best weights"),
    "skipped_updates": ("int", "updates left out because something was not finite"),
    "resumed_at": ("int", "step at which the last session began; 0 = it was the only one"),
    "earlier_sessions": ("list of object", "where the sessions before ran"),
    "images_per_second": ("float", "of the last session"),
    "peak_memory_bytes": ("int", "of the process, or of the GPU"),
    "flops_per_sample": ("int", "floating-point operations of one training step, a face"),
    "matmul_flops_per_second": ("float", "what the device does in a large matrix product"),
    "parameters": ("object", "network -> number of parameters"),
    "device": ("text", "cpu or cuda"),
    "hardware": ("text", "name of the processor"),
    "precision": ("text", "32-true or bf16-mixed"),
    "processes": ("int", "that shared each batch"),
    "threads": ("int", "of a process"),
    "torch": ("text", "version"),
    "python": ("text", "version"),
    "commit": ("text", "of this code; unknown outside of a checkout"),
}
STYLE_CARD = {
    "trained_on": ("object", "style -> training sketches"),
    "side": ("int", "side of the pieces that it sees, pixels"),
    "test": ("object", "how well it recognises real test sketches, as they are and softened"),
    "note": ("text", "why there is none, alone in the file; of data with one style or none"),
}
SCORE_TABLE = {
    "run": ("text", "name of the run"),
    "output": ("text", "the system's output"),
    "seed": ("int or `all`", "seed of the training; `all`: the mean over seeds"),
    "seeds": ("int", "trainings that the mean is over"),
    "method": ("text", "the system, or which baseline"),
    "subset": ("text", "which test faces"),
    "metric": ("text", "name of the measure"),
    "mean": ("float", "over faces and seeds"),
    "spread": ("float", "standard deviation over seeds"),
    "low": ("float", "lower end of the 95 % interval; of rates and overlaps at least 0"),
    "high": ("float", "upper end of the 95 % interval; of rates and overlaps at most 1"),
    "count": ("int", "faces"),
    "direction": ("text", "which end is good"),
    "protocol": ("text", "tag of all that could change a value"),
}
CURVE_TABLE = {
    "run": ("text", "name of the run"),
    "seed": ("int", "seed of the training"),
    "step": ("int", "training step"),
    "term": ("text", "a loss, rate, norm or validation measure"),
    "value": ("float", "its value; averaged where steps are thinned"),
}

ABOUT = {
    "ids": ("list of text", "the test faces"),
    "target": ("text", "field that the baselines are compared with"),
    "inputs": ("list of text", "fields that the run reads and that are pictures"),
    "size": ("int", "side at which pictures are compared, pixels"),
    "traits": ("list of list", "what is known of each test face, such as `pose turned`"),
    "seed": ("int", "of the choice of another face"),
}
PACK_FILES = (
    File("pack.json", "what the arrays hold", PACK),
    File(
        "FIELD.npy",
        "an array for each field but the style, (N, C, S, S) uint8; see [Fields](#fields)",
    ),
)
WEIGHT_FILES = (
    File("model.json", "the card of the weights", CARD),
    File("model.safetensors", "weights after the last step; the card in its metadata"),
    File(
        "best.safetensors",
        "weights of the best validation; the card in its metadata",
        only="where `engine.best` names a measure and there are validation faces",
    ),
)
LOG_FILES = (
    File("steps.jsonl", f"{LOGS}: `step`, and each loss, rate, norm and `val_` measure"),
    File("timing.jsonl", "speed now and then: `step`, `images_per_second`, `time`"),
    File("run.json", "where and how fast it was trained", RUN_NOTES),
    File(
        "samples/step-STEP.png",
        "inputs, generated picture and target of validation faces",
        only="where there are validation faces",
    ),
)

OUTPUTS: dict[str, tuple[File, ...]] = {
    "data/code": (
        File("STAGE", "hash and path of each file that the stage runs, as `sha256sum` writes them"),
        File("STAGE/RUN", "the same for each run, of stages that run its system"),
    ),
    "data/check.json": (
        File("", "what the data set offers", {"offers": ("list of text", "fields of its own")}),
    ),
    "data/asked.json": (
        File(
            "",
            "what the chosen runs are asked about",
            {"edits": ("bool", "whether one makes photos of contours or parsing maps alone")},
        ),
    ),
    "data/faces": (
        parquet("shards/NNNN.parquet", ROWS, ingest.SCHEMA, ingest.COLUMNS),
        parquet("index.parquet", ROWS, index.INDEX_SCHEMA, index.INDEX_COLUMNS),
        parquet(
            "quarantine.parquet",
            "faces and files left out, and why",
            index.QUARANTINE_SCHEMA,
            index.QUARANTINE_COLUMNS,
        ),
        parquet(
            "duplicates.parquet",
            "photos that occur more than once",
            index.DUPLICATES_SCHEMA,
            index.DUPLICATES_COLUMNS,
        ),
        File("dataset.json", "the data set in numbers", DATASET),
    ),
    "data/landmarks": shards("a row a detected face", landmarks.SCHEMA, landmarks.COLUMNS),
    "data/contours": (
        *shards(ROWS, contours.SCHEMA, contours.COLUMNS),
        File(
            "average_face.json",
            "the mean training face",
            {
                "size": ("int", "side of the picture, pixels"),
                "count": ("int", "faces"),
                "points": ("list of list of float", "68 x 2, mean landmarks in pixels"),
            },
        ),
        File("average_face.png", "its contour, (size, size) uint8, 255 is paper"),
    ),
    "data/augment": shards("a row a test face", augment.SCHEMA, augment.COLUMNS),
    "data/edits": (
        *shards(
            "a row a pair of drawings; none for other data and where no run is asked about them",
            edit_table.SCHEMA,
            edit_table.COLUMNS,
        ),
        File("edits.json", "what the table holds", EDITS),
    ),
    "data/segment": shards(ROWS, segment.SCHEMA, segment.COLUMNS),
    "data/depth": shards(ROWS, depth.SCHEMA, depth.COLUMNS),
    "data/style": (
        File("style.json", "what the classifier learned from, and how good it is", STYLE_CARD),
        File("model.safetensors", "its weights", only="where there are two styles or more"),
    ),
    "data/pack/RUN": PACK_FILES,
    "data/pretrain/runs.json": (File("", "a list: the runs of `pretrain`, by name"),),
    "data/pretrain-pack/RUN": where(PRETRAINED, PACK_FILES),
    "data/pretrain/RUN/SEED/weights": where(PRETRAINED, WEIGHT_FILES),
    "data/pretrain/RUN/SEED/logs": where(PRETRAINED, LOG_FILES),
    "data/start/RUN/SEED": (
        File(
            "start.json",
            "what the run starts from",
            {
                "parts": ("object", "part of a network -> RUN:PART that it comes from, or `fresh`"),
                "tensors": ("list of text", "weights in the other file, by name in the run"),
            },
        ),
        File("start.safetensors", "those weights", only="where the run has `pretrain`"),
    ),
    "data/train/RUN/SEED/weights": WEIGHT_FILES,
    "data/train/RUN/SEED/logs": LOG_FILES,
    "data/baselines/RUN": (
        File("OUTPUT/about.json", "what was scored; of outputs that are images", ABOUT),
        parquet(
            "OUTPUT/scores.parquet", "every value of a baseline, one a line", evaluations.SCORES
        ),
        parquet(
            "OUTPUT/resampled.parquet",
            "measures of whole sets, on faces drawn anew with repetitions",
            evaluations.RESAMPLED,
        ),
        parquet(
            "OUTPUT/features.parquet",
            "what the networks of set metrics see in the targets",
            evaluations.FEATURES,
        ),
        parquet(
            "OUTPUT/parsed.parquet",
            "the judge's labels of the true photos",
            evaluations.PARSED,
            only="of photos made from parsing maps",
        ),
    ),
    "data/evaluate/RUN/SEED": (
        record("OUTPUT/summary.json", "what was scored, and how", records.Summary),
        parquet("OUTPUT/faces.parquet", "the faces that were scored", evaluations.FACES),
        parquet("OUTPUT/scores.parquet", "every value, one a line", evaluations.SCORES),
        parquet(
            "OUTPUT/resampled.parquet",
            "measures of whole sets, on faces drawn anew with repetitions",
            evaluations.RESAMPLED,
        ),
        parquet(
            "OUTPUT/confusion.parquet",
            "which classes were taken for which",
            evaluations.CONFUSION,
            only="for label maps",
        ),
        File("OUTPUT/confusion.png", "the matrix of all faces", only="for label maps"),
        parquet(
            "OUTPUT/generated.parquet", "the pictures", evaluations.GENERATED, only="for images"
        ),
        parquet(
            "OUTPUT/features.parquet",
            "what the networks of set metrics see in the pictures",
            evaluations.FEATURES,
            only="for images",
        ),
        parquet(
            "OUTPUT/vector_maps.parquet",
            "what the network's first layers see in edited drawings, on planes",
            evaluations.VECTOR_MAPS,
            only="of systems that show their layers, asked about edits",
        ),
        File("OUTPUT/samples.png", "input, generated picture and target of some faces"),
        File(
            "OUTPUT/styles.png",
            "some faces in every style",
            only="where a style is read and at least two can be told apart",
        ),
        File(
            "OUTPUT/cycles.png",
            "some faces translated to the other kind and back",
            only="of systems that generate each of two fields from the other",
        ),
        File(
            "OUTPUT/samplings.png",
            "sixteen samples of some faces",
            only="of such systems with codes",
        ),
        File("OUTPUT/codes.png", "some faces from several codes", only="of systems with codes"),
        File(
            "OUTPUT/transfer.png",
            "the style of some faces on the inputs of others",
            only="of systems with codes of a picture's style",
        ),
    ),
    "reports/index.html": (File("", "the report with sheets and curves, in one file"),),
    "reports/report.md": (File("", "the report as Markdown"),),
    "reports/metrics.json": (
        File("", "for `dvc metrics`: run (and output) -> metric -> mean, and the protocol's tag"),
    ),
    "reports/scores.csv": (
        File("", "a line a run, output, seed, method, subset and metric", SCORE_TABLE),
    ),
    "reports/curves.csv": (
        File("", "the losses, thinned: a line a run, seed, step and term", CURVE_TABLE),
    ),
}
"""Output of `dvc.yaml` -> its files."""

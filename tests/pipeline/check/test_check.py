"""What `check` refuses before any work, and in which words."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.check.check import any_run_is_asked_about_edits, check_parameters, lacking
from pipeline.common.parameters import Parameters
from pipeline.compose import compose
from sketchface_models.errors import SketchFaceError
from sketchface_models.systems.registry import system_class
from sketchface_models.systems.run_settings import Task


def composed(folder: Path, *overrides: str) -> dict[str, Any]:
    compose(list(overrides), folder / "params.yaml")
    return yaml.safe_load((folder / "params.yaml").read_text())


def refusal(values: dict[str, Any]) -> str:
    with pytest.raises(SketchFaceError) as caught:
        check_parameters(Parameters(values))
    return str(caught.value)


def test_what_the_data_offer_is_returned(tmp_path: Path):
    offered = check_parameters(Parameters(composed(tmp_path)))
    assert {"photo", "sketch", "style"} <= set(offered)


def test_a_run_that_the_data_cannot_feed_is_refused_with_those_that_they_can(tmp_path: Path):
    values = composed(tmp_path, "data=folder", "model=all", "data.root=photos")
    line = refusal(values)
    assert "\n" not in line
    assert line.startswith("data folder cannot feed every run: ")
    assert "sketch2face needs doodle" in line
    assert "hida needs style" in line
    assert "pix2pix-photo" in line.split("it can feed: ")[1].split(", ")
    assert "hida" not in line.split("it can feed: ")[1].split(", ")
    assert line.endswith("; without styles: -S 'systems.hida.task.inputs=[photo,depth]'")
    values["systems"]["hida"]["task"]["inputs"] = ["photo", "depth"]
    assert "hida needs" not in refusal(values)


def test_systems_of_images_generate_images_alone(tmp_path: Path):
    values = composed(tmp_path)
    values["systems"]["pix2pix"]["task"]["target"] = "parsing"
    values["systems"]["pix2pix-photo"]["task"]["target"] = "depth"
    lines = refusal(values).split("\n")
    assert [line.split(":")[0] for line in lines] == [
        "systems.pix2pix.task.target",
        "systems.pix2pix-photo.task.target",
    ]
    assert "'parsing'; allowed: photo, sketch" in lines[0]


def test_a_parser_learns_from_the_labels_of_the_data_set_alone():
    task = Task(("photo",), "parsing", 64)
    assert lacking(task, [{"photo", "labels"}]) == []
    assert lacking(task, [{"photo"}]) == ["labels"]
    assert lacking(Task(("parsing",), "photo", 64), [{"photo"}]) == []


def test_every_field_of_a_domain_must_come_from_one_kind_of_face():
    styled = Task(("photo", "style"), "sketch", 64)
    assert lacking(styled, [{"photo"}]) == ["style", "sketch"]
    assert lacking(Task(("smell",), "photo", 64), [{"photo"}]) == ["smell"]
    apart = [{"photo"}, {"sketch"}]
    assert lacking(Task(("photo",), "sketch", 64), apart) == ["sketch"]
    assert lacking(Task(("photo",), "sketch", 64, unpaired=True), apart) == []
    assert lacking(Task(("photo",), "depth", 64, unpaired=True), [{"sketch"}]) == ["photo", "depth"]


def test_a_run_that_reads_its_target_is_refused_unless_marked(tmp_path: Path):
    values = composed(tmp_path, "data=fs2k", "model=pix2pix")
    task = values["systems"]["pix2pix"]["task"]
    task["sees_target"] = False
    for inputs, name in ((["lines"], "lines"), (["photo", "sketch"], "sketch")):
        task["inputs"] = inputs
        line = f"systems.pix2pix.task.inputs: {name!r} is, or shows, the target 'sketch'"
        assert refusal(values).startswith(line)
    task["sees_target"] = True
    check_parameters(Parameters(values))


def test_lines_that_somebody_drew_need_no_mark(tmp_path: Path):
    values = composed(tmp_path)
    task = values["systems"]["pix2pix"]["task"] | {"sees_target": False}
    values["systems"]["pix2pix"]["task"] = task
    assert "rough" in check_parameters(Parameters(values))
    task["inputs"] = ["lines", "sketch"]
    line = "systems.pix2pix.task.inputs: 'sketch' is, or shows, the target 'sketch'"
    assert refusal(values).startswith(line)


def test_contours_are_moved_only_where_a_run_has_them(tmp_path: Path):
    values = composed(tmp_path)
    run = values["systems"]["pix2pix-photo"]
    run["augment"] |= {"contour_shift": 25.0, "contour_rotation": 0.0}
    shift = "systems.pix2pix-photo.augment.contour_shift: 25.0"
    reason = "allowed: 0, pix2pix-photo has no field `contour` to move"
    assert refusal(values) == f"{shift}; {reason}"
    run["augment"]["contour_rotation"] = 7.0
    rotation = "systems.pix2pix-photo.augment.contour_rotation: 7.0"
    assert refusal(values) == f"{shift}, {rotation}; {reason}"
    run["task"]["inputs"] = ["photo", "contour"]
    check_parameters(Parameters(values))


def test_runs_start_from_pretrained_runs_alone(tmp_path: Path):
    values = composed(tmp_path)
    values["systems"]["hida"]["pretrain"] = {"generator": "hida-base:generator"}
    line = "systems.hida.pretrain.generator: 'hida-base:generator'; allowed: RUN:PART of a run in"
    assert refusal(values) == f"{line} `pretrain`, which names vae-wgan-photo, vae-wgan-doodle"
    values["pretrain"] = []
    assert f"{line} `pretrain`, which names none" in refusal(values)
    values["pretrain"] = ["hida-base", "vae-wgan-photo", "vae-wgan-doodle"]
    check_parameters(Parameters(values))
    values["pretrain"] = ["nobody"]
    assert refusal(values).startswith("pretrain: 'nobody'; allowed: one of pix2pix, ")


def test_runs_that_others_start_from_must_be_fed_too(tmp_path: Path):
    values = composed(tmp_path, "data=folder", "model=pix2pix-photo", "data.root=photos")
    values["pretrain"] = ["hida"]
    assert refusal(values).startswith("data folder cannot feed every run: hida needs style; ")


def test_compile_is_refused_where_a_system_has_nothing_to_compile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    values = composed(tmp_path, "engine.compile=true")
    check_parameters(Parameters(values))
    monkeypatch.setattr(system_class("hida"), "compiled", ())
    line = "engine.compile: true; allowed: false, hida has nothing to compile"
    assert refusal(values) == line
    values["run"] = ["pix2pix"]
    check_parameters(Parameters(values))


def test_a_batch_of_one_is_refused_where_codes_are_normalised_over_it(tmp_path: Path):
    values = composed(tmp_path, "scale.sketch2face.batch=1")
    values["run"] = ["sketch2face", "dcgan-photo"]
    values["pretrain"] = ["vae-wgan-doodle", "vae-wgan-photo"]
    runs = ("sketch2face", "vae-wgan-doodle", "vae-wgan-photo")
    assert refusal(values).splitlines() == [
        f"systems.{run}.schedule.batch: 1; allowed: 2 or more, {run} normalises each number of a "
        "code over the batch"
        for run in runs
    ]
    for run in runs:
        values["systems"][run]["schedule"]["batch"] = 2
    check_parameters(Parameters(values))


@pytest.mark.parametrize(
    ("runs", "asked"), [(["pix2pix", "hida"], False), (["hida", "pix2pixhd"], True)]
)
def test_edit_sets_are_wanted_by_runs_that_make_photos_of_contours(
    tmp_path: Path, runs: list[str], asked: bool
):
    values = composed(tmp_path) | {"run": runs}
    assert any_run_is_asked_about_edits(Parameters(values)) is asked

"""What is not there is said with its reason; nothing is made up and nothing else suffers."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from configs.contracts.stages import STAGES, Stage
from tests.fixtures.report_documents import DEPOSITS, GROUP, PRIMARY
from tests.fixtures.report_reader import Part
from tests.fixtures.report_run import edit
from tests.unit.reporting.conftest import Render

WITHOUT = {
    "preflight": ("data",),
    "phase0": ("labels", "metrics", "calibration", "lenses", "features", "students"),
    "evaluate": ("metrics", "calibration", "lenses"),
    "distill": ("students",),
    "package": ("summary", "lenses", "students", "limits", "provenance"),
    "teacher": ("metrics", "lenses", "students", "limits"),
    "run": ("timings",),
}
"""Channel -> sections that cannot be made without it, or lose a part."""


@pytest.mark.parametrize("channel", WITHOUT)
def test_missing_channel_is_named_where_its_figures_would_stand(
    channel: str, run_folder: Path, render: Render
) -> None:
    shutil.rmtree(run_folder / channel)
    parts = render(run_folder)
    why = (
        "the run facts were not given to this job"
        if channel == "run"
        else f"the output of stage {channel} was not given to this job"
    )
    for anchor in WITHOUT[channel]:
        assert f"not available: {why}" in parts[anchor].text, anchor


def test_without_any_input_every_section_still_stands(tmp_path: Path, render: Render) -> None:
    (tmp_path / "run").mkdir()
    parts = render(tmp_path / "run")
    assert "Sections that could not be made" in parts[""].text
    for anchor, part in parts.items():
        assert "not available" in part.text, anchor
        assert not part.of_class("mark"), "a figure was drawn from nothing"
    assert "3 of 3 gates cannot be judged" in parts["summary"].text
    assert parts["summary"].of_class("verdict", "warn")


@pytest.mark.parametrize(
    "path",
    [
        "preflight/profile.json",
        "phase0/tasks.json",
        "phase0/feature_schema.json",
        "phase0/checks.json",
        "phase0/examples/part-00000.parquet",
        "teacher/model.json",
        "teacher/predictions/test.parquet",
        "evaluate/evaluation.json",
        f"distill/{GROUP}/students.json",
        f"distill/{GROUP}/predictions/test.parquet",
        f"distill/{GROUP}/students/{DEPOSITS}.txt",
        "package/package.json",
        "package/model/packed.npz",
        "package/model/model_card.json",
        "package/model/serving.json",
        "run/run.json",
        "evaluate/manifest.json",
    ],
)
def test_missing_file_leaves_a_page_that_says_so(
    path: str, run_folder: Path, render: Render
) -> None:
    (run_folder / path).unlink()
    text = "".join(part.text for part in render(run_folder).values())
    if path.endswith(".txt"):
        assert "not available" not in text.replace("student not available", "").replace(
            "not available: the task has no student", ""
        )
        return
    assert text.count("not available") > 2, path


@pytest.mark.parametrize("content", ["{", "[]", '"text"'])
def test_file_that_is_no_object_is_missing(content: str, run_folder: Path, render: Render) -> None:
    (run_folder / "evaluate" / "evaluation.json").write_text(content)
    parts = render(run_folder)
    assert "not available: evaluation.json is no" in parts["metrics"].text
    assert parts["features"].row("demographics")


def test_missing_key_is_named_with_its_file(run_folder: Path, render: Render) -> None:
    edit(run_folder, "evaluate/evaluation.json", lambda content: content.pop("gates"))
    parts = render(run_folder)
    assert "not available: evaluation.json holds no 'gates'" in parts["lenses"].text
    assert parts["metrics"].row(DEPOSITS)


def test_teacher_stands_without_students(run_folder: Path, render: Render) -> None:
    shutil.rmtree(run_folder / "distill")
    metrics = render(run_folder)["metrics"]
    assert metrics.row("Teacher network")[1] == "0.610 [0.560, 0.660]"
    assert "Student: not available: the output of stage distill was not given" in metrics.text
    assert all(row[0] != "Student, as served" for row in metrics.rows if row)


def test_student_without_a_curve_is_not_drawn(run_folder: Path, render: Render) -> None:
    edit(
        run_folder,
        f"distill/{GROUP}/students.json",
        lambda content: content["tasks"][DEPOSITS].pop("calibration"),
    )
    calibration = render(run_folder)["calibration"]
    assert len(calibration.of_class("curve", "after")) == 1
    assert "holds no 'calibration'" in calibration.text


def test_unknown_start_is_not_a_date(run_folder: Path, render: Render) -> None:
    edit(run_folder, "run/run.json", lambda content: content.update(started_at=None))
    text = render(run_folder)["summary"].text
    assert "Run startednot available: the run facts hold no start time" in text


def test_unknown_cost_is_no_cost_of_zero(run_folder: Path, render: Render) -> None:
    def forget(content: dict[str, Any]) -> None:
        content["stages"][1]["avoided_usd"] = None
        content["stages"][0]["cost_usd"] = None

    edit(run_folder, "run/run.json", forget)
    timings = render(run_folder)["timings"]
    assert timings.row("preflight")[4] == "–"
    assert timings.row("teacher")[3] == "–"
    assert "the cost of 1 of 1 skipped stages is not on record" in timings.text
    assert "a stage has no cost on record" in timings.text
    assert "1.75 USD" not in timings.text


def test_stage_on_other_data_is_warned_of(run_folder: Path, render: Render) -> None:
    parts = render(run_folder, data_hash="e" * 64)
    assert "a stage worked on other data than this run: dddddddddddd" in parts["provenance"].text


def _fail(content: dict[str, Any]) -> None:
    content["checks"][0]["passed"] = False


def _drop(content: dict[str, Any]) -> None:
    content["checks"].pop(0)


def _unmeasured(content: dict[str, Any]) -> None:
    content["checks"][0]["value"] = None


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (_fail, "bad", "1 of 3 gates failed (evaluate: teacher_finite)"),
        (_unmeasured, "bad", "1 of 3 gates failed (evaluate: teacher_finite)"),
        (
            _drop,
            "warn",
            "1 of 3 gates cannot be judged (evaluate: checks.json lacks teacher_finite)",
        ),
    ],
)
def test_verdict_is_not_good_when_a_gate_is_not(
    change: Callable[[dict[str, Any]], None],
    kind: str,
    words: str,
    run_folder: Path,
    render: Render,
) -> None:
    edit(run_folder, "evaluate/checks.json", change)
    summary = render(run_folder)["summary"]
    assert words in summary.text
    assert "All 3 gates passed" not in summary.text
    assert summary.of_class("verdict", kind)
    assert not summary.of_class("verdict", "good")


def test_required_check_blocks_even_if_it_says_otherwise(run_folder: Path, render: Render) -> None:
    def soften(content: dict[str, Any]) -> None:
        content["checks"][0] |= {"passed": False, "blocking": False}

    edit(run_folder, "evaluate/checks.json", soften)
    parts = render(run_folder)
    assert "1 of 3 gates failed" in parts["summary"].text
    assert parts["checks"].row(STAGES[Stage.EVALUATE].checks[0])[1:5] == [
        "blocks",
        "1",
        ">= 1",
        "failed",
    ]


def test_second_group_is_read_as_well(run_folder: Path, render: Render) -> None:
    group = run_folder / "distill" / "second"
    shutil.copytree(run_folder / "distill" / GROUP, group)
    students = json.loads((group / "students.json").read_text())
    students["tasks"] = {PRIMARY: students["tasks"][PRIMARY]}
    (group / "students.json").write_text(json.dumps(students))
    first = json.loads((run_folder / "distill" / GROUP / "students.json").read_text())
    del first["tasks"][PRIMARY]
    (run_folder / "distill" / GROUP / "students.json").write_text(json.dumps(first))
    parts: dict[str, Part] = render(run_folder)
    assert parts["students"].row(PRIMARY)[1] == "direct"
    assert parts["students"].row(DEPOSITS)[1] == "distilled"
    assert "All 4 gates passed" in parts["summary"].text

"""The page of a whole run: every known fact stands where a reader looks for it."""

import html
import re

import pytest

from configs.contracts.stages import STAGES, Stage
from configs.settings.run import load_run_settings
from tests.fixtures.report_documents import (
    CHURN,
    COUNT,
    DEPOSITS,
    IDENTITY,
    LENSES,
    PRIMARY,
    evaluation_json,
)
from tests.fixtures.report_reader import Part
from training_jobs.reporting.page import SECTIONS


def test_every_section_is_made_and_linked(parts: dict[str, Part]) -> None:
    anchors = [section.anchor for section in SECTIONS]
    assert list(parts)[1:] == anchors
    links = [given["href"] for tag, given in parts[""].elements if tag == "a"]
    assert links == [f"#{anchor}" for anchor in anchors]
    whole = [anchor for anchor in anchors if anchor not in ("metrics", "calibration", "students")]
    assert not [anchor for anchor in whole if "not available" in parts[anchor].text]


def test_head_says_which_run_and_the_verdict(parts: dict[str, Part]) -> None:
    text = parts["summary"].text
    blocking = sum(len(contract.checks) for contract in STAGES.values())
    for fact in (
        "Synthetic bank (synthetic)",
        IDENTITY["run_id"],
        "2026-03-01 12:00 UTC",
        "ml-engineer",
        "9.9.9-0123456789ab",
        "sha256:cccccccccccc",
        "dddddddddddd",
        f"All 3 gates passed: every one of {blocking} blocking checks held.",
        "1 advisory check did not hold, which stops nothing.",
        "Of 4 tasks, served by a distilled student: 1; by a directly fitted one: 1; by rules: 1; "
        "switched off because the data cannot carry them: 1.",
    ):
        assert fact in text
    assert parts["summary"].of_class("verdict", "good")


def test_data_tell_rows_span_and_customers_by_split(parts: dict[str, Part]) -> None:
    data = parts["data"]
    assert data.row("customers") == ["customers", "4,321", "4,321", "2003-01-24", "2025-12-26"]
    assert data.row("transactions")[1] == "98,765"
    assert data.row("train") == ["train", "200", "200", "2024-12-31"]
    assert data.row("test") == ["test", "120", "120", "2025-09-30"]
    assert data.row("test, never trained on") == [
        "test, never trained on",
        "20",
        "20",
        "2025-09-30",
    ]
    assert data.row("income") == ["income", "demographics", "25.0%"]
    assert "2 of 3 feature columns have missing values" in data.text


def test_every_task_has_its_decision_with_the_reason(parts: dict[str, Part]) -> None:
    labels = parts["labels"]
    assert "kept 3 of 4 tasks" in labels.text
    assert labels.row(CHURN)[2:] == ["off", "train has 7 rows of the rarer label, 100 are needed"]
    assert labels.row(PRIMARY)[1:3] == ["multiclass, 3 classes", "kept"]
    assert labels.row(PRIMARY)[3].endswith("pooled into one class: lending, income")


def test_label_rates_stand_under_their_split(parts: dict[str, Part]) -> None:
    labels = parts["labels"]
    assert labels.row(CHURN, place=1)[1:3] == ["3.9% (7) 180 rows", "25.0% (50) 200 rows"]
    assert labels.row(DEPOSITS, place=1)[4] == "5.0% (8) 160 rows"
    assert labels.row(PRIMARY, place=1)[1] == "largest 75.0% 200 rows"


def test_labels_show_their_rates_by_month(parts: dict[str, Part]) -> None:
    row = parts["labels"].row(CHURN, place=2)
    # Two months of train, of which the second has no labelled row; then one of each other split.
    assert row[1:] == ["3.9% (7) 180 rows", "–", *["25.0% (50) 200 rows"] * 4]
    assert "2025-03-31" in parts["labels"].text


def test_predictors_stand_side_by_side_with_intervals(parts: dict[str, Part]) -> None:
    metrics = parts["metrics"]
    assert metrics.row("Teacher network", place=0)[1] == "0.610 [0.560, 0.660]"
    assert metrics.row("LightGBM on labels", place=1)[3] == "0.600 [0.550, 0.650]"
    assert metrics.row("Base rate", place=1)[3] == "–"
    assert metrics.row("Teacher, 20 customers never trained on")[1] == "0.550 [0.500, 0.600]"
    names = [row[0] for row in metrics.rows if row]
    assert metrics.row("State oracle")[1] == "0.800 [0.750, 0.850]"
    assert names.count("State oracle") == 1, "a ceiling is shown where it is known"
    assert names.count("Student, as served") == 2, "tasks that rules serve have no student"


def test_reason_why_a_task_has_no_student_stands_with_its_metrics(parts: dict[str, Part]) -> None:
    assert (
        "Student: not available: the task has no student (r2: neither above 0.01)."
        in parts["metrics"].text
    )


def test_overview_compares_by_the_paired_difference(parts: dict[str, Part]) -> None:
    row = parts["metrics"].row(DEPOSITS)
    assert row[1:4] == ["distilled", "AUC", "0.600 [0.550, 0.650]"]
    assert row[6:] == ["0.100 [0.080, 0.120]", "teacher better"]


def test_one_interval_is_drawn_for_each_estimate_that_has_one(parts: dict[str, Part]) -> None:
    metrics = parts["metrics"]
    expected = sum(
        found["low"] is not None
        for task in evaluation_json()["tasks"].values()
        for by_predictor in task["metrics"].values()
        for found in by_predictor.values()
    )
    students, ceilings = 6 + 3, 1
    assert len(metrics.of_class("interval")) == expected + students + ceilings
    assert len(metrics.of_class("mark")) == expected + students + ceilings
    assert "not measured" in metrics.text
    assert sum(given.get("class") == "intervals" for _, given in metrics.elements) == 3


def test_calibration_is_drawn_before_and_after(parts: dict[str, Part]) -> None:
    calibration = parts["calibration"]
    assert len(calibration.of_class("curve", "before")) == 2
    assert len(calibration.of_class("curve", "after")) == 2
    assert len(calibration.of_class("curve", "teacher")) == 1
    assert len(calibration.of_class("point")) == 4 * 5
    assert "Platt, slope 1.250, shift -0.500" in calibration.text
    assert f"student not available: rules serve {COUNT}" in calibration.text


def test_gates_are_shaded_and_remarked_on(parts: dict[str, Part]) -> None:
    lenses = parts["lenses"]
    assert len(lenses.of_class("cell")) == 3 * len(LENSES)
    for shown in ("90.0%", "± 20.0%", "52.0%", "lens of temporal", "perslay: not among the inputs"):
        assert shown in lenses.text
    assert f"{PRIMARY}: near-uniform" in lenses.text
    assert f"{COUNT}: the same for everyone" in lenses.text
    assert f"{DEPOSITS}: near" not in lenses.text
    assert f"{DEPOSITS}: the same" not in lenses.text


def test_feature_groups_tell_what_is_constant_missing_and_absent(parts: dict[str, Part]) -> None:
    features = parts["features"]
    assert features.row("demographics") == [
        "demographics",
        "present",
        "3 of 4",
        "region: the same for everyone",
        "10.0%",
        "25.0%",
        "deepfm",
        "age",
    ]
    assert features.row("wavelets")[1] == "absent the data set has no transactions"
    assert features.row("hgcn")[1] == "absent no category tree"


def test_students_tell_layer_size_and_fidelity(parts: dict[str, Part]) -> None:
    students = parts["students"]
    assert students.row(DEPOSITS)[1:7] == [
        "distilled",
        "37",
        "2",
        "5 KiB",
        "50%",
        "Platt, slope 1.250, shift -0.500",
    ]
    assert students.row(COUNT)[1] == "rules"
    assert students.row(COUNT)[-1] == "r2: neither above 0.01"
    assert "one packed file of 4 KiB" in students.text
    tiers = [row[1:] for row in students.rows if row and row[0] == DEPOSITS and len(row) == 6]
    assert tiers == [
        ["auc gap", "must hold", "0.031 [-0.019, 0.081]", "<= 0.05", "kept"],
        ["rank correlation", "reported", "0.031", "<= 0.05", "outside"],
    ]


@pytest.mark.parametrize("name", [name for contract in STAGES.values() for name in contract.checks])
def test_every_check_has_value_bound_and_result(name: str, parts: dict[str, Part]) -> None:
    row = parts["checks"].row(name)
    assert row[1:] == ["blocks", "1", ">= 1", "passed", f"detail of {name}"]


def test_reads_of_labels_are_on_record_the_reports_own_too(parts: dict[str, Part]) -> None:
    readers = [row[:3] for row in parts["checks"].rows if len(row) == 4]
    assert ["phase0", "test", "1"] in readers
    assert ["evaluate", "test", "2"] in readers
    assert ["distill", "test", "1"] in readers
    assert ["report", "train", "3"] in readers
    assert ["report", "test", "3"] in readers


def test_timings_tell_skips_and_what_they_spared(parts: dict[str, Part]) -> None:
    timings = parts["timings"]
    assert timings.row("teacher")[1:] == ["ran", "12 min 34 s", "1.25 USD", "–"]
    assert timings.row("preflight")[1:] == ["skipped", "1 min 02 s", "0.0000 USD", "0.7500 USD"]
    assert timings.row("distill (all)")[2] == "40.0 s"
    names = [row[0] for row in timings.rows[1:]]
    assert names == ["preflight", "teacher", "distill (all)"], "in the order of the pipeline"
    assert "1.75 USD" in timings.text
    assert "2 stages, 13 min 14 s" in timings.text
    assert len(timings.of_class("bar", "skipped")) == 1
    assert len(timings.of_class("bar", "ran")) == 2


def test_limits_say_what_is_not_there(parts: dict[str, Part]) -> None:
    text = parts["limits"].text
    for fact in (
        "Feature group wavelets is absent: the data set has no transactions.",
        "Expert hgcn is absent: no category tree.",
        "trained without expert perslay: not among the inputs.",
        "1 declared column left out: region (the same for everyone).",
        "Protected columns decide nothing: age.",
        f"Task {CHURN} is off: train has 7 rows of the rarer label, 100 are needed.",
        f"Task {COUNT} has no model, rules serve it: r2: neither above 0.01.",
        "1 metric value of teacher and baselines could not be measured.",
        "at most 20 labelled rows a task",
        "Advisory check features.dropped_columns did not hold",
        "Scores are propensities.",
        *load_run_settings("synthetic").report.limits,
    ):
        assert fact in text


def test_provenance_tells_the_hashes_of_every_stage(parts: dict[str, Part]) -> None:
    rows = parts["provenance"].rows[1:]
    assert [row[0].split(" ")[0] for row in rows] == list(STAGES[Stage.REPORT].inputs)
    assert all(row[3] == "dddddddddddd" and len(row[5]) == 12 for row in rows)


def test_page_needs_nothing_from_anywhere(page: str) -> None:
    assert not re.search(r"https?:|//|url\(|@import|<script|<link|<img|<iframe|src=", page)
    assert "default-src 'none'" in html.unescape(page)
    targets = re.findall(r'href="([^"]*)"', page)
    assert targets
    assert all(target.startswith("#") for target in targets)
    assert page.startswith("<!DOCTYPE html>")


def test_every_drawing_has_words_for_who_cannot_see_it(parts: dict[str, Part]) -> None:
    for part in parts.values():
        tags = [tag for tag, _ in part.elements]
        for place, tag in enumerate(tags):
            if tag == "svg":
                assert tags[place + 1] == "title"

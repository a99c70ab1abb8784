"""Calibration: what the student said before and after its calibrator, against what happened."""

from typing import Any

from configs.contracts.stages import Stage
from training_jobs.reporting.case import Case, Section
from training_jobs.reporting.documents import Document, NotAvailable
from training_jobs.reporting.figures.calibration import Curve, calibration_plot
from training_jobs.reporting.figures.svg import figure
from training_jobs.reporting.markup import Html, el, join, paragraph
from training_jobs.reporting.students import TEACHER
from training_jobs.reporting.words import number

BEFORE, AFTER = "before", "after"
REGRESSION = "regression"


def _curve(kind: str, points: list[Document]) -> Curve:
    return Curve(
        kind, tuple((point["predicted"], point["observed"], point["count"]) for point in points)
    )


def describe(calibrator: Document) -> str:
    """Return a calibrator in words, with its numbers."""
    kind: str = calibrator["kind"]
    if kind == "platt":
        return f"Platt, slope {number(calibrator['a'])}, shift {number(calibrator['b'])}"
    if kind == "isotonic":
        return f"isotonic, {len(calibrator['x'])} steps"
    if kind == "temperature":
        return f"temperature {number(calibrator['t'])}"
    if kind == "linear":
        return f"line, slope {number(calibrator['a'])}, shift {number(calibrator['b'])}"
    return kind


def _student(task: str, entry: Document | None) -> tuple[list[Curve], str]:
    """Return the student's curves and caption. Raises NotAvailable."""
    if entry is None:
        raise NotAvailable("no distillation group holds the task")
    if not entry["trees"]:
        raise NotAvailable(f"rules serve {task}")
    curves: Any = entry["calibration"]
    return (
        [_curve(BEFORE, curves[BEFORE]), _curve(AFTER, curves[AFTER])],
        f"student before and after: {describe(entry['calibrator'])}",
    )


def _plot(task: Document, entry: Document | None, judged: Document) -> Html:
    curves: list[Curve]
    try:
        curves, caption = _student(task["name"], entry)
    except NotAvailable as why:
        points = judged["calibration"].get(TEACHER, [])
        if not points:
            return figure(Html(""), [el("b", task["name"]), f": not available: {why}"])
        curves, caption = [_curve(TEACHER, points)], f"teacher alone; student not available: {why}"
    picture = calibration_plot(
        curves, rates=task["type"] != REGRESSION, title=f"calibration of {task['name']}"
    )
    return figure(picture, [el("b", task["name"]), el("br"), caption])


def make(case: Case) -> Html:
    """Return one plot a task."""
    evaluation = case.inputs.document(Stage.EVALUATE, "evaluation.json")
    judged = evaluation["tasks"]
    note = None
    try:
        students = case.students()
    except NotAvailable as why:
        students, note = {}, paragraph(f"Students: not available: {why}.")
    plots = [
        _plot(task, students.get(task["name"]), judged[task["name"]])
        for task in case.tasks()
        if task["name"] in judged
    ]
    return join(
        [
            paragraph(
                "Test customers in bins of equal size: mean prediction across, mean outcome up. On "
                "the dashed line predictions come true. ",
                el("span", "Hollow", class_="key before"),
                ": before calibration. ",
                el("span", "Filled", class_="key after"),
                ": after, with 95% Wilson intervals where the outcome is a rate. For tasks with "
                "classes: confidence in the class that was chosen, against how often it was right.",
            ),
            note,
            el("div", plots, class_="grid"),
        ]
    )


SECTION = Section("calibration", "Calibration", make)

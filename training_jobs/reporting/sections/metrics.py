"""How good the models are: teacher, student and baselines side by side, with intervals."""

from collections.abc import Mapping
from typing import Any

from configs.contracts.stages import Stage
from training_jobs.evaluation.baselines import BOOSTING
from training_jobs.packaging.model_files import LAYERS
from training_jobs.reporting.case import Case, Section
from training_jobs.reporting.documents import Document, NotAvailable
from training_jobs.reporting.figures.intervals import Dot, Panel, interval_panels
from training_jobs.reporting.figures.svg import figure
from training_jobs.reporting.markup import Child, Html, el, join, paragraph, pill, table
from training_jobs.reporting.sections.summary import missing
from training_jobs.reporting.students import STUDENT, TEACHER
from training_jobs.reporting.words import NOTHING, count, estimate, share

BETTER = {"higher": "higher is better", "lower": "lower is better"}
ORACLE = "state_oracle"
Found = dict[str, dict[str, Mapping[str, Any]]]
"""Metric -> predictor -> estimate."""


def results(case: Case, task: Document, judged: Document) -> Found:
    """Return all estimates of a task on test, metrics as declared, the student and, of a
    simulated bank, the state oracle among them.
    """
    declared = [metric for metric in task["metrics"] if metric in judged["metrics"]]
    others = [metric for metric in judged["metrics"] if metric not in declared]
    found: Found = {
        metric: dict(judged["metrics"][metric].items()) for metric in (*declared, *others)
    }
    for metric, ceiling in judged["ceilings"].items():
        found.setdefault(metric, {})[ORACLE] = ceiling
    try:
        student = case.student_of(task["name"])
    except NotAvailable:
        return found
    for metric, value in student.metrics.items():
        found.setdefault(metric, {})[STUDENT] = value
    return found


def _order(case: Case, found: Found) -> list[str]:
    present = {name for by_predictor in found.values() for name in by_predictor}
    known = [name for name in case.settings.predictors if name in present]
    return known + sorted(present - set(known))


def _title(case: Case, predictor: str) -> str:
    return case.settings.predictors.get(predictor, predictor)


def _series(case: Case, predictor: str) -> int:
    names = list(case.settings.predictors)
    return names.index(predictor) if predictor in names else len(names)


def _note(case: Case, metric: str) -> str:
    text = case.metric(metric)
    if text.better != "target":
        return BETTER[text.better]
    return f"{text.reference:g} is ideal" if text.reference is not None else ""


def _dot(case: Case, predictor: str, found: Mapping[str, Any] | None) -> Dot:
    if found is None:
        return Dot(_series(case, predictor), None)
    return Dot(_series(case, predictor), found["value"], found["low"], found["high"])


def _plot(case: Case, task: str, found: Found) -> Html | None:
    names = _order(case, found)
    panels = []
    for metric, by_predictor in found.items():
        text = case.metric(metric)
        dots = tuple(_dot(case, name, by_predictor.get(name)) for name in names)
        if text.plotted and any(dot.value is not None for dot in dots):
            panels.append(Panel(text.title, _note(case, metric), text.reference, dots))
    if not panels:
        return None
    picture = interval_panels(
        [_title(case, name) for name in names], panels, title=f"metrics of {task} on test"
    )
    return figure(
        picture, "Test customers: value and interval. The dashed line is no skill, or the target."
    )


def _figures(case: Case, found: Found, judged: Document) -> Html:
    metrics = list(found)
    rows: list[list[Child]] = [
        [_title(case, name), *(estimate(found[metric].get(name)) for metric in metrics)]
        for name in _order(case, found)
    ]
    cold = judged["cold"]
    rows.append(
        [
            f"Teacher, {count(cold['rows'])} customers never trained on",
            *(estimate(cold["metrics"].get(metric, {}).get(TEACHER)) for metric in metrics),
        ]
    )
    return table(
        ("", *(case.metric(metric).title for metric in metrics)),
        rows,
        numeric=tuple(range(1, len(metrics) + 1)),
    )


def _task(case: Case, task: Document, judged: Document) -> Html:
    found = results(case, task, judged)
    try:
        case.student_of(task["name"])
        note: Child = None
    except NotAvailable as why:
        note = paragraph("Student: ", missing(why), ".")
    return el(
        "article",
        el("h3", task["name"], " ", el("small", f"{task['type']}, {count(judged['rows'])} rows")),
        paragraph(f"Route asked for: {judged['route']}. {judged['route_reason']}.", quiet="quiet"),
        note,
        _plot(case, task["name"], found),
        _figures(case, found, judged),
        class_="task",
    )


def reading(difference: Mapping[str, Any] | None, better: str) -> tuple[str, str]:
    """Return what a paired difference (teacher minus other) says, and its class.

    Args:
        difference: with `low` and `high`.
        better: higher or lower; a target has no direction.
    """
    if difference is None or difference["low"] is None or better == "target":
        return "cannot be told", "quiet"
    low, high = difference["low"], difference["high"]
    if low <= 0 <= high:
        return "no difference shown", "quiet"
    if (low > 0) == (better == "higher"):
        return "teacher better", "good"
    return "LightGBM better", "warn"


def _overview(case: Case, tasks: list[Document], evaluation: Document) -> Html:
    students: Mapping[str, Document]
    try:
        students = case.students()
    except NotAvailable:
        students = {}
    rows: list[list[Child]] = []
    for task in tasks:
        judged = evaluation["tasks"][task["name"]]
        metric: str = getattr(case.settings.headline, task["type"])
        found = results(case, task, judged).get(metric, {})
        differences = judged["differences"].get(metric, {})
        gap = differences.get(BOOSTING)
        words, kind = reading(gap, case.metric(metric).better)
        entry = students.get(task["name"])
        rows.append(
            [
                task["name"],
                LAYERS[entry["route"]] if entry is not None else NOTHING,
                case.metric(metric).title,
                *(estimate(found.get(name)) for name in (TEACHER, STUDENT, BOOSTING)),
                estimate(gap),
                pill(words, kind),
            ]
        )
    return table(
        (
            "Task",
            "Served",
            "Metric",
            *(_title(case, name) for name in (TEACHER, STUDENT, BOOSTING)),
            "Teacher minus LightGBM",
            "Reading",
        ),
        rows,
        numeric=(3, 4, 5, 6),
        caption="At a glance: test customers, without those who are never trained on",
    )


def _glossary(case: Case, evaluation: Document) -> Html:
    used = {metric for judged in evaluation["tasks"].values() for metric in judged["metrics"]}
    known = [metric for metric in case.settings.metrics if metric in used]
    rows = [(case.metric(name).title, case.metric(name).meaning) for name in known]
    return table(("Metric", "What it says"), rows)


def make(case: Case) -> Html:
    """Return the overview, then one part a task."""
    evaluation = case.inputs.document(Stage.EVALUATE, "evaluation.json")
    tasks = [task for task in case.tasks() if task["name"] in evaluation["tasks"]]
    level = share(case.bootstrap.level, digits=0)
    return join(
        [
            paragraph(
                f"Brackets hold {level} intervals from {count(case.bootstrap.replicates)} "
                "resamples of customers. Differences are paired: both models are judged on the "
                "same resamples. LightGBM is trained on the same decision inputs and the labels "
                "alone. On a simulated bank the state oracle stands beside them: what one who "
                "knows the latent state could score, which no honest model exceeds."
            ),
            _overview(case, tasks, evaluation),
            [_task(case, task, evaluation["tasks"][task["name"]]) for task in tasks],
            el("h3", "What the metrics say"),
            _glossary(case, evaluation),
        ]
    )


SECTION = Section("metrics", "Metrics and baselines", make)

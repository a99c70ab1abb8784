"""The students: how large they are, how close to their teacher, and which layer serves."""

from configs.contracts.stages import Stage
from training_jobs.evaluation.routes import RULES
from training_jobs.packaging.model_files import LAYERS
from training_jobs.reporting.case import Case, Section
from training_jobs.reporting.documents import Document, NotAvailable
from training_jobs.reporting.markup import Child, Html, join, paragraph, pill, table
from training_jobs.reporting.sections.calibration import describe
from training_jobs.reporting.sections.summary import missing
from training_jobs.reporting.words import NOTHING, count, estimate, number, share, size

PACKED = "model/packed.npz"
KINDS = {"distilled": "good", "direct": "good", "rules": "warn"}


def _text_size(case: Case, task: str) -> str:
    for group in case.inputs.groups(Stage.DISTILL):
        try:
            path = case.inputs.file(Stage.DISTILL, f"students/{task}.txt", group)
        except NotAvailable:
            continue
        return size(path.stat().st_size)
    return NOTHING


def _layer(entry: Document) -> Child:
    layer = LAYERS[entry["route"]]
    shown: list[Child] = [pill(layer, KINDS[layer])]
    if entry["requested_route"] != entry["route"]:
        shown.append(f" asked for: {LAYERS[entry['requested_route']]}")
    return shown


def _sizes(case: Case, students: dict[str, Document]) -> Html:
    rows = []
    for task, entry in students.items():
        served = entry["route"] != RULES
        rows.append(
            [
                task,
                _layer(entry),
                count(entry["trees"]) if served else NOTHING,
                count(len(entry["features"])) if served else NOTHING,
                _text_size(case, task),
                share(entry["soft_weight"], digits=0) if served else NOTHING,
                describe(entry["calibrator"]) if served else NOTHING,
                entry["reason"] or "as the evaluation asked",
            ]
        )
    return table(
        (
            "Task",
            "Layer",
            "Trees",
            "Inputs",
            "Model text",
            "Teacher in label",
            "Calibrator",
            "Reason",
        ),
        rows,
        numeric=(2, 3, 4, 5),
        caption="Size and layer",
    )


def _outcome(row: Document) -> Html:
    must = row["tier"] == 1
    if row["kept"]:
        return pill("kept" if must else "inside", "good")
    return pill("broken", "bad") if must else pill("outside", "warn")


def _fidelity(students: dict[str, Document]) -> Html:
    rows = [
        [
            task,
            row["name"].replace("_", " "),
            "must hold" if row["tier"] == 1 else "reported",
            estimate(row) if row["tier"] == 1 else number(row["value"]),
            row["bound"],
            _outcome(row),
        ]
        for task, entry in students.items()
        for row in entry["tiers"]
    ]
    return table(
        ("Task", "Measure", "Tier", "Value", "Bound", "Result"),
        rows,
        numeric=(3, 4),
        caption="Fidelity on test",
    )


def _loss_of_distilling(case: Case, students: dict[str, Document]) -> Html:
    rows: list[list[Child]] = []
    for task, entry in students.items():
        metric: str = getattr(case.settings.headline, entry["type"])
        try:
            measured = case.student_of(task)
        except NotAvailable as why:
            rows.append([task, case.metric(metric).title, missing(why), NOTHING])
            continue
        rows.append(
            [
                task,
                case.metric(metric).title,
                estimate(measured.metrics.get(metric)),
                estimate(measured.against_teacher.get(metric)),
            ]
        )
    return table(
        ("Task", "Metric", "Student", "Teacher minus student"),
        rows,
        numeric=(2, 3),
        caption="What the student loses against its teacher on test (paired)",
    )


def _packed(case: Case) -> Html:
    try:
        bytes_ = case.inputs.file(Stage.PACKAGE, PACKED).stat().st_size
    except NotAvailable as why:
        return paragraph("Packed model: ", missing(why), ".")
    return paragraph(f"All students together are served from one packed file of {size(bytes_)}.")


def make(case: Case) -> Html:
    """Return sizes and layers, then fidelity."""
    entries = case.students()
    order = [task["name"] for task in case.tasks() if task["name"] in entries]
    students = {name: entries[name] for name in order}
    return join(
        [
            _sizes(case, students),
            _packed(case),
            _loss_of_distilling(case, students),
            _fidelity(students),
            paragraph(
                "A condition that must hold is broken when its whole interval lies outside the "
                "bound; the student is then withheld and the task falls to rules. The other "
                "measures are reported, they block nothing.",
                quiet="quiet",
            ),
            paragraph(
                "Distilled: learnt from labels and the teacher's opinion. Direct: learnt from "
                "labels alone. Rules: no model.",
                quiet="quiet",
            ),
        ]
    )


SECTION = Section("students", "Students", make)

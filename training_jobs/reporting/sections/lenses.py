"""The teacher's gates: how much each task listens to each expert, and whether it chooses at all."""

from configs.contracts.stages import Stage
from configs.settings.report import GateRemarks
from training_jobs.reporting.case import Case, Section
from training_jobs.reporting.documents import Document, NotAvailable
from training_jobs.reporting.figures.heatmap import Cell, heatmap
from training_jobs.reporting.figures.svg import figure
from training_jobs.reporting.markup import Html, el, facts, join, paragraph, table
from training_jobs.reporting.words import count, share


def remark(cells: list[Cell], bounds: GateRemarks) -> str | None:
    """Return what is remarkable about a task's gate, None for nothing."""
    even = 1 / len(cells)
    found = []
    if len(cells) > 1 and all(abs(cell.mean - even) <= bounds.uniform_within for cell in cells):
        found.append(
            f"near-uniform: every mean share is within {share(bounds.uniform_within, digits=0)} "
            f"of {share(even)}, so the gate hardly chooses"
        )
    if all(cell.spread < bounds.still_below for cell in cells):
        found.append(
            f"the same for everyone: no share spreads by {share(bounds.still_below, digits=0)} "
            "between customers, so it explains the task, not the customer"
        )
    return "; ".join(found) or None


def _teacher(case: Case) -> Html:
    try:
        model = case.inputs.document(Stage.TEACHER, "model.json")
        absent = model["absent_experts"]
        models = ", ".join(
            f"{name} (best epoch {row['best_epoch']} of {row['epochs']})"
            for name, row in model["models"].items()
        )
        return facts(
            [
                ("Parameters", count(model["parameters"])),
                ("Lenses", ", ".join(model["lenses"])),
                (
                    "Absent experts",
                    "; ".join(f"{name}: {why}" for name, why in absent.items()) or "none",
                ),
                ("Trained models", models),
            ]
        )
    except NotAvailable as why:
        return paragraph(f"Teacher: not available: {why}.")


def _meanings(case: Case) -> Html:
    try:
        lenses = case.inputs.document(Stage.PACKAGE, "model/serving.json")["lenses"]
        return table(("Lens", "What it stands for"), [(row["name"], row["en"]) for row in lenses])
    except NotAvailable as why:
        return paragraph(f"Meaning of the lenses: not available: {why}.")


def cells_of(gates: Document, task: str) -> list[Cell]:
    """Return a task's cells in the order of the lenses."""
    pairs = zip(gates["mean"][task], gates["std"][task], strict=True)
    return [Cell(mean, spread) for mean, spread in pairs]


def make(case: Case) -> Html:
    """Return the facts of the teacher and the grid of mean gate shares."""
    evaluation = case.inputs.document(Stage.EVALUATE, "evaluation.json")
    gates, lenses = evaluation["gates"], evaluation["lenses"]
    order = [task["name"] for task in case.tasks() if task["name"] in gates["mean"]]
    rows = [(task, cells_of(gates, task)) for task in order]
    remarks = [
        el("li", el("b", task), ": ", found)
        for task, cells in rows
        if (found := remark(cells, case.settings.gates))
    ]
    picture = heatmap(rows, list(lenses), title="mean gate shares by task and lens")
    return join(
        [
            _teacher(case),
            figure(
                picture,
                "Mean share of each lens on test, with its standard deviation between customers.",
            ),
            _meanings(case),
            el("ul", remarks)
            if remarks
            else paragraph("No gate is near-uniform, and none is the same for everyone."),
            paragraph(
                "Shares say which expert's output the teacher mixes in. They are no proof of "
                "cause, and they describe the teacher, not the student that is served.",
                quiet="quiet",
            ),
        ]
    )


SECTION = Section("lenses", "Teacher and its gates", make)

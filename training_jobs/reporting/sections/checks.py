"""Every check of every gate, and every read of labels that is on record."""

from configs.contracts.stages import Stage
from training_jobs.reporting.case import Case, Section
from training_jobs.reporting.documents import Document, NotAvailable
from training_jobs.reporting.gates import Gate, held, read_gates
from training_jobs.reporting.markup import Child, Html, el, join, paragraph, pill, table
from training_jobs.reporting.students import STUDENT
from training_jobs.reporting.words import measured


def _result(gate: Gate, check: Document) -> Html:
    if held(check):
        return pill("passed", "good")
    blocks = gate.blocks(check)
    if check.get("value") is None:
        return pill("not measured", "bad" if blocks else "warn")
    return pill("failed", "bad") if blocks else pill("not held", "warn")


def _gate(gate: Gate) -> Html:
    if gate.checks is None:
        return el(
            "article",
            el("h3", f"Gate of {gate.name}"),
            paragraph(f"not available: {gate.missing}. A gate refuses a stage in this state."),
        )
    rows: list[list[Child]] = [
        [
            check["name"],
            "blocks" if gate.blocks(check) else "advises",
            measured(check.get("value")),
            check["bound"],
            _result(gate, check),
            check["detail"],
        ]
        for check in gate.checks
    ]
    word = pill("passed", "good") if gate.passed else pill("failed", "bad")
    return el(
        "article",
        el("h3", f"Gate of {gate.name} ", word),
        table(("Check", "Role", "Value", "Bound", "Result", "Detail"), rows, numeric=(2,)),
    )


def _reads(case: Case) -> Html:
    entries: list[Document] = []
    try:
        entries += case.inputs.document(Stage.EVALUATE, "evaluation.json")["ledger"]
        for group in case.inputs.groups(Stage.DISTILL):
            entries += case.inputs.document(Stage.DISTILL, "students.json", group)["ledger"]
    except NotAvailable as why:
        return paragraph(f"Record of label reads: not available: {why}.")
    rows: list[list[Child]] = [
        [row["reader"], row["split"], str(len(row["columns"])), row["purpose"]] for row in entries
    ]
    if not isinstance(case.measured, NotAvailable):
        read = str(len(case.measured))
        rows += [
            ["report", "train", read, "base rates that skills are measured against"],
            ["report", "test", read, f"intervals of each {STUDENT}, chooses nothing"],
        ]
    if not isinstance(case.sample, NotAvailable):
        drawn = str(len(case.sample.labels))
        rows.append(["report", "train", drawn, "what columns tell of labels, colours of a map"])
    return table(
        ("Reader", "Split", "Label columns", "Purpose"),
        rows,
        numeric=(2,),
        caption="Who read labels, and what for",
    )


def make(case: Case) -> Html:
    """Return one table a gate, and the record of label reads."""
    return join([*(_gate(gate) for gate in read_gates(case.inputs)), _reads(case)])


SECTION = Section("checks", "Checks", make)

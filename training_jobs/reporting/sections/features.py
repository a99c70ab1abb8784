"""Feature groups: what is there, what is constant, what is missing, who reads it."""

from configs.contracts.stages import Stage
from training_jobs.reporting.case import Case, Section
from training_jobs.reporting.documents import Document
from training_jobs.reporting.markup import Child, Html, join, paragraph, pill, table
from training_jobs.reporting.words import NOTHING, share

PRESENT = "present"


def _status(row: Document) -> Child:
    if row["status"] == PRESENT:
        return pill("present", "good")
    return [pill("absent", "warn"), f" {row['reason']}"]


def _group(name: str, row: Document, columns: list[Document]) -> list[Child]:
    gaps = [column["missing"] for column in columns]
    dropped = "; ".join(f"{column}: {why}" for column, why in row["dropped_because"].items())
    protected = ", ".join(column["name"] for column in columns if column["protected"])
    return [
        name,
        _status(row),
        f"{row['columns']} of {row['declared']}" if row["status"] == PRESENT else NOTHING,
        dropped or "none",
        share(sum(gaps) / len(gaps)) if gaps else NOTHING,
        share(max(gaps)) if gaps else NOTHING,
        ", ".join(row["experts"]),
        protected or "none",
    ]


def make(case: Case) -> Html:
    """Return the tables of groups, side tensors and experts."""
    schema = case.inputs.document(Stage.PHASE0, "feature_schema.json")
    columns: list[Document] = schema["columns"]
    protected = sum(column["protected"] for column in columns)
    groups = [
        _group(name, row, [column for column in columns if column["group"] == name])
        for name, row in schema["groups"].items()
    ]
    tensors = [
        [name, _status(row), ", ".join(row["experts"])] for name, row in schema["tensors"].items()
    ]
    experts = [
        [name, _status(row), ", ".join(row["inputs"]) or "none"]
        for name, row in schema["experts"].items()
    ]
    return join(
        [
            paragraph(
                f"{len(columns)} columns were made, {len(schema['decision_inputs'])} of them "
                f"decide. {protected} are protected: kept to measure fairness, they decide nothing."
            ),
            table(
                (
                    "Group",
                    "Status",
                    "Columns",
                    "Left out, and why",
                    "Missing, mean",
                    "Missing, most",
                    "Experts",
                    "Protected",
                ),
                groups,
                numeric=(2, 4, 5),
            ),
            table(("Side tensor", "Status", "Experts"), tensors),
            table(("Expert", "Status", "Reads"), experts),
        ]
    )


SECTION = Section("features", "Features", make)

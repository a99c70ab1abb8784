"""What the data hold: tables, months, splits, and what the data contract has made sure of."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from configs.contracts.stages import Stage
from training_jobs.reporting.case import Case, Section
from training_jobs.reporting.documents import Document, NotAvailable
from training_jobs.reporting.figures.small import course
from training_jobs.reporting.figures.svg import figure
from training_jobs.reporting.markup import Html, el, join, paragraph, table
from training_jobs.reporting.sections.summary import missing
from training_jobs.reporting.words import count, share

SPLITS = ("train", "selection", "calibration", "test", "score")
COURSES = (
    ("customers", "Customers on record"),
    ("active", "Active customers"),
    ("transactions", "Transactions"),
    ("holdings", "Products held"),
)


def _tables(profile: Document) -> Html:
    rows = [
        (name, count(row["rows"]), count(row["customers"]), row["first"], row["last"])
        for name, row in profile["tables"].items()
    ]
    return table(
        ("Table", "Rows", "Customers", "First", "Last"),
        rows,
        numeric=(1, 2),
        caption="Canonical tables",
    )


def _courses(profile: Document) -> Html | None:
    monthly: list[Document] = profile["monthly"]
    if not monthly:
        return None
    pictures = []
    for key, title in COURSES:
        values = [row.get(key) for row in monthly]
        known = [value for value in values if value is not None]
        if known:
            picture = course(
                values,
                first=monthly[0]["month"],
                last=monthly[-1]["month"],
                shown=("0", count(max(known))),
                title=f"{title} by month",
            )
            pictures.append(figure(picture, title))
    return el("div", pictures, class_="grid")


def _contract(case: Case, profile: Document) -> Html:
    rows = []
    for name, source in case.dataset.sources.items():
        optional = sum(column.nullable for column in source.columns.values())
        links = ", ".join(f"{link.column} in {link.source}" for link in source.references)
        rows.append(
            (
                name,
                count(profile["sources"].get(name)),
                f"{len(source.columns)} ({optional} may be empty)",
                ", ".join(source.unique) or "none",
                links or "none",
            )
        )
    return join(
        [
            table(
                ("Source", "Rows read", "Columns", "Unique key", "Must be found in"),
                rows,
                numeric=(1,),
                caption="Data contract",
            ),
            paragraph(
                "The contract was met without a violation: types, empty values, keys, references "
                "and dates of every row were checked, and preparation writes nothing otherwise.",
                quiet="quiet",
            ),
        ]
    )


def _distinct(rows: pa.Table) -> int:
    return int(pc.count_distinct(rows["customer_id"]).as_py())


def _splits(case: Case) -> Html:
    examples = case.inputs.examples(["customer_id", "as_of", "split", "cold"])

    def row(name: str, part: pa.Table) -> tuple[Any, ...]:
        dates = sorted({str(value) for value in pc.unique(part["as_of"]).to_pylist()})
        return name, count(part.num_rows), count(_distinct(part)), ", ".join(dates) or "none"

    parts = []
    for split in SPLITS:
        here = examples.filter(pc.equal(examples["split"], split))
        if split != "test":
            parts.append(row(split, here))
            continue
        parts.append(row(split, here.filter(pc.invert(here["cold"]))))
        parts.append(row("test, never trained on", here.filter(here["cold"])))
    return table(
        ("Split", "Examples", "Customers", "Prediction dates"),
        parts,
        numeric=(1, 2),
        caption="Customers by split",
    )


def _missing_values(case: Case) -> Html:
    schema = case.inputs.document(Stage.PHASE0, "feature_schema.json")
    columns: list[Document] = schema["columns"]
    gaps = sorted(
        (row for row in columns if row["missing"] > 0),
        key=lambda row: (-row["missing"], row["name"]),
    )
    listed = gaps[: case.settings.listed_columns]
    intro = (
        f"{len(gaps)} of {len(columns)} feature columns have missing values in the sample on which "
        "features were fitted. Missing values are kept as missing, never filled."
    )
    if not listed:
        return paragraph(intro)
    rows = [(row["name"], row["group"], share(row["missing"])) for row in listed]
    return join(
        [
            paragraph(intro),
            table(
                ("Column", "Group", "Missing"),
                rows,
                numeric=(2,),
                caption=f"Columns with the most missing values ({len(rows)} of {len(gaps)})",
            ),
        ]
    )


def make(case: Case) -> Html:
    """Return the profile; parts whose inputs are missing say so."""

    def tried(part: Callable[[], Html | None]) -> Html | None:
        try:
            return part()
        except NotAvailable as why:
            return paragraph(missing(why))

    def profile() -> Document:
        return case.inputs.document(Stage.PREFLIGHT, "profile.json")

    return join(
        [
            tried(lambda: _tables(profile())),
            tried(lambda: _courses(profile())),
            el("h3", "What was checked"),
            tried(lambda: _contract(case, profile())),
            el("h3", "Who is in which split"),
            tried(lambda: _splits(case)),
            el("h3", "Missing values"),
            tried(lambda: _missing_values(case)),
        ]
    )


SECTION = Section("data", "Data", make)

"""Feature groups in pictures: what each column looks like, where it moves, what it tells."""

from collections.abc import Mapping, Sequence

import numpy as np

from configs.contracts.stages import Stage
from configs.settings.pictures import PictureSettings
from training_jobs.reporting.case import Case, Section
from training_jobs.reporting.documents import NotAvailable
from training_jobs.reporting.figures.distribution import distribution, gaps
from training_jobs.reporting.figures.svg import figure
from training_jobs.reporting.markup import Child, Html, el, join, paragraph, pill, table
from training_jobs.reporting.sample import Sample
from training_jobs.reporting.statistics.columns import COMPARED, SPLITS, Measured, measure_columns
from training_jobs.reporting.statistics.histograms import histogram
from training_jobs.reporting.words import NOTHING, count, number, plural, share

PRESENT = "present"
SHADES = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
"""Shares of a label's entropy from which a cell is darker by one step."""


MOST_STEPS = 160
"""Steps of the line of missing values; more columns are averaged."""


def _cell(value: float | None) -> Html:
    if value is None:
        return el("td", NOTHING, class_="num")
    shade = sum(value >= bound for bound in SHADES)
    return el("td", f"{value:.1%}", class_=f"num m{shade}")


def heat_table(
    rows: Sequence[tuple[str, Mapping[str, float]]], tasks: Sequence[str], *, caption: str
) -> Html:
    """Return rows by tasks, each cell shaded by its share."""
    head = [el("th", "", scope="col")]
    head += [el("th", task.replace("_", " "), scope="col", class_="num") for task in tasks]
    body = [
        el(
            "tr",
            el("th", name, scope="row"),
            [_cell(shares.get(task)) for task in tasks],
        )
        for name, shares in rows
    ]
    return el(
        "div",
        el("table", el("caption", caption), el("thead", el("tr", head)), el("tbody", body)),
        class_="scroll heat",
    )


def _drift_pill(value: float | None, settings: PictureSettings) -> Child:
    if value is None:
        return NOTHING
    if value >= settings.drift.large:
        return [number(value), " ", pill("large", "bad")]
    if value >= settings.drift.notable:
        return [number(value), " ", pill("notable", "warn")]
    return number(value)


def _overview(groups: Mapping[str, Sequence[Measured]], tasks: Sequence[str]) -> Html:
    rows = [
        (
            name,
            {task: max(column.information[task] for column in columns) for task in tasks},
        )
        for name, columns in groups.items()
    ]
    every = [column for columns in groups.values() for column in columns]
    chance = {task: max(column.shuffled[task] for column in every) for task in tasks}
    return join(
        [
            heat_table(
                [*rows, ("labels shuffled, all columns", chance)],
                tasks,
                caption="Most informative column of each group, as share of the label told",
            ),
            paragraph(
                "The last row is the largest share among all columns after the labels were dealt "
                "out anew: shares no larger than that may be chance.",
                quiet="quiet",
            ),
        ]
    )


def _panels(sample: Sample, shown: Sequence[Measured], settings: PictureSettings) -> Html:
    masks = {split: sample.of_split(split) for split in SPLITS}
    pictures = []
    for column in shown:
        found = histogram(sample, column.column, masks, settings.histogram_bins)
        pictures.append(
            distribution(column.column.name, found.shares, low=found.low, high=found.high)
        )
    return el("div", pictures, class_="grid panels")


def _gaps(columns: Sequence[Measured]) -> Html:
    known = {split: [column.missing[split] for column in columns] for split in SPLITS}
    drawn = {
        split: [value or 0.0 for value in values]
        for split, values in known.items()
        if any(value is not None for value in values)
    }
    if not any(value for values in drawn.values() for value in values):
        return paragraph("No value of this group is missing in any split.", quiet="quiet")
    means = ", ".join(f"{split} {share(float(np.mean(values)))}" for split, values in drawn.items())
    together = -(-len(columns) // MOST_STEPS)
    averaged = {split: _averaged(values, together) for split, values in drawn.items()}
    words = f", {together} neighbours averaged" if together > 1 else ""
    return figure(
        gaps(averaged, title="missing values by column and split"),
        f"Missing values by column, in the order of the schema{words}. Mean: {means}.",
    )


def _averaged(values: Sequence[float], together: int) -> list[float]:
    return [
        float(np.mean(values[start : start + together]))
        for start in range(0, len(values), together)
    ]


def _drift(columns: Sequence[Measured], settings: PictureSettings) -> Html:
    ordered = sorted(columns, key=lambda column: (-column.most_drift, column.column.name))
    rows = [
        [
            column.column.name,
            *(_drift_pill(column.drift[split], settings) for split in COMPARED),
            NOTHING if column.chance is None else number(column.chance),
        ]
        for column in ordered[: settings.drift.listed]
    ]
    return table(
        ("Column", "Train to validation", "Train to test", "By chance alone"),
        rows,
        numeric=(1, 2, 3),
        caption="Columns that drift most (population stability index)",
    )


def _strongest(columns: Sequence[Measured]) -> str:
    best = max(columns, key=lambda column: column.most_information)
    if best.most_information == 0:
        return "tells nothing of any label alone"
    task = max(best.information, key=lambda name: best.information[name])
    return f"strongest alone: {best.column.name} on {task} ({share(best.most_information)})"


def _details(name: str, columns: Sequence[Measured], sample: Sample, case: Case) -> Html:
    settings = case.settings.pictures
    informative = sorted(columns, key=lambda column: -column.most_information)
    chosen = {column.column.name for column in informative[: settings.panels]}
    shown = [column for column in columns if column.column.name in chosen]
    tasks = list(columns[0].information)
    summary = (
        f" {plural(len(columns), 'column')}, read by {', '.join(columns[0].column.experts)}; "
        f"{_strongest(columns)}; largest drift "
        f"{number(max(column.most_drift for column in columns))}"
    )
    heat = heat_table(
        [
            (column.column.name, column.information)
            for column in informative[: settings.information.listed]
        ],
        tasks,
        caption="Share of each label's entropy that a column takes away",
    )
    return el(
        "details",
        el("summary", el("b", name), el("span", summary, class_="quiet")),
        figure(
            _panels(sample, shown, settings),
            f"{'All columns' if len(shown) == len(columns) else f'The {len(shown)} most '}"
            f"{'' if len(shown) == len(columns) else f'informative of {len(columns)} columns'}. "
            "Grey: train. Lines: validation (blue) and test (orange). Numeric columns between "
            "the 1st and the 99th percentile of train; what lies beyond is in the outer bars.",
        ),
        _gaps(columns),
        _drift(columns, settings),
        heat if tasks else paragraph("No task has enough labelled train rows to be measured."),
    )


def make(case: Case) -> Html:
    """Return the overview, then one part a group that opens on demand."""
    schema = case.inputs.document(Stage.PHASE0, "feature_schema.json")
    sample = case.features()
    types = {task["name"]: task["type"] for task in case.tasks()}
    measured = measure_columns(sample, types, case.settings.pictures)
    groups = {
        name: [column for column in measured if column.column.group == name]
        for name in dict.fromkeys(column.column.group for column in measured)
    }
    if not groups:
        raise NotAvailable("no feature group has a column")
    tasks = list(measured[0].information)
    absent = [
        el("li", el("b", name), f" is absent: {row['reason']}")
        for name, row in schema["groups"].items()
        if row["status"] != PRESENT
    ]
    return join(
        [
            paragraph(
                f"Made from {count(len(sample.splits))} rows of whole customers, evenly spaced "
                f"over {plural(len(sample.chosen), 'part')} of {sample.parts}. Labels are those of "
                "train rows alone, and a label counts as told to the share of its entropy that a "
                "column takes away (mutual information in equal-mass bins, less what chance adds). "
                "One column alone is judged, so what only shows in combination is not seen here."
            ),
            _overview(groups, tasks) if tasks else None,
            [_details(name, columns, sample, case) for name, columns in groups.items()],
            el("ul", absent) if absent else None,
        ]
    )


SECTION = Section("groups", "Feature groups in pictures", make)

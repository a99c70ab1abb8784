"""Hidden states: how many customers are in which, how long, and where they go from there."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from configs.contracts.stages import Stage
from training_jobs.reporting.case import Case
from training_jobs.reporting.documents import NotAvailable
from training_jobs.reporting.figures.shares import stacked
from training_jobs.reporting.figures.svg import figure
from training_jobs.reporting.markup import Child, Html, el, join, table
from training_jobs.reporting.sample import FeatureColumn, Sample
from training_jobs.reporting.words import NOTHING, count, measured, share

PRESENT = "present"
Codes = NDArray[np.int64]


def modes(sample: Sample, groups: set[str], ending: str) -> dict[str, FeatureColumn]:
    """Return mode -> the column of its present state."""
    return {
        column.name.removesuffix(ending): column
        for column in sample.columns
        if column.group in groups and column.name.endswith(ending) and column.categories
    }


def shares_by_date(sample: Sample, states: Codes, number_: int) -> dict[str, list[float]]:
    """Return date -> share of customers in each state 1.., those without one left out."""
    found = {}
    for day in np.unique(sample.as_ofs):
        counts = np.bincount(states[sample.as_ofs == day], minlength=number_ + 1)[1:]
        if counts.sum():
            found[str(day)] = [float(part) for part in counts / counts.sum()]
    return found


def moves(sample: Sample, states: Codes, number_: int) -> Codes:
    """Return [from, to] customers between one date of the sample and the next, all dates added."""
    order = np.lexsort((sample.as_ofs, sample.customers))
    before, after = order[:-1], order[1:]
    days = np.unique(sample.as_ofs)
    place = np.searchsorted(days, sample.as_ofs)
    follows = (sample.customers[before] == sample.customers[after]) & (
        place[after] == place[before] + 1
    )
    known = follows & (states[before] > 0) & (states[after] > 0)
    pairs = (states[before][known] - 1) * number_ + states[after][known] - 1
    counts = np.bincount(pairs, minlength=number_ * number_)
    return np.asarray(counts.reshape(number_, number_), np.int64)


def _table(sample: Sample, states: Codes, number_: int, dwell: NDArray[np.float32] | None) -> Html:
    counts = moves(sample, states, number_)
    rows: list[list[Child]] = []
    for state in range(1, number_ + 1):
        here = states == state
        months = dwell[here & ~np.isnan(dwell)] if dwell is not None else np.zeros(0)
        out = counts[state - 1]
        rows.append(
            [
                [el("span", "■", class_=f"hue q{state - 1}"), f" {state}"],
                count(int(here.sum())),
                measured(float(np.median(months))) if len(months) else NOTHING,
                *(share(float(part / out.sum())) if out.sum() else NOTHING for part in out),
            ]
        )
    head = ("State", "Rows", "Months in it, median", *(f"to {n}" for n in range(1, number_ + 1)))
    return table(head, rows, numeric=tuple(range(1, len(head))))


def _mode(case: Case, mode: str, column: FeatureColumn) -> Html:
    sample, settings = case.features(), case.settings.pictures.states
    values = sample.values[:, sample.places[column.name]]
    states = np.where(np.isnan(values), 0, values).astype(np.int64)
    number_ = (column.categories or 1) - 1
    found: Mapping[str, list[float]] = shares_by_date(sample, states, number_)
    if not found:
        raise NotAvailable(f"no sampled customer has a state of {column.name}")
    place = sample.places.get(f"{mode}{settings.dwell}")
    return join(
        [
            el("h4", mode.replace("_", " ")),
            figure(
                stacked(found, title=f"states of {mode} over the dates"),
                "Share of customers in each state, by prediction date. States are numbered in the "
                "order of the first series of the mode; a customer without one is left out. The "
                "table tells where the customers of a state are at the next date.",
            ),
            _table(sample, states, number_, None if place is None else sample.values[:, place]),
        ]
    )


def picture(case: Case) -> Html:
    """Return shares, months and moves for every mode. Raises NotAvailable with the reason."""
    settings = case.settings.pictures.states
    groups = case.inputs.document(Stage.PHASE0, "feature_schema.json")["groups"]
    named = {name: row for name, row in groups.items() if row["generator"] == settings.generator}
    if not named:
        raise NotAvailable(f"no feature group is made by '{settings.generator}'")
    here = {name for name, row in named.items() if row["status"] == PRESENT}
    if not here:
        reasons = "; ".join(
            f"group {name} is absent: {row['reason']}" for name, row in named.items()
        )
        raise NotAvailable(reasons)
    found = modes(case.features(), here, settings.state)
    if not found:
        raise NotAvailable(f"no column of {', '.join(sorted(here))} ends with '{settings.state}'")
    return join([_mode(case, mode, column) for mode, column in found.items()])

"""Two views of all decision inputs at once, coloured by what customers are and by a label."""

import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from configs.contracts.stages import Stage
from training_jobs.reporting.case import Case
from training_jobs.reporting.documents import NotAvailable
from training_jobs.reporting.figures.cloud import cloud
from training_jobs.reporting.figures.svg import figure
from training_jobs.reporting.markup import Html, el, join, paragraph
from training_jobs.reporting.sample import Sample
from training_jobs.reporting.statistics.maps import map_inputs, neighbour_view, principal_view
from training_jobs.reporting.words import plural, share

HUES = 6
UNKNOWN = HUES
"""Colour of a customer of whom the class is not known."""

Colouring = tuple[str, NDArray[np.int64], list[str]]


def _by_column(case: Case, sample: Sample, rows: NDArray[np.int64]) -> Colouring:
    name = case.settings.pictures.maps.column
    if name not in sample.places:
        raise NotAvailable(f"the features have no column '{name}'")
    values = sample.values[rows, sample.places[name]]
    codes = np.where(np.isnan(values), 0, values).astype(np.int64)
    titles = _vocabulary(case, sample, name)
    # Code 0 is missing; what is beyond the colours shares the last one.
    classes = np.where(codes == 0, UNKNOWN, np.minimum(codes - 1, HUES - 1))
    return f"by {name}", classes, titles


def _vocabulary(case: Case, sample: Sample, name: str) -> list[str]:
    """Return what the codes of a column stand for, from the fitted parameters of its group."""
    group = sample.columns[sample.places[name]].group
    number = (sample.columns[sample.places[name]].categories or 1) - 1
    try:
        path = case.inputs.file(Stage.PHASE0, f"fitted/{group}.json")
        found = json.loads(path.read_text(encoding="utf-8"))["vocabularies"][name]
        return [*found, "other"][:number]
    except (NotAvailable, KeyError):
        return [f"code {code}" for code in range(1, number + 1)]


def _by_label(case: Case, sample: Sample, rows: NDArray[np.int64]) -> Colouring:
    tasks = case.settings.pictures.maps.tasks
    task = next((task for task in tasks if task in sample.labels), None)
    if task is None:
        raise NotAvailable(f"tasks that are off: {', '.join(tasks)}")
    label = sample.labels[task][rows]
    classes = np.where(np.isnan(label), UNKNOWN, np.where(label == 1, 3, 0)).astype(np.int64)
    return f"by {task.replace('_', ' ')} (train)", classes, ["no", "", "", "yes"]


def _key(classes: NDArray[np.int64], titles: Sequence[str]) -> Html:
    items = []
    for number, size in zip(*np.unique(classes, return_counts=True), strict=True):
        name = "not known" if number == UNKNOWN else titles[number] if number < len(titles) else "?"
        if number == HUES - 1 and len(titles) > HUES:
            name = "others"
        items.append(
            el(
                "li",
                el("span", "●", class_=f"hue k{number}"),
                f" {name} ({share(size / len(classes))})",
            )
        )
    return el("ul", items, class_="key-list")


def picture(case: Case) -> Html:
    """Return principal components and t-SNE. Raises NotAvailable with the reason."""
    settings, seed = case.settings.pictures.maps, case.settings.pictures.seed
    sample = case.features()
    rows = sample.first_train_rows(settings.rows)
    inputs = map_inputs(sample, rows, settings.clip)
    if len(rows) < settings.rows // 10 or len(rows) < 10:
        raise NotAvailable(f"only {plural(len(rows), 'train customer')} to draw")
    components, shares = principal_view(inputs, seed=seed, components=settings.components)
    views = (
        (f"PCA ({share(float(shares[:2].sum()), digits=0)})", components[:, :2]),
        ("t-SNE", neighbour_view(components, settings, seed=seed)),
    )
    made = []
    for colour in (_by_column, _by_label):
        try:
            words, classes, titles = colour(case, sample, rows)
        except NotAvailable as why:
            made.append(paragraph(f"No colouring: {why}."))
            continue
        pictures = [
            cloud(points, classes.tolist(), name=f"{name}, {words}", title=f"{name} {words}")
            for name, points in views
        ]
        made.append(el("div", pictures, _key(classes, titles), class_="row"))
    return figure(
        join(made),
        f"{plural(len(rows), 'train customer')} at the first train date, by all "
        f"{plural(inputs.shape[1], 'numeric decision input')}; each feature group weighs as one. "
        "Principal components keep distances as far as two dimensions can (share of the variance "
        "in brackets). t-SNE keeps neighbours; size and distance of its clusters mean nothing.",
    )

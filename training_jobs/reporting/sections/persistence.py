"""Persistence diagrams of the spending of customers, from the pairs that PersLay reads."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from configs.contracts.stages import Stage
from training_jobs.reporting.case import Case
from training_jobs.reporting.documents import NotAvailable
from training_jobs.reporting.figures.diagram import diagram
from training_jobs.reporting.figures.svg import figure
from training_jobs.reporting.markup import Html, el
from training_jobs.reporting.side_tensors import read_lists, require
from training_jobs.reporting.words import plural

FIELDS = ["birth", "death", "dimension"]
LOOPS = 1
CAPTION = (
    "Each point is a feature of the shape of spending: it appears at its birth and is gone at its "
    "death, and the further from the diagonal, the longer it lived. Dimension 0: parts that join. "
    "Dimension 1: loops, the mark of a cycle. Each diagram has a scale of its own."
)


def _flat(table: pa.Table, field: str) -> NDArray[np.float64]:
    lists = table[field].combine_chunks()
    return np.asarray(lists.flatten().to_numpy(zero_copy_only=False), np.float64)


def _diagrams(points: NDArray[np.float64], most: int, *, name: str) -> list[Html]:
    """Return one diagram a dimension, each of at most `most` points, evenly spaced.

    Args:
        points: [pairs, 3 or more] birth, death, dimension.
        most: of one dimension.
        name: whose they are.
    """
    made = []
    for dimension in np.unique(points[:, 2]).astype(int):
        own = points[points[:, 2] == dimension, :2]
        if len(own) > most:
            own = own[np.linspace(0, len(own) - 1, most).astype(np.int64)]
        made.append(
            diagram(
                [(float(birth), float(death)) for birth, death in own],
                dimension=int(dimension),
                name=f"{name}, dimension {dimension}",
                title=f"persistence diagram, {name}, dimension {dimension}",
            )
        )
    return made


def picture(case: Case) -> Html:
    """Return the diagram of many customers beside that of the one with the longest-lived loop.

    Raises:
        NotAvailable: there are no pairs; the text says why.
    """
    settings = case.settings.pictures.persistence
    schema = case.inputs.document(Stage.PHASE0, "feature_schema.json")
    require(schema, settings.tensor)
    sample = case.features()
    rows = sample.first_train_rows(settings.customers)
    fields = [*FIELDS, *([settings.window] if settings.window else [])]
    table = read_lists(case.inputs, sample, settings.tensor, fields, rows)
    points = np.column_stack([_flat(table, field) for field in fields])
    owner = np.repeat(
        np.arange(len(rows)), np.asarray(table["birth"].combine_chunks().value_lengths())
    )
    kept = np.isfinite(points).all(axis=1)
    words = ""
    if settings.window and kept.any():
        longest = points[kept, -1].max()
        kept &= points[:, -1] == longest
        words = f" The last {plural(int(longest), 'month')} of each."
    points, owner = points[kept], owner[kept]
    if not len(points):
        raise NotAvailable(
            f"none of the {plural(len(rows), 'sampled customer')} has a persistence pair"
        )
    customers = plural(len(np.unique(owner)), "customer")
    pictures = _diagrams(points, settings.points, name=customers)
    loops = points[:, 2] == LOOPS
    if loops.any():
        life = np.where(loops, np.abs(points[:, 1] - points[:, 0]), -1.0)
        one = owner == owner[int(life.argmax())]
        pictures += _diagrams(points[one], settings.points, name="longest loop")
    return figure(
        el("div", pictures, class_="row"),
        f"{CAPTION} Left: {customers} of the first train date together. Right: the one of them "
        f"whose loop lives longest.{words}"
        if loops.any()
        else f"{CAPTION} {customers} of the first train date together; none has a loop.{words}",
    )

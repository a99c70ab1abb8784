"""All that is measured of every column of a sample: gaps, drift and information by task."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from configs.settings.pictures import PictureSettings
from training_jobs.reporting.sample import TEST, TRAIN, VALIDATION, FeatureColumn, Mask, Sample
from training_jobs.reporting.statistics.bins import Codes, binned, coded, inner_edges
from training_jobs.reporting.statistics.drift import by_chance, stability_index
from training_jobs.reporting.statistics.information import explained_share

COMPARED = (VALIDATION, TEST)
SPLITS = (TRAIN, *COMPARED)


@dataclass(frozen=True)
class Measured:
    """One column.

    Attributes:
        missing: split -> share of missing values, None without a row.
        drift: later split -> stability index against train, None where it cannot be told.
        chance: the index to expect on test where nothing moved, None likewise.
        information: task -> share of the entropy of its train labels.
        shuffled: the same of labels dealt out anew: what is seen where nothing is to be seen.
    """

    column: FeatureColumn
    missing: Mapping[str, float | None]
    drift: Mapping[str, float | None]
    chance: float | None
    information: Mapping[str, float]
    shuffled: Mapping[str, float]

    @property
    def most_drift(self) -> float:
        """The larger index."""
        return max((value for value in self.drift.values() if value is not None), default=0.0)

    @property
    def most_information(self) -> float:
        """The largest share over the tasks."""
        return max(self.information.values(), default=0.0)


@dataclass(frozen=True)
class Labels:
    """The labels of a task: [rows] which rows have one, [labelled] codes and codes dealt anew."""

    rows: Mask
    codes: Codes
    anew: Codes


def measure_columns(
    sample: Sample, types: Mapping[str, str], settings: PictureSettings
) -> tuple[Measured, ...]:
    """Return every column, measured, in the order of the schema.

    Args:
        sample: the rows.
        types: task -> binary, multiclass or regression.
        settings: bins and least rows.
    """
    splits = {split: sample.of_split(split) for split in SPLITS}
    labels = _label_codes(sample, types, settings)
    return tuple(
        _measure(column, sample, place, splits, labels, settings)
        for place, column in enumerate(sample.columns)
    )


def _label_codes(
    sample: Sample, types: Mapping[str, str], settings: PictureSettings
) -> dict[str, Labels]:
    """Return task -> its labelled train rows, and their labels as codes, true and dealt anew."""
    found = {}
    draw = np.random.default_rng(settings.seed)
    for task, label in sample.labels.items():
        known = ~np.isnan(label)
        if known.sum() < settings.information.least_rows:
            continue
        values = label[known]
        if types[task] == "regression":
            codes = binned(values, inner_edges(values, settings.information.bins))
        else:
            codes = values.astype(np.int64)
        found[task] = Labels(known, codes, draw.permutation(codes))
    return found


def _codes(
    column: FeatureColumn, values: NDArray[np.float64], *, train: Mask, bins: int
) -> tuple[Codes, int]:
    """Return the codes, and how many there are, missing included."""
    if column.categories is not None:
        return coded(values, column.categories), column.categories + 1
    edges = inner_edges(values[train], bins)
    return binned(values, edges), len(edges) + 2


def _measure(
    column: FeatureColumn,
    sample: Sample,
    place: int,
    splits: Mapping[str, Mask],
    labels: Mapping[str, Labels],
    settings: PictureSettings,
) -> Measured:
    values = sample.values[:, place].astype(np.float64)
    train = splits[TRAIN]
    codes, bins = _codes(column, values, train=train, bins=settings.drift.bins)
    gaps = np.isnan(values)
    drift = {split: stability_index(codes[train], codes[splits[split]], bins) for split in COMPARED}
    known = drift[TEST] is not None
    if settings.information.bins != settings.drift.bins:
        codes, _ = _codes(column, values, train=train, bins=settings.information.bins)
    return Measured(
        column=column,
        missing={
            split: float(gaps[rows].mean()) if rows.any() else None
            for split, rows in splits.items()
        },
        drift=drift,
        chance=by_chance(bins, int(train.sum()), int(splits[TEST].sum())) if known else None,
        information={
            task: explained_share(codes[label.rows], label.codes) for task, label in labels.items()
        },
        shuffled={
            task: explained_share(codes[label.rows], label.anew) for task, label in labels.items()
        },
    )

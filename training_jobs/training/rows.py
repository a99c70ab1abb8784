"""Rows of a Phase 0 output as tensors: read once, no loop over rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from numpy.typing import NDArray
from torch import Tensor

from configs.errors import ArtefactError
from training_jobs.evaluation.labels import label_column, read_labelled
from training_jobs.evaluation.ledger import Ledger
from training_jobs.experts.batch import Batch, Events, Incidence
from training_jobs.features.examples import KEYS
from training_jobs.features.reading import EXAMPLES, read_beside, read_columns, read_table
from training_jobs.training.layout import Layout

DEALT = ("split", "cold", "fold")


@dataclass(frozen=True)
class Rows:
    """n rows in part order.

    Attributes:
        keys: table of `customer_id`, `as_of`.
        split: [n] str.
        cold: [n] bool, of the customers never trained on.
        fold: [n] int, customer fold.
        labels: [n, T] float32 in task order, NaN where masked.
        batch: the inputs.
    """

    keys: pa.Table
    split: NDArray[np.str_]
    cold: NDArray[np.bool_]
    fold: NDArray[np.int64]
    labels: Tensor
    batch: Batch

    def __len__(self) -> int:
        """Return n."""
        return len(self.split)


def part_names(phase0: Path) -> list[str]:
    """Return the file names of the parts, sorted.

    Raises:
        ArtefactError: there are none.
    """
    names = sorted(path.name for path in (phase0 / "examples").glob("part-*.parquet"))
    if not names:
        raise ArtefactError(f"{phase0}/examples holds no part", remedy="run Phase 0 again")
    return names


def scaled(raw: NDArray[np.float32], layout: Layout, clip: float) -> NDArray[np.float32]:
    """Return [n, N] standardised values, NaN where missing.

    Args:
        raw: [n, N] values of the numeric columns in layout order.
        layout: log flags, means and deviations.
        clip: largest distance from the mean, in standard deviations.
    """
    log = np.array([column.log for column in layout.numeric], dtype=bool)
    values = raw.astype(np.float64)
    values[:, log] = np.sign(values[:, log]) * np.log1p(np.abs(values[:, log]))
    values -= np.array([column.mean for column in layout.numeric])
    values /= np.array([column.sd for column in layout.numeric])
    return np.clip(values, -clip, clip).astype(np.float32)


def padded(column: Any, length: int, dtype: Any) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return lists as [n, length] padded with zeros, and their lengths [n].

    Args:
        column: chunked array of lists, never null.
        length: width; longer lists are cut, their first values stay.
        dtype: of the result.
    """
    lists = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    sizes = np.diff(np.asarray(lists.offsets)).astype(np.int64)
    values = np.asarray(lists.flatten())
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]) if len(sizes) else sizes
    kept = np.minimum(sizes, length)
    filled = np.arange(length) < kept[:, None]
    out = np.zeros((len(sizes), length), dtype=dtype)
    at = (starts[:, None] + np.arange(length))[filled]
    out[filled] = values[at]
    return out, kept


def _events(table: pa.Table, length: int) -> Events:
    amount, sizes = padded(table["amount"], length, np.float32)
    return Events(
        torch.from_numpy(amount),
        torch.from_numpy(padded(table["category"], length, np.int16)[0]),
        torch.from_numpy(padded(table["gap_days"], length, np.float32)[0]),
        torch.from_numpy(padded(table["hour"], length, np.int8)[0]),
        torch.from_numpy(sizes),
    )


def _incidence(table: pa.Table) -> Incidence:
    longest = pc.max(pc.list_value_length(table["items"])).as_py() or 1
    items, _ = padded(table["items"], longest, np.int32)
    weights, _ = padded(table["weights"], longest, np.float32)
    return Incidence(torch.from_numpy(items), torch.from_numpy(weights))


def _columns(table: pa.Table, names: Sequence[str]) -> NDArray[np.float32]:
    if not names:
        return np.empty((len(table), 0), np.float32)
    return np.stack([table[name].to_numpy().astype(np.float32) for name in names], axis=1)


def _codes(raw: NDArray[np.float32], layout: Layout, part: str) -> NDArray[np.int32]:
    codes = np.nan_to_num(raw).astype(np.int32)
    # A code beyond its column would read the next column's embedding: no error, wrong customer.
    wrong = (codes < 0) | (codes >= np.array(layout.cardinalities, dtype=np.int32))
    if wrong.any():
        names = [layout.codes[i] for i in np.flatnonzero(wrong.any(axis=0))]
        raise ArtefactError(
            f"features/{part}: codes outside the cardinality of {', '.join(names)}",
            remedy="run Phase 0 again",
        )
    return codes


def read_part(
    phase0: Path,
    part: str,
    layout: Layout,
    *,
    tasks: Sequence[str],
    splits: Sequence[str],
    clip: float,
    ledger: Ledger | None = None,
) -> Rows:
    """Read the rows of one part that lie in `splits`.

    Args:
        phase0: output of Phase 0.
        part: file name.
        layout: how inputs are laid out.
        tasks: whose labels; none where rows are only scored.
        splits: of the rows.
        clip: bound of scaled values.
        ledger: where labels of test go on record; training reads none.

    Raises:
        ArtefactError: a file is missing, its rows do not stand in the order of the examples, or a
            category code lies outside its cardinality.
    """
    examples = read_table(phase0, EXAMPLES, part, [*KEYS, *DEALT])
    chosen = pc.is_in(examples["split"], value_set=pa.array(list(splits)))
    features = read_columns(phase0, part, layout.columns, chosen=chosen.to_numpy())
    events = read_beside(phase0, "events", part).filter(chosen) if layout.categories else None
    incidence = read_beside(phase0, "incidence", part).filter(chosen) if layout.items else None
    kept = examples.filter(chosen)
    labelled = read_labelled(
        phase0 / EXAMPLES / part,
        KEYS,
        tasks,
        uses=dict.fromkeys(splits, "fit and stop the teacher"),
        ledger=ledger,
    )
    values = scaled(features[:, : len(layout.numeric)], layout, clip)
    missing = np.isnan(values)
    codes = _codes(features[:, len(layout.numeric) :], layout, part)
    return Rows(
        keys=kept.select(KEYS).combine_chunks(),
        split=kept["split"].to_numpy().astype(str),
        cold=kept["cold"].to_numpy().astype(bool),
        fold=kept["fold"].to_numpy().astype(np.int64),
        labels=torch.from_numpy(_columns(labelled, [label_column(task) for task in tasks])),
        batch=Batch(
            torch.from_numpy(np.where(missing, np.float32(0), values)),
            torch.from_numpy(missing),
            torch.from_numpy(codes),
            _events(events, layout.event_length) if events is not None else None,
            _incidence(incidence) if incidence is not None else None,
        ),
    )


def _joined(parts: list[Tensor]) -> Tensor:
    width = max((part.shape[1] for part in parts if part.dim() == 2), default=0)
    if parts[0].dim() == 1:
        return torch.cat(parts)
    return torch.cat([torch.nn.functional.pad(part, (0, width - part.shape[1])) for part in parts])


def concatenate(parts: list[Rows]) -> Rows:
    """Return the rows of all parts, in order; incidences are padded to the longest."""
    batches = [part.batch for part in parts]
    events = [batch.events for batch in batches if batch.events is not None]
    incidence = [batch.incidence for batch in batches if batch.incidence is not None]
    return Rows(
        keys=pa.concat_tables([part.keys for part in parts]).combine_chunks(),
        split=np.concatenate([part.split for part in parts]),
        cold=np.concatenate([part.cold for part in parts]),
        fold=np.concatenate([part.fold for part in parts]),
        labels=torch.cat([part.labels for part in parts]),
        batch=Batch(
            torch.cat([batch.numeric for batch in batches]),
            torch.cat([batch.missing for batch in batches]),
            torch.cat([batch.codes for batch in batches]),
            Events(
                *(
                    _joined([getattr(part, name) for part in events])
                    for name in ("amount", "category", "gap_days", "hour", "length")
                )
            )
            if events
            else None,
            Incidence(
                _joined([part.items for part in incidence]),
                _joined([part.weights for part in incidence]),
            )
            if incidence
            else None,
        ),
    )


def read_parts(
    phase0: Path,
    layout: Layout,
    *,
    tasks: Sequence[str],
    splits: Sequence[str],
    clip: float,
    ledger: Ledger | None = None,
) -> Iterator[Rows]:
    """Yield the rows of each part that lie in `splits`, part after part."""
    for part in part_names(phase0):
        yield read_part(phase0, part, layout, tasks=tasks, splits=splits, clip=clip, ledger=ledger)

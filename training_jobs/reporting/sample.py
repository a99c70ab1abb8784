"""The rows of Phase 0 that pictures are made from: whole customers, evenly spaced, bounded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from configs.contracts.stages import Stage
from configs.errors import ArtefactError
from configs.settings.pictures import PictureSettings
from training_jobs.evaluation.labels import label_column, read_labelled
from training_jobs.evaluation.ledger import Ledger
from training_jobs.features.reading import read_columns
from training_jobs.reporting.documents import Document, Inputs, NotAvailable

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS = {TRAIN: TRAIN, "selection": VALIDATION, "calibration": VALIDATION, TEST: TEST}
"""Split of an example -> split as pictures compare them; rows of no split are for scoring."""
OTHER = "score"
USE = "what columns tell of labels, colours of a map"
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class FeatureColumn:
    """A column as the schema describes it.

    Attributes:
        categories: number of codes, None of a numeric column.
        log: values are drawn and scaled as sign(x) * log(1 + |x|).
        mean, sd: of the fit sample, on that scale; None of a categorical column.
    """

    name: str
    group: str
    experts: tuple[str, ...]
    categories: int | None
    log: bool
    mean: float | None
    sd: float | None
    decides: bool

    def scaled(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the values on the scale they are drawn in."""
        plain = values.astype(np.float64)
        return np.sign(plain) * np.log1p(np.abs(plain)) if self.log else plain

    def unscaled(self, value: float) -> float:
        """Return a value of that scale as it was."""
        return float(np.sign(value) * np.expm1(np.abs(value))) if self.log else value


@dataclass(frozen=True)
class Chosen:
    """The rows taken from one part."""

    part: str
    rows: Mask


@dataclass(frozen=True)
class Sample:
    """Chosen rows of Phase 0.

    Attributes:
        columns: in the order of the schema.
        values: [rows, columns] as stored, NaN = missing.
        customers, as_ofs, splits: [rows] whose, when, and train, validation, test or score.
        labels: task that is on -> [rows], NaN outside the train split: pictures show no other.
        chosen: where the rows come from.
        parts: parts there are.
        rows_of_parts: rows there are in the parts that were read.
    """

    columns: tuple[FeatureColumn, ...]
    values: NDArray[np.float32]
    customers: NDArray[np.str_]
    as_ofs: NDArray[np.datetime64]
    splits: NDArray[np.str_]
    labels: Mapping[str, NDArray[np.float64]]
    chosen: tuple[Chosen, ...]
    parts: int
    rows_of_parts: int

    @cached_property
    def places(self) -> dict[str, int]:
        """Column name -> its place."""
        return {column.name: place for place, column in enumerate(self.columns)}

    def of_split(self, split: str) -> Mask:
        """Return [rows] which belong to a split."""
        return np.asarray(self.splits == split)

    def first_train_rows(self, most: int) -> NDArray[np.int64]:
        """Return places of at most `most` train rows of the first train date, evenly spaced."""
        train = self.of_split(TRAIN)
        if not train.any():
            raise NotAvailable("the sample holds no train row")
        rows = np.flatnonzero(train & (self.as_ofs == self.as_ofs[train].min()))
        if len(rows) <= most:
            return rows
        return np.asarray(rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)], np.int64)


def draw_sample(inputs: Inputs, settings: PictureSettings, ledger: Ledger) -> Sample:
    """Read the sample; that labels of train are read goes on record.

    Raises:
        NotAvailable: an output of Phase 0 that this needs is not there.
    """
    phase0 = inputs.folder(Stage.PHASE0)
    schema = inputs.document(Stage.PHASE0, "feature_schema.json")
    columns = read_feature_columns(schema)
    tasks = [
        task["name"]
        for task in inputs.document(Stage.PHASE0, "tasks.json")["tasks"]
        if task["status"] == "on"
    ]
    paths = sorted((phase0 / "examples").glob("part-*.parquet"))
    if not paths:
        raise NotAvailable("examples are not among the outputs of stage phase0")
    kept = [paths[place] for place in _spaced(len(paths), settings.parts)]
    share = max(1, settings.rows // len(kept))
    tables, blocks, chosen, found = [], [], [], 0
    for path in kept:
        table = _examples(path, tasks, ledger)
        rows = whole_customers(table["customer_id"], share)
        found += table.num_rows
        chosen.append(Chosen(path.name, rows))
        tables.append(table.filter(rows))
        blocks.append(_values(phase0, path.name, columns, rows))
    table = pa.concat_tables(tables)
    return Sample(
        columns=columns,
        values=np.concatenate(blocks),
        customers=np.array(table["customer_id"].to_pylist(), np.str_),
        as_ofs=table["as_of"].to_numpy(),
        splits=np.array(
            [SPLITS.get(split, OTHER) for split in table["split"].to_pylist()], np.str_
        ),
        labels={task: table[task].to_numpy() for task in tasks},
        chosen=tuple(chosen),
        parts=len(paths),
        rows_of_parts=found,
    )


def _examples(path: Path, tasks: Sequence[str], ledger: Ledger) -> pa.Table:
    """Return keys, split and labels by task; labels are read of the train rows alone."""
    table = pq.read_table(path, columns=["customer_id", "as_of", "split"])
    train = read_labelled(path, [], tasks, uses={TRAIN: USE}, ledger=ledger)
    places = np.flatnonzero(pc.equal(table["split"], TRAIN).to_numpy(zero_copy_only=False))
    for task in tasks:
        label = np.full(table.num_rows, np.nan)
        label[places] = train[label_column(task)].cast(pa.float64()).to_numpy()
        table = table.append_column(task, pa.array(label))
    return table


def read_feature_columns(schema: Document) -> tuple[FeatureColumn, ...]:
    """Return the columns of a feature schema. Raises NotAvailable."""
    decide = set(schema["decision_inputs"])
    codes = {"binary": 2, "numeric": None}
    return tuple(
        FeatureColumn(
            name=row["name"],
            group=row["group"],
            experts=tuple(row["experts"]),
            categories=codes.get(row["kind"], row["cardinality"]),
            log=row["log"],
            mean=row["mean"],
            sd=row["sd"],
            decides=row["name"] in decide,
        )
        for row in schema["columns"]
    )


def whole_customers(customers: pa.ChunkedArray, most_rows: int) -> Mask:
    """Return [rows] which belong to evenly spaced customers with about `most_rows` rows in all."""
    coded = customers.combine_chunks().dictionary_encode()
    codes, number = coded.indices.to_numpy(), len(coded.dictionary)
    if len(codes) <= most_rows:
        return np.ones(len(codes), bool)
    taken = np.zeros(number, bool)
    taken[_spaced(number, max(1, most_rows * number // len(codes)))] = True
    return np.asarray(taken[codes])


def _spaced(number: int, most: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, number - 1, min(number, most)).astype(np.int64))


def _values(
    phase0: Path, part: str, columns: Sequence[FeatureColumn], rows: Mask
) -> NDArray[np.float32]:
    """Read group by group, so that one group of a whole part is all that is in memory."""
    values = np.empty((int(rows.sum()), len(columns)), np.float32)
    for group in dict.fromkeys(column.group for column in columns):
        places = [place for place, column in enumerate(columns) if column.group == group]
        try:
            block = read_columns(
                phase0, part, [columns[place].name for place in places], chosen=rows
            )
        except (OSError, KeyError, ArtefactError) as error:
            raise NotAvailable(f"features/{part} cannot be read: {error}") from error
        values[:, places] = block
    return values

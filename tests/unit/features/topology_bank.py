"""Banks of a few customers whose spending sequences a test chooses."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from configs.settings.generators.topology import PersistencePairsParameters, TdaParameters, Topology
from tests.unit.features import features_bank as bank
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Fitted
from training_jobs.features.generators.topology import Tda
from training_jobs.features.tensors.persistence import PersistencePairs

AS_OF = dt.date(2024, 2, 29)
NOON = dt.datetime(2024, 2, 29, 12)
Float32s = NDArray[np.float32]


def topology(**changes: Any) -> Topology:
    """Return the product's own settings, changed."""
    own = bank._settings().groups
    made: Topology = next(group for group in own if group.name == "tda_global").parameters.topology
    return Topology.model_validate(made.model_dump() | {"category_events": 5} | changes)


def tda(months: int, **changes: Any) -> Tda:
    """Return the generator of a window."""
    given = TdaParameters(months=months, topology=topology(**changes))
    return Tda(given, bank.bank_facts())


def pairs(months: tuple[int, ...] = (12, 3), most_pairs: int = 1000, **changes: Any) -> Any:
    """Return the side tensor."""
    given = PersistencePairsParameters(
        months=months, topology=topology(**changes), most_pairs=most_pairs
    )
    return PersistencePairs(given, bank.bank_facts())


def spaced(
    customer: str,
    amounts: Sequence[int],
    *,
    gap: dt.timedelta = dt.timedelta(hours=20),
    **other: Any,
) -> list[bank.Row]:
    """Return purchases of these amounts, oldest first, the last at noon of `AS_OF`."""
    count = len(amounts)
    return [
        bank.transaction(customer, NOON - gap * (count - 1 - place), int(amount), **other)
        for place, amount in enumerate(amounts)
    ]


@contextmanager
def view_of(
    folder: Path, transactions: Iterable[bank.Row], customers: Sequence[str] | None = None
) -> Iterator[CutView]:
    """Open the view at `AS_OF` of a bank with these transactions and nothing else."""
    events = list(transactions)
    names = sorted({row["customer_id"] for row in events} | set(customers or ()))
    rows = bank.Rows(
        customers=[
            {"customer_id": name, "birth_year": None, "gender": None, "joined_on": None}
            for name in names
        ],
        transactions=events,
    )
    tables = bank.write_tables(folder, rows, shards=1, tables=("customers", "transactions"))
    with bank.view_of(tables, AS_OF, customers or names, shards=1) as view:
        yield view


def values(view: CutView, generator: Tda, fitted: Fitted | None = None) -> dict[str, Float32s]:
    """Return the columns by name, less the window at the end of it."""
    fitted = fitted or generator.fit(view)
    names = [column.name.rpartition("_")[0] for column in generator.columns(fitted)]
    return dict(zip(names, generator.transform(view, fitted).T, strict=True))


def lists(view: CutView, tensor: PersistencePairs) -> list[dict[str, list[Any]]]:
    """Return the pairs of each customer."""
    fitted = tensor.fit(view)
    arrays = tensor.transform(view, fitted)
    names = [field.name for field in tensor.fields(fitted)]
    return pa.table(list(arrays), names=names).to_pylist()


def auc(positive: NDArray[Any], negative: NDArray[Any]) -> float:
    """Return the chance that a positive is above a negative, ties counting half."""
    above = positive[:, None] > negative[None, :]
    equal = positive[:, None] == negative[None, :]
    return float(np.mean(above + equal / 2))

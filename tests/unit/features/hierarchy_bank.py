"""Small banks made for one question, and the naive sums that answer it."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.unit.features import features_bank as bank
from training_jobs.features.cut import cut
from training_jobs.features.generator import Bank, Fitted, FloatArray
from training_jobs.features.registry import GENERATORS

NOON = dt.datetime.combine(bank.CUTOFF, dt.time(12))


def rows_of(purchases: Mapping[str, Sequence[tuple[str, str | None]]]) -> bank.Rows:
    """Return a bank of customers with purchases (category, merchant), one a day back from noon."""
    rows = bank.Rows()
    for customer, bought in purchases.items():
        rows.customers.append(
            {"customer_id": customer, "birth_year": 1980, "gender": None, "joined_on": None}
        )
        rows.transactions += [
            bank.transaction(
                customer,
                NOON - dt.timedelta(days=place % 60),
                1000 + place,
                category=category,
                merchant=merchant,
            )
            for place, (category, merchant) in enumerate(bought)
        ]
    return rows


def columns_of(
    name: str,
    folder: Path,
    rows: bank.Rows,
    *,
    facts: Bank | None = None,
    fit_on: Sequence[str] | None = None,
    alter: Callable[[Any], Any] = lambda parameters: parameters,
) -> tuple[dict[str, FloatArray], Fitted]:
    """Fit and transform one group of the product on a bank; return its columns and what it fitted.

    Args:
        name: of the group.
        folder: where to write the tables.
        rows: of the tables.
        facts: what is known of the bank.
        fit_on: customers of the fit sample, everyone by default.
        alter: changes the parameters.
    """
    where = bank.write_tables(folder, rows, shards=1)
    settings = bank.group(name)
    generator = GENERATORS.build(
        settings.generator, alter(settings.parameters), facts or bank.bank_facts()
    )
    everyone = [row["customer_id"] for row in rows.customers]

    def view(customers: Sequence[str]) -> Any:
        return cut(
            bank.sources(where, 1),
            customers=customers,
            as_of=bank.CUTOFF,
            lookback_months=12,
            limits=bank.LIMITS,
        )

    with view(fit_on or everyone) as sample:
        fitted = generator.fit(sample)
    with view(everyone) as here:
        state = generator.tally(here, fitted) if generator.tallies else None
        values = generator.transform(here, fitted.at(state))
    names = [column.name for column in generator.columns(fitted)]
    assert values.shape == (len(everyone), len(names))
    return dict(zip(names, values.T, strict=True)), fitted


def shuffled_tree(seed: int) -> Bank:
    """Return the bank's facts with its codes dealt to other prefixes."""
    codes = np.random.default_rng(seed).permutation(bank.CATEGORIES)
    dealt = {
        str(code): bank.PARENTS[home] for code, home in zip(codes, bank.CATEGORIES, strict=True)
    }
    return replace(bank.bank_facts(), parents=bank.PARENTS | dealt)


def auc(score: NDArray[Any], positive: NDArray[np.bool_]) -> float:
    """Return the chance that a positive scores above a negative; ties count half."""
    above = score[positive][:, None] - score[~positive][None, :]
    return float(((above > 0) + 0.5 * (above == 0)).mean())

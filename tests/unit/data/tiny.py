"""A hand-made bank of a few customers, as CSV files and settings, for the tests of this folder."""

import csv
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from configs.settings.dataset import DatasetSettings
from configs.settings.months import month_range
from training_jobs.data.canonical import convert
from training_jobs.data.violations import render

CATALOGUE: dict[str, Any] = {
    "groups": [
        {"group": group, "names": {"ko": group, "en": group}}
        for group in ("accounts", "deposits", "investments", "lending", "payments")
    ],
    "products": [
        {"product": product, "group": group, "names": {"ko": product, "en": product}}
        for product, group in (
            ("current", "accounts"),
            ("savings", "accounts"),
            ("term", "deposits"),
            ("fund", "investments"),
            ("loan", "lending"),
            ("card", "payments"),
            ("debit", "payments"),
        )
    ],
}
CATEGORIES: dict[str, Any] = {
    "iso18245": False,
    "nodes": [
        {"code": code, "names": {"ko": code, "en": code}}
        for code in ("food", "fuel", "rent", "play", "salary")
    ],
}
SETTINGS: dict[str, Any] = {
    "name": "tiny",
    "titles": {"ko": "작은 은행", "en": "Tiny bank"},
    "currency": {"code": "EUR", "minor_digits": 2},
    "time_zone": "UTC",
    "first_month": "2023-06",
    "last_month": "2024-08",
    "horizon_months": 3,
    # The train window ends on the leap day; the validation as_of is the leap day.
    "splits": {
        "train": ["2023-11"],
        "validation": ["2024-02"],
        "test": ["2024-05"],
        "gap_days": 0,
    },
    "serving": "2024-08",
    "shards": 1,
    "min_months_observed": 6,
    "category_directions": ["debit"],
    "segments": [
        {"code": code, "names": {"ko": code, "en": code}} for code in ("low", "mid", "high")
    ],
    "catalogue": CATALOGUE,
    "categories": CATEGORIES,
    "sources": {
        "people": {
            "path": "people.csv",
            "format": "csv",
            "columns": {
                "id": {"type": "VARCHAR"},
                "born": {"type": "BIGINT", "nullable": True},
                "sex": {"type": "VARCHAR", "nullable": True},
                "joined": {"type": "DATE", "nullable": True},
            },
            "unique": ["id"],
        },
        "months": {
            "path": "months.csv",
            "format": "csv",
            "columns": {
                "id": {"type": "VARCHAR"},
                "month": {"type": "DATE"},
                "segment": {"type": "VARCHAR", "nullable": True},
                "income": {"type": "BIGINT", "nullable": True},
            },
            "references": [{"column": "id", "source": "people", "key": "id"}],
        },
        "held": {
            "path": "held.csv",
            "format": "csv",
            "columns": {
                "id": {"type": "VARCHAR"},
                "month": {"type": "DATE"},
                "product": {"type": "VARCHAR"},
            },
        },
        "events": {
            "path": "events.csv",
            "format": "csv",
            "columns": {
                "id": {"type": "VARCHAR"},
                "at": {"type": "TIMESTAMP"},
                "amount": {"type": "DOUBLE"},
                "way": {"type": "VARCHAR"},
                "kind": {"type": "VARCHAR"},
            },
        },
    },
    "tables": {
        "customers": {
            "source": "people",
            "sql": "SELECT id AS customer_id, born AS birth_year, sex AS gender, "
            "joined AS joined_on FROM people",
        },
        "customer_months": {
            "source": "months",
            "sql": "SELECT id AS customer_id, month, segment, income, NULL AS channel, "
            "NULL AS region, true AS active FROM months",
        },
        "holdings": {
            "source": "held",
            "sql": "SELECT id AS customer_id, month, product FROM held",
        },
        "transactions": {
            "source": "events",
            "sql": 'SELECT id AS customer_id, "at" AS ts, CAST(round(amount * 100) AS BIGINT) '
            "AS amount, way AS direction, kind AS category, NULL AS channel, NULL AS merchant "
            "FROM events",
        },
    },
}


def settings(**changes: Any) -> DatasetSettings:
    """Return the tiny bank's settings; `changes` replace top-level keys."""
    return DatasetSettings.model_validate(deepcopy(SETTINGS) | changes)


MONTHS = [str(month) for month in month_range(settings().first, settings().last)]


@dataclass
class Bank:
    """Rows of the source files."""

    people: list[Sequence[Any]] = field(default_factory=list)
    months: list[Sequence[Any]] = field(default_factory=list)
    held: list[Sequence[Any]] = field(default_factory=list)
    events: list[Sequence[Any]] = field(default_factory=list)

    def add(
        self,
        name: str,
        *,
        segments: Sequence[str] | None = None,
        months: Sequence[str] = MONTHS,
        held: dict[str, Iterable[str]] | None = None,
        events: Iterable[tuple[str, str]] = (),
        joined: str = "2020-01-01",
    ) -> None:
        """Add a customer: segment by month, product -> month ends held, (stamp, category)."""
        self.people.append((name, 1980, "F", joined))
        for place, month in enumerate(months):
            self.months.append((name, month, segments[place] if segments else "low", 1000))
        for product, held_months in (held or {}).items():
            self.held.extend((name, month, product) for month in held_months)
        self.events.extend((name, stamp, "12.34", "debit", kind) for stamp, kind in events)

    def filler(self) -> None:
        """Add a customer who holds and spends in every month, so that no month is empty."""
        self.add(
            "filler",
            held={"current": MONTHS},
            events=[(f"{month[:7]}-15 12:00:00", "food") for month in MONTHS],
        )

    def write(self, folder: Path) -> Path:
        """Write the four CSV files and return the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        headers = {
            "people": ("id", "born", "sex", "joined"),
            "months": ("id", "month", "segment", "income"),
            "held": ("id", "month", "product"),
            "events": ("id", "at", "amount", "way", "kind"),
        }
        for name, header in headers.items():
            with (folder / f"{name}.csv").open("w", newline="") as stream:
                writer = csv.writer(stream, lineterminator="\n")
                writer.writerow(header)
                writer.writerows(getattr(self, name))
        return folder


def plain_bank() -> Bank:
    """Return a bank of two customers that keeps the contract."""
    bank = Bank()
    bank.filler()
    bank.add("anna", held={"savings": MONTHS[3:]}, events=[("2023-12-24 18:00:00", "play")])
    return bank


def convert_bank(bank: Bank, folder: Path, dataset: DatasetSettings | None = None) -> Path:
    """Write the bank, convert it and return the preflight folder; fails on any violation."""
    raw, output = bank.write(folder / "raw"), folder / "preflight"
    output.mkdir()
    faults, _ = convert(dataset or settings(), raw=raw, output=output, progress=lambda *_: None)
    assert not faults, render(faults, show_identifying=True)
    return output

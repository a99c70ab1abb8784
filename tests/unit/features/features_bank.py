"""A bank of 60 customers over 18 months, with awkward rows put in on purpose."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from configs.settings.base import CONFIGS, load, read_yaml
from configs.settings.dataset import DatasetSettings
from configs.settings.features import FeaturesSettings
from configs.settings.months import month_range, shift
from training_jobs.features import generators as _generators
from training_jobs.features import tensors as _tensors
from training_jobs.features.cut import CutView, Limits, cut
from training_jobs.features.fitting import fit
from training_jobs.features.generator import Bank, Product
from training_jobs.features.model import Clock, FeatureModel, Tallies
from training_jobs.features.run import Made, make_features
from training_jobs.features.sources import Sources

FIRST, LAST = dt.date(2023, 1, 31), dt.date(2024, 6, 30)
CUTOFF = dt.date(2024, 1, 31)
AS_OFS = {
    "train": [CUTOFF, dt.date(2024, 2, 29)],
    "validation": [dt.date(2024, 3, 31)],
    "test": [dt.date(2024, 4, 30)],
    "score": [LAST],
}
PRODUCTS = [("cco", "accounts"), ("ecue", "accounts"), ("fond", "investments"), ("tjcr", "cards")]
CATEGORIES = [f"5{code:03d}" for code in range(100, 136)]
PARENTS: dict[str, str | None] = {
    "ROOT": None,
    "R5": "ROOT",
    **{f"P{prefix}": "R5" for prefix in sorted({code[:3] for code in CATEGORIES})},
    **{code: f"P{code[:3]}" for code in CATEGORIES},
}
"""The category tree: code -> parent."""
REGISTERED = (_generators, _tensors)
LIMITS = Limits("256MB", 1)

SCHEMAS = {
    "customers": pa.schema(
        [
            ("customer_id", pa.string()),
            ("birth_year", pa.int32()),
            ("gender", pa.string()),
            ("joined_on", pa.date32()),
        ]
    ),
    "customer_months": pa.schema(
        [
            ("customer_id", pa.string()),
            ("month", pa.date32()),
            ("segment", pa.string()),
            ("income", pa.int64()),
            ("channel", pa.string()),
            ("region", pa.string()),
            ("active", pa.bool_()),
        ]
    ),
    "holdings": pa.schema(
        [("customer_id", pa.string()), ("month", pa.date32()), ("product", pa.string())]
    ),
    "transactions": pa.schema(
        [
            ("customer_id", pa.string()),
            ("ts", pa.timestamp("us")),
            ("amount", pa.int64()),
            ("direction", pa.string()),
            ("category", pa.string()),
            ("channel", pa.string()),
            ("merchant", pa.string()),
        ]
    ),
}

Row = dict[str, Any]


@dataclass
class Rows:
    """Rows of the canonical tables as dictionaries."""

    customers: list[Row] = field(default_factory=list)
    customer_months: list[Row] = field(default_factory=list)
    holdings: list[Row] = field(default_factory=list)
    transactions: list[Row] = field(default_factory=list)

    def of(self, table: str) -> list[Row]:
        """Return the rows of a table."""
        rows: list[Row] = getattr(self, table)
        return rows


def transaction(customer: str, ts: dt.datetime, amount: int, **other: Any) -> Row:
    """Return a transaction, a debit at a shop unless told otherwise."""
    return {
        "customer_id": customer,
        "ts": ts,
        "amount": amount,
        "direction": "debit",
        "category": CATEGORIES[0],
        "channel": "pos",
        "merchant": "M1",
    } | other


@cache
def standard() -> Rows:
    """Return the bank most tests share; it must not be changed."""
    return make_bank()


def make_bank(customers: int = 60, seed: int = 3) -> Rows:
    """Return the bank: quiet and busy customers, late joiners, gaps, ties, edges of windows."""
    draw = np.random.default_rng(seed)
    rows = Rows()
    for number in range(customers):
        _add_customer(rows, f"C{number:03d}", number, draw)
    last_instant = dt.datetime.combine(CUTOFF, dt.time(23, 59, 59, 999_999))
    year_before = dt.datetime.combine(shift(CUTOFF, -12), dt.time(23, 59, 59))
    rows.transactions += [
        transaction("C004", last_instant, 10_001),
        transaction("C004", last_instant + dt.timedelta(microseconds=1), 99_999),
        transaction("C004", year_before, 77_777),
        transaction("C004", year_before + dt.timedelta(seconds=1), 55_555),
        # The same second twice, in either direction.
        transaction("C001", dt.datetime(2024, 1, 15, 12), 500, category=CATEGORIES[3]),
        transaction("C001", dt.datetime(2024, 1, 15, 12), 500, direction="credit"),
        transaction("C002", dt.datetime(2024, 1, 31), 1),
        transaction("C002", dt.datetime(2024, 2, 29, 23), 9_000_000_000_000),
    ]
    return rows


def _add_customer(rows: Rows, customer: str, number: int, draw: np.random.Generator) -> None:
    joined = dt.date(2020, 5, 17) if number % 5 else dt.date(2023, 4, 9)
    rows.customers.append(
        {
            "customer_id": customer,
            "birth_year": None if number == 7 else 1940 + number,
            "gender": ["F", "M", None][number % 3],
            "joined_on": None if number == 8 else joined,
        }
    )
    held: set[str] = set()
    for month in month_range(FIRST, LAST):
        if month < joined:
            continue
        rows.customer_months.append(
            {
                "customer_id": customer,
                "month": month,
                "segment": ["basic", "premium"][int(draw.random() < 0.3)],
                "income": None if number % 7 == 3 else int(draw.integers(1, 9) * 1_000_000),
                "channel": ["branch", "web", "app"][number % 3],
                "region": f"R{number % 4}",
                "active": bool(draw.random() < 0.8),
            }
        )
        for product, _ in PRODUCTS:
            if draw.random() < 0.15:
                held ^= {product}
        rows.holdings += [
            {"customer_id": customer, "month": month, "product": product}
            for product in sorted(held)
        ]
        if number % 6 == 0 and number:
            continue
        for _ in range(int(draw.poisson(4))):
            moment = dt.datetime.combine(month, dt.time()) - dt.timedelta(
                seconds=int(draw.integers(0, 27 * 86_400))
            )
            category = CATEGORIES[int(draw.integers(0, len(CATEGORIES)) * draw.random())]
            rows.transactions.append(
                transaction(
                    customer,
                    moment,
                    int(np.exp(draw.normal(9, 2))) + 1,
                    direction="credit" if draw.random() < 0.2 else "debit",
                    category=category,
                    channel=["pos", "web", None][int(draw.integers(0, 3))],
                    merchant=None if draw.random() < 0.1 else f"M{int(draw.integers(0, 15))}",
                )
            )


def shard_of(customer: str, shards: int) -> int:
    """Return the shard of a customer."""
    return int(hashlib.md5(customer.encode()).hexdigest(), 16) % shards


def write_tables(
    folder: Path, rows: Rows, *, shards: int, tables: Iterable[str] = tuple(SCHEMAS)
) -> Path:
    """Write the canonical tables; those not named are absent."""
    for table in tables:
        time = "ts" if table == "transactions" else "month"
        for shard in range(shards):
            kept = [row for row in rows.of(table) if shard_of(row["customer_id"], shards) == shard]
            kept.sort(key=lambda row: (row["customer_id"], row.get(time, dt.date.min)))
            _write(folder / table / f"part-{shard:05d}.parquet", kept, SCHEMAS[table])
    reference = pa.table(
        {
            "product": [code for code, _ in PRODUCTS],
            "group": [group for _, group in PRODUCTS],
            "position": list(range(len(PRODUCTS))),
            "name_ko": [f"상품 {code}" for code, _ in PRODUCTS],
            "name_en": [f"Product {code}" for code, _ in PRODUCTS],
            "group_name_ko": [f"상품군 {group}" for _, group in PRODUCTS],
            "group_name_en": [f"Group {group}" for _, group in PRODUCTS],
        }
    )
    names = pa.table(
        {
            "code": list(PARENTS),
            "parent": list(PARENTS.values()),
            "name_ko": [f"업종 {code}" for code in PARENTS],
            "name_en": [f"Shop {code}" for code in PARENTS],
        }
    )
    for name, table in (("products", reference), ("categories", names)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        pq.write_table(table, folder / name / "part-00000.parquet")
    return folder


def _write(path: Path, rows: Sequence[Row], schema: pa.Schema) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path)


def sources(tables: Path, shards: int = 2) -> Sources:
    """Return the tables as the features read them."""
    return Sources(tables, tuple(range(shards)))


def bank_facts(products: Sequence[tuple[str, str]] = PRODUCTS) -> Bank:
    """Return what generators know of the bank."""
    return Bank(tuple(Product(*product) for product in products), ("debit",), 12, parents=PARENTS)


@cache
def _settings() -> FeaturesSettings:
    return load(FeaturesSettings, CONFIGS / "feature_groups.yaml")


def features(**changes: Any) -> FeaturesSettings:
    """Return the product's own groups, with top-level settings changed."""
    raw = _settings().model_dump(mode="json")
    raw |= {"threads": 1, "memory": "256MB", "process_memory": "64GB"}
    raw["leakage"] |= {"sample_customers": 15, "screen_positives": 5}
    for item in (*raw["groups"], *raw["tensors"]):
        # Customers of this bank are too quiet for the product's own floors.
        if "topology" in item["parameters"]:
            item["parameters"]["topology"] |= {"least_events": 8, "category_events": 20}
    graph = next(row for row in raw["groups"] if row["name"] == "graph_collaborative")
    graph["parameters"]["circles"]["bits"] = 10
    return FeaturesSettings.model_validate(raw | changes)


def dataset(**changes: Any) -> DatasetSettings:
    """Return the synthetic data set with this bank's calendar."""
    raw = read_yaml(CONFIGS / "datasets" / "synthetic.yaml")
    raw |= {
        "first_month": "2023-01",
        "last_month": "2024-06",
        "horizon_months": 1,
        "splits": {
            "train": ["2024-01", "2024-02"],
            "validation": ["2024-03"],
            "test": ["2024-04"],
        },
        "serving": "2024-06",
        "shards": 2,
    }
    return DatasetSettings.model_validate(raw | changes)


def few_groups(*extra: Row, tensors: bool = False) -> FeaturesSettings:
    """Return three unlike groups, and what a test adds, so that runs are quick."""
    raw = features().model_dump(mode="json")
    kept = ("demographics", "derived_temporal", "txn_rolling_stats")
    raw["groups"] = [row for row in raw["groups"] if row["name"] in kept] + list(extra)
    raw["tensors"] = raw["tensors"] if tensors else []
    raw["private_groups"] = ["demographics"]
    entry = raw["glossary"]["entries"][0] | {"columns": ["planted"], "protected": False}
    raw["glossary"]["entries"].append(entry)
    return FeaturesSettings.model_validate(raw)


def run(tables: Path, output: Path, settings: FeaturesSettings) -> Made:
    """Make the features of the examples in `output`."""
    return make_features(
        tables,
        output,
        dataset=dataset(),
        settings=settings,
        progress=lambda done, total, what: None,
    )


def fitted(tables: Path, settings: FeaturesSettings, *, shards: int = 2) -> FeatureModel:
    """Fit everything on everyone at the cut-off."""
    return fit(
        sources(tables, shards),
        customers=[row["customer_id"] for row in standard().customers],
        cutoff=CUTOFF,
        bank=bank_facts(),
        settings=settings,
        clock=Clock(),
    )


def tallies_of(model: FeatureModel, view: CutView) -> Tallies:
    """Return the state of a view's own customers, as if there were no others."""
    return {
        (name, view.as_of): maker.tally(view, fitted_input)
        for name, maker, fitted_input in model.tallied()
    }


def label(customer: str, as_of: dt.date, salt: str) -> float:
    """Return a label that nothing observed can tell."""
    return float(hashlib.md5(f"{salt}{customer}{as_of}".encode()).digest()[0] % 4 == 0)


def write_examples(output: Path, rows: Rows, *, shards: int = 2, salt: str = "") -> Path:
    """Write `examples` and `tasks.json` as the label code leaves them; return `output`."""
    schema = pa.schema(
        [
            ("customer_id", pa.string()),
            ("as_of", pa.date32()),
            ("split", pa.string()),
            ("y_churn_signal", pa.float64()),
        ]
    )
    names = {"validation": "selection"}
    for shard in range(shards):
        made: list[Row] = [
            {
                "customer_id": row["customer_id"],
                "as_of": as_of,
                "split": names.get(split, split),
                "y_churn_signal": None
                if split == "score"
                else label(row["customer_id"], as_of, salt),
            }
            for row in rows.customers
            for split, days in AS_OFS.items()
            for as_of in days
            if shard_of(row["customer_id"], shards) == shard
        ]
        made.sort(key=lambda row: (row["customer_id"], row["as_of"]))
        _write(output / "examples" / f"part-{shard:05d}.parquet", made, schema)
    task = {"name": "churn_signal", "type": "binary", "status": "on"}
    (output / "tasks.json").write_text(json.dumps({"tasks": [task]}))
    return output


def view_of(
    tables: Path,
    as_of: dt.date,
    customers: Sequence[str] | None = None,
    *,
    shards: int = 2,
    limits: Limits = LIMITS,
) -> Any:
    """Open a cut view of customers, everyone by default."""
    everyone = [row["customer_id"] for row in standard().customers]
    return cut(
        sources(tables, shards),
        customers=customers or everyone,
        as_of=as_of,
        lookback_months=12,
        limits=limits,
    )


def group(name: str) -> Any:
    """Return the settings of a group or side tensor of the product."""
    settings = features()
    return next(item for item in (*settings.groups, *settings.tensors) if item.name == name)

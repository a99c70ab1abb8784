"""What is known of a bank beside dated rows: catalogue, category tree, names for the glossary."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow.parquet as pq

from configs.settings.dataset import DatasetSettings
from configs.settings.glossary import Text
from training_jobs.features.generator import Bank, Product
from training_jobs.features.vocabulary import safe

ONLY_PART = "part-00000.parquet"


def read_bank(tables: Path, dataset: DatasetSettings) -> Bank:
    """Return the bank of a tables folder."""
    products: list[Product] = []
    path = tables / "products" / ONLY_PART
    if path.is_file():
        rows = pq.read_table(path, columns=["product", "group", "position"]).to_pylist()
        rows.sort(key=lambda row: row["position"])
        products = [Product(row["product"], row["group"]) for row in rows]
    tree = tables / "categories" / ONLY_PART
    parents: dict[str, str | None] = {}
    if tree.is_file():
        rows = pq.read_table(tree, columns=["code", "parent"]).to_pylist()
        parents = {row["code"]: row["parent"] for row in sorted(rows, key=lambda row: row["code"])}
    return Bank(
        tuple(products), dataset.category_directions, dataset.lookback_months, parents=parents
    )


def read_names(tables: Path) -> dict[str, Mapping[str, Text]]:
    """Return the names of products, groups and categories by code as it stands in column names."""
    return {
        "product": _names(tables / "products" / ONLY_PART, "product"),
        "group": _names(tables / "products" / ONLY_PART, "group", prefix="group_name"),
        "category": _names(tables / "categories" / ONLY_PART, "code"),
    }


def _names(path: Path, code: str, *, prefix: str = "name") -> dict[str, Text]:
    if not path.is_file():
        return {}
    korean, english = f"{prefix}_ko", f"{prefix}_en"
    rows = pq.read_table(path, columns=[code, korean, english]).to_pylist()
    return {safe(row[code]): Text(ko=row[korean], en=row[english]) for row in rows}

"""The tables `products` and `categories`, from the catalogue and the category tree."""

from typing import Any

import iso18245
import pyarrow as pa

from configs.settings.dataset import Catalogue, CategoryTree

ROOT = "root"
_DESCRIPTIONS = (
    "iso_description",
    "usda_description",
    "stripe_description",
    "visa_description",
    "mastercard_description",
    "alipay_description",
    "amex_description",
)

PRODUCT_SCHEMA = pa.schema(
    [
        ("product", pa.string()),
        ("group", pa.string()),
        ("position", pa.int32()),
        ("name_ko", pa.string()),
        ("name_en", pa.string()),
        ("group_name_ko", pa.string()),
        ("group_name_en", pa.string()),
        ("risk_grade", pa.int32()),
        ("min_age", pa.int32()),
        ("max_age", pa.int32()),
        ("min_income", pa.int64()),
        ("segments", pa.list_(pa.string())),
        ("fees_ko", pa.string()),
        ("fees_en", pa.string()),
        ("benefits_ko", pa.string()),
        ("benefits_en", pa.string()),
    ]
)
CATEGORY_SCHEMA = pa.schema(
    [
        ("code", pa.string()),
        ("parent", pa.string()),
        ("depth", pa.int32()),
        ("name_ko", pa.string()),
        ("name_en", pa.string()),
    ]
)


def product_table(catalogue: Catalogue) -> pa.Table:
    """Return the products in catalogue order."""
    groups = {group.group: group.names for group in catalogue.groups}
    rows = [
        {
            "product": product.product,
            "group": product.group,
            "position": position,
            "name_ko": product.names.ko,
            "name_en": product.names.en,
            "group_name_ko": groups[product.group].ko,
            "group_name_en": groups[product.group].en,
            "risk_grade": product.risk_grade,
            "min_age": product.eligibility.min_age,
            "max_age": product.eligibility.max_age,
            "min_income": product.eligibility.min_income,
            "segments": product.eligibility.segments,
            "fees_ko": product.fees.ko if product.fees else None,
            "fees_en": product.fees.en if product.fees else None,
            "benefits_ko": product.benefits.ko if product.benefits else None,
            "benefits_en": product.benefits.en if product.benefits else None,
        }
        for position, product in enumerate(catalogue.products)
    ]
    return pa.Table.from_pylist(rows, PRODUCT_SCHEMA)


def _iso_nodes() -> dict[str, tuple[str, str]]:
    """Return code -> (parent, English name) of root > ISO range > 3-digit prefix > code."""
    nodes: dict[str, tuple[str, str]] = {}
    for entry in iso18245.get_all_mccs():
        range_ = f"R{entry.range.start}"
        prefix = f"P{entry.mcc[:3]}"
        nodes.setdefault(range_, (ROOT, entry.range.description))
        # A prefix that two ranges share stays with the lower one; the codes below follow it.
        nodes.setdefault(prefix, (range_, f"{entry.range.description}: {entry.mcc[:3]}x"))
        described = next(
            (str(getattr(entry, field)) for field in _DESCRIPTIONS if getattr(entry, field)),
            entry.mcc,
        )
        nodes[entry.mcc] = (prefix, described.strip())
    return nodes


def category_table(tree: CategoryTree) -> pa.Table:
    """Return the category tree with its root, sorted by code.

    Korean names are those given in the tree's nodes; an ISO code without one is shown by the
    nearest named node above it and its own number.
    """
    nodes: dict[str, tuple[str, str]] = _iso_nodes() if tree.iso18245 else {}
    korean: dict[str, str] = {}
    for node in tree.nodes:
        known = nodes.get(node.code)
        parent = node.parent or (known[0] if known else ROOT)
        nodes[node.code] = (parent, node.names.en)
        korean[node.code] = node.names.ko

    def above(code: str) -> list[str]:
        path = [code]
        while path[-1] != ROOT:
            path.append(nodes[path[-1]][0])
        return path

    rows: list[dict[str, Any]] = [
        {"code": ROOT, "parent": None, "depth": 0, "name_ko": "전체", "name_en": "All"}
    ]
    for code, (parent, english) in sorted(nodes.items()):
        path = above(code)
        named = next((korean[step] for step in path[1:] if step in korean), "기타")
        rows.append(
            {
                "code": code,
                "parent": parent,
                "depth": len(path) - 1,
                "name_ko": korean.get(code, f"{named} {code.removeprefix('P')}"),
                "name_en": english,
            }
        )
    return pa.Table.from_pylist(rows, CATEGORY_SCHEMA)

"""Whatever the synthetic bank names has a Korean and an English name that a reader understands.

Merchants and customers have none: the canonical tables know them by their number alone.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from configs.settings.base import CONFIGS, load
from configs.settings.dataset import DatasetSettings
from configs.settings.simulation import BankSettings
from training_jobs.data.reference import ROOT, category_table, product_table
from training_jobs.data.synthetic.writing import BANK_FILE, Order, generate

DATASET = load(DatasetSettings, CONFIGS / "datasets" / "synthetic.yaml")
BANK = load(BankSettings, BANK_FILE)
HANGUL = re.compile("[\uac00-\ud7a3]")
LATIN = re.compile("[A-Za-z]{3}")


def _tree() -> dict[str, dict[str, str]]:
    assert DATASET.categories is not None
    return {row["code"]: row for row in category_table(DATASET.categories).to_pylist()}


def _with_branches(codes: set[str]) -> set[str]:
    tree, found = _tree(), set(codes)
    for code in codes:
        while (code := tree[code]["parent"]) is not None and code != ROOT:
            found.add(code)
    return found


def faults(korean: str, english: str) -> Iterator[str]:
    """Yield what keeps a pair of names from being names."""
    if not HANGUL.search(korean):
        yield f"'{korean}' is not Korean"
    if not LATIN.search(english) or HANGUL.search(english):
        yield f"'{english}' is not English"
    for name in (korean, english):
        if re.search(r"\d", name):
            yield f"'{name}' is a code, not a name"
        if name != name.strip() or "  " in name:
            yield f"'{name}' holds stray blanks"


@pytest.mark.parametrize(
    ("korean", "english"),
    [
        ("소매점 531", "Discount"),
        ("할인점", "Retail outlets: 531x"),
        ("Retail", "Retail"),
        ("점", "점"),
    ],
)
def test_a_name_made_of_a_code_is_found(korean: str, english: str) -> None:
    assert list(faults(korean, english))


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Categories in the transactions of a generated bank."""
    folder: Path = tmp_path_factory.mktemp("bank")
    generate(
        Order(200, 24, 2),
        out=folder / "raw",
        truth=folder / "truth",
        workers=1,
        progress=lambda *_: None,
    )
    table = pq.read_table(folder / "raw" / "transactions", columns=["category"])
    return set(pc.unique(table["category"]).to_pylist())


def test_every_category_that_occurs_is_in_the_tree_with_its_branches_named(seen: set[str]) -> None:
    used = _with_branches(seen | {category.code for category in BANK.categories})
    assert {"salary", "pension", "5814", "P581", "R5700"} <= used
    tree = _tree()
    found = {code: list(faults(tree[code]["name_ko"], tree[code]["name_en"])) for code in used}
    assert not {code: rows for code, rows in found.items() if rows}


def test_the_names_are_given_and_not_derived(seen: set[str]) -> None:
    assert DATASET.categories is not None
    given = {node.code for node in DATASET.categories.nodes}
    assert _with_branches(seen | {category.code for category in BANK.categories}) <= given


def test_no_two_codes_in_use_share_a_korean_name() -> None:
    tree = _tree()
    names = Counter(tree[category.code]["name_ko"] for category in BANK.categories)
    assert not {name: count for name, count in names.items() if count > 1}


def test_every_product_group_and_segment_is_named() -> None:
    assert DATASET.catalogue is not None
    products = product_table(DATASET.catalogue).to_pylist()
    assert {row["product"] for row in products} == set(BANK.holding)
    pairs = [(row["name_ko"], row["name_en"]) for row in products]
    pairs += [(row["group_name_ko"], row["group_name_en"]) for row in products]
    pairs += [(segment.names.ko, segment.names.en) for segment in DATASET.segments]
    assert not [fault for pair in pairs for fault in faults(*pair)]
    for language in (0, 1):
        names = [pair[language] for pair in pairs[: len(products)]]
        assert len(set(names)) == len(names) == 24

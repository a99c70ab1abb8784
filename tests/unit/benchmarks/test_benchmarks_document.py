"""The page of figures shows what artefacts hold, and says what is missing."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import document
from configs.settings.base import CONFIGS, load
from configs.settings.features import FeaturesSettings

ORIGIN = {"commit": "abc", "machine": {"cores": 2}}


def size(customers: int, seconds: float) -> dict[str, Any]:
    """Return a measurement of Phase 0 at one size."""
    return {
        "customers": customers,
        "seconds_total": seconds,
        "seconds_by_group": {
            "hmm_states": seconds / 4,
            "tda_global": 0.5,
            "tda_local": seconds / 5,
        },
        "seconds_elsewhere": {"cut": seconds / 8, "off": 2e-6, "persistence_pairs": 0.25},
        "peak_rss_bytes": 3 * 1024**3,
        "bytes_written": 1024**2,
        "shards_found": 0,
        "workers": 2,
        "figures": [{"name": "cpu", "median": 2 * seconds}],
        "origin": ORIGIN,
    }


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Artefacts of a few sections, none of the others."""
    monkeypatch.setattr(document, "OUT", tmp_path)
    sections = tuple(
        (title, command, tmp_path / path.name, render)
        for title, command, path, render in document.SECTIONS
    )
    monkeypatch.setattr(document, "SECTIONS", sections)
    return tmp_path


def test_without_artefacts_every_section_says_that_nothing_was_measured(folders: Path) -> None:
    page = document.page()
    assert page.count("Not measured yet.") == len(document.SECTIONS) + 1
    assert all(f"`{command}`" in page for _, command, _, _ in document.SECTIONS)


def test_sizes_stand_side_by_side_in_order_of_customers(folders: Path) -> None:
    for customers, seconds in ((100, 100.0), (10, 8.0)):
        path = folders / f"phase0-{customers}.json"
        path.write_text(json.dumps(size(customers, seconds)))
    page = document.page()
    assert "| seconds, summed over processes | 10 | 100 |" in page
    assert "| hmm_states | 2.00 | 25.00 |" in page
    assert "| (cut) | 1.00 | 12.50 |" in page
    assert "| **all topology** | 2.4 | 20.8 |" in page
    assert "| **SQL part: cut, events, plain groups** | – | – |" in page, "parts are missing"
    assert "| **CPU seconds** | 16.0 | 200.0 |" in page
    assert "| **scaling exponent, from the size before** |  | 1.10 |" in page
    assert "(off)" not in page


def test_a_group_row_has_its_columns_and_the_auc_of_each_task(folders: Path) -> None:
    content = {
        "customers": 2000,
        "rows": {"train": 3000, "selection": 700},
        "auc": {
            "hmm_states": {"churn_signal": 0.61},
            "all, labels permuted": {"churn_signal": 0.5},
        },
        "groups": {"hmm_states": {"columns": 25, "constant": 1}},
        "rates": {"churn_signal": {"train": 0.06, "selection": 0.05}},
        "origin": ORIGIN,
    }
    (folders / "groups.json").write_text(json.dumps(content))
    page = document.page()
    assert "| hmm_states | 25 | 24 | 0.610 |" in page
    assert "| all, labels permuted |  |  | 0.500 |" in page
    assert "| churn_signal | 0.0600 | 0.0500 |" in page


def test_the_matrix_names_what_breaks_a_bound(folders: Path) -> None:
    cell = {"value": 0.812, "low": 0.79, "high": 0.83}
    content = {
        "customers": 100,
        "seed": 7,
        "rows": {"eligible": 60, "all": 100},
        "eligible": {"min_events": 20, "months": 3},
        "bounds": {"diagonal": 0.75, "elsewhere": 0.62, "aggregates": 0.58},
        "matrix": {"deepfm": {"crosses": {"eligible": cell, "all": cell}}},
        "structure": {
            "hgcn": {"mechanism": "tree_taste", "without": "the true tree", "eligible": cell}
        },
        "broken": ["deepfm sees drift at 0.700 > 0.62"],
    }
    (folders / "visibility.json").write_text(json.dumps(content))
    page = document.page()
    assert "| deepfm | 0.812 [0.790, 0.830] |" in page
    assert "Bounds broken: deepfm sees drift at 0.700 > 0.62." in page
    assert "| hgcn | tree_taste | the true tree | 0.812 [0.790, 0.830] |" in page


def test_parts_with_an_aim_are_made_of_groups_that_there_are() -> None:
    settings = load(FeaturesSettings, CONFIGS / "feature_groups.yaml")
    known = {item.name for item in (*settings.groups, *settings.tensors)} | {"cut", "events read"}
    assert {name for names in document.PARTS.values() for name in names} <= known

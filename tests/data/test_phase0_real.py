"""Phase 0 end to end on the real files: what a small real bank can and cannot carry."""

import os
from pathlib import Path

import pytest

from tests.fixtures.phase0_banks import (
    Ran,
    check_absences,
    check_experts,
    check_nothing_is_filled,
    run_bank,
)

FOLDER = Path(os.environ.get("SEVENLENS_DATA", ""))
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(
        "SEVENLENS_DATA" not in os.environ, reason="SEVENLENS_DATA does not name the data folder"
    ),
]


@pytest.fixture(scope="module")
def berka(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return run_bank("berka", FOLDER / "berka", tmp_path_factory.mktemp("berka"))


@pytest.fixture(scope="module")
def tabformer(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return run_bank("tabformer", FOLDER / "tabformer", tmp_path_factory.mktemp("tabformer"))


def test_berka_has_all_groups_and_what_does_not_vary_is_dropped_by_name(berka: Ran) -> None:
    assert berka.failed() == []
    check_absences(berka, without={"contacts"})
    check_experts(berka)
    check_nothing_is_filled(berka)
    dropped = berka.schema["groups"]["demographics"]["dropped_because"]
    # The files name no channel of a customer: code 0 for everyone says nothing.
    assert dropped["channel"] == "the same for everyone"
    assert berka.schema["experts"]["deepfm"]["status"] == "present"


def test_one_real_user_carries_no_task_and_no_column_and_the_run_says_so(tabformer: Ran) -> None:
    """The real file holds one user only: nobody to compare with."""
    check_absences(tabformer, without={"customer_months", "holdings", "products", "contacts"})
    check_experts(tabformer)
    assert {task["status"] for task in tabformer.tasks.values()} == {"off"}
    assert all(task["reason"] and task["remedy"] for task in tabformer.tasks.values())
    assert tabformer.schema["columns"] == []
    assert "features.decision_inputs" in tabformer.failed()
    assert tabformer.foretold["fit_customers"] == 1

"""Phase 0 end to end on banks that lack something: absent with the reason, never filled."""

from pathlib import Path

import pytest

from tests.fixtures import santander_file, tabformer_file
from tests.fixtures.phase0_banks import (
    Ran,
    check_absences,
    check_experts,
    check_nothing_is_filled,
    run_bank,
)
from training_jobs.data.synthetic.writing import Order, generate
from training_jobs.features.__main__ import group_rows
from training_jobs.features.bank import read_names

LACKS = {
    "santander": {"transactions", "contacts"},
    "tabformer": {"customer_months", "holdings", "products", "contacts"},
    "synthetic": {"contacts"},
}
ACQUISITION = {"nba_primary", "cross_sell_count", "product_stability"}


def _raw(name: str, folder: Path) -> Path:
    if name == "santander":
        return santander_file.write(folder / "raw", santander_file.crowd(700))
    if name == "tabformer":
        return tabformer_file.crowd(folder / "raw", 260)
    generate(
        Order(customers=300, months=24, seed=3),
        out=folder / "raw",
        truth=folder / "truth",
        workers=1,
        progress=lambda *_: None,
    )
    return folder / "raw"


@pytest.fixture(scope="module", params=sorted(LACKS))
def bank(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def ran(bank: str, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp(bank)
    return run_bank(bank, _raw(bank, folder), folder)


def test_no_blocking_check_fails(ran: Ran) -> None:
    assert ran.failed() == []


def test_what_needs_an_absent_table_is_absent_and_was_foretold(bank: str, ran: Ran) -> None:
    check_absences(ran, without=LACKS[bank])


def test_an_expert_without_its_subject_is_absent_with_the_reason(bank: str, ran: Ran) -> None:
    check_experts(ran)
    absent = {name for name, row in ran.schema["experts"].items() if row["status"] == "absent"}
    if bank == "santander":
        assert {"temporal"} <= absent
    if bank == "synthetic":
        assert absent == set()


def test_nothing_is_filled(ran: Ran) -> None:
    check_nothing_is_filled(ran)


def test_tasks_are_on_where_their_tables_are(bank: str, ran: Ran) -> None:
    on = {name for name, task in ran.tasks.items() if task["status"] == "on"}
    acquisition = ACQUISITION | {name for name in ran.tasks if name.startswith("will_acquire_")}
    if bank == "tabformer":
        assert on >= {"next_mcc", "top_mcc_shift", "mcc_diversity_trend"}
        assert not on & acquisition
        assert {ran.tasks[name]["reason"] for name in acquisition} == {
            "the data set has no holdings"
        }
        assert ran.tasks["segment_prediction"]["reason"] == "the data set has no customer_months"
    if bank == "santander":
        assert on >= {"segment_prediction", "nba_primary", "cross_sell_count"}
        off = {"next_mcc", "top_mcc_shift", "mcc_diversity_trend"}
        assert {ran.tasks[name]["reason"] for name in off} == {"the data set has no transactions"}
    for name, task in ran.tasks.items():
        assert bool(task["reason"]) == bool(task["remedy"]) == (name not in on), name


@pytest.mark.parametrize("bank", ["synthetic"], indirect=True)
def test_the_synthetic_bank_has_all_17_groups_and_1211_columns(ran: Ran) -> None:
    rows = group_rows(ran.features, ran.schema, ran.made.clock.seconds)
    assert len(rows) == 17
    assert sum(row["columns"] for row in rows) == 1211
    assert {row["status"] for row in rows} == {"present"}
    wanted = {"group", "columns", "constant", "generator", "seconds", "experts"}
    assert all(wanted <= set(row) for row in rows)
    routed = {expert for row in rows for expert in row["experts"]}
    assert routed == {"deepfm", "temporal", "hgcn", "perslay", "lightgcn", "causal"}
    assert ran.schema["tensors"]["spending_histograms"]["experts"] == ["optimal_transport"]


@pytest.mark.parametrize("bank", ["synthetic"], indirect=True)
def test_every_column_of_the_synthetic_bank_can_be_explained(ran: Ran) -> None:
    """Columns that this small bank drops are looked up as well: 1211 entries, none twice."""
    groups = ran.made.model.groups
    names = [column.name for group in groups for column in group.declared]
    assert len(set(names)) == 1211
    known = read_names(ran.output.parent / "preflight" / "tables")
    texts: dict[str, str] = {}
    for name in names:
        entry = ran.features.glossary.resolve(name, known)
        for text in (entry.name, entry.up, entry.down, entry.sentence):
            assert "{" not in text.ko + text.en, name
            assert any("가" <= sign <= "힣" for sign in text.ko), name
            assert not any("가" <= sign <= "힣" for sign in text.en), name
        texts[name] = entry.sentence.en
    assert len(set(texts.values())) == len(names), "two columns are told by the same sentence"
    protected = {name for name in names if ran.features.glossary.resolve(name, known).protected}
    assert protected == {"age", "gender"}
    assert not protected & set(ran.schema["decision_inputs"])

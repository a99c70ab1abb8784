"""The oracles: futures branch from the true state, and labels are the pipeline's."""

import json
from dataclasses import fields
from pathlib import Path

import duckdb
import numpy as np
import pytest

from configs.contracts.storage import ORIGIN_FILE
from configs.settings.base import load
from configs.settings.dataset import Catalogue, DatasetSettings
from configs.settings.simulation import BankSettings
from configs.settings.simulation_proof import ProofSettings
from configs.settings.tasks import (
    AcquiredAny,
    AcquiredCount,
    CountDrop,
    CountStability,
    FirstGroup,
    NextCategory,
    TasksSettings,
)
from operations.oracle import delivered_oracle
from training_jobs.data.canonical import convert
from training_jobs.data.synthetic.bank import simulate
from training_jobs.data.synthetic.ceilings import CEILINGS, TASKS_FILE, product_tasks
from training_jobs.data.synthetic.forward import Fork, actual, fork, futures
from training_jobs.data.synthetic.lenses.observed import History
from training_jobs.data.synthetic.oracle import DATASET_FILE, Bank, consult, main
from training_jobs.data.synthetic.outcomes import Course, classes_of, outcome
from training_jobs.data.synthetic.visibility import PROOF_FILE
from training_jobs.data.synthetic.writing import BANK_FILE, CATALOGUE_FILE, Order, generate
from training_jobs.tasks.examples import write_examples

SETTINGS = load(BankSettings, BANK_FILE)
CATALOGUE = load(Catalogue, CATALOGUE_FILE)
DATASET = load(DatasetSettings, DATASET_FILE)
SEED, AS_OF = 6, 21


def _fork(*, as_of: int = AS_OF, seed: int = SEED, stop: int = 400) -> Fork:
    return fork(
        SETTINGS, CATALOGUE, seed=seed, start=0, stop=stop, months=24, as_of=as_of, horizon=3,
        prior_months=6, min_observed=6,
    )  # fmt: skip


@pytest.fixture(scope="module")
def proof() -> ProofSettings:
    settings = load(ProofSettings, PROOF_FILE)
    return settings.model_copy(update={"replicates": 40})


def test_the_replayed_state_is_that_of_the_bank() -> None:
    block = simulate(SETTINGS, CATALOGUE, seed=SEED, start=0, stop=400, months=24)
    seen = History(block, SETTINGS, CATALOGUE)
    now, later = seen.at(AS_OF), seen.at(AS_OF + 3)
    origin, happened = _fork(), actual(_fork())
    present = np.flatnonzero(origin.state.present)
    assert np.array_equal(now.customer, present)
    assert np.array_equal(now.held[:, -1], origin.state.held[present])
    assert np.array_equal(now.on, origin.state.on[present])
    assert np.array_equal(now.segment, origin.state.segment[present])
    rows = np.searchsorted(later.customer, origin.rows)
    assert np.array_equal(later.held[rows][:, AS_OF:], happened.window.transpose(1, 0, 2))
    assert np.array_equal(later.segment[rows], happened.segment)


def test_labels_of_the_oracle_are_those_of_the_pipeline(tmp_path: Path) -> None:
    generate(
        Order(customers=400, months=24, seed=SEED),
        out=tmp_path / "raw",
        truth=tmp_path / "truth",
        workers=1,
        progress=lambda *_: None,
    )
    faults, _ = convert(
        DATASET, raw=tmp_path / "raw", output=tmp_path / "bank", progress=lambda *_: None
    )
    assert not faults
    tasks = load(TasksSettings, TASKS_FILE)
    write_examples(tmp_path / "bank" / "tables", tmp_path, dataset=DATASET, tasks=tasks)
    with duckdb.connect() as connection:
        table = connection.sql(
            f"SELECT * FROM '{tmp_path}/examples/*.parquet' WHERE split = 'test' "
            "ORDER BY customer_id"
        ).to_arrow_table()
    numbers = [int(customer[1:]) for customer in table["customer_id"].to_pylist()]
    origin = _fork()
    happened = actual(origin)
    assert np.array_equal(numbers, origin.rows)
    merged = {"nba_primary"}
    for task in product_tasks():
        ours = outcome(task.derivation, happened, CATALOGUE)
        theirs = table[f"y_{task.name}"].to_numpy(zero_copy_only=False).astype(float)
        assert np.array_equal(np.isnan(ours), np.isnan(theirs)), task.name
        if task.name not in merged:
            # Classes with few rows of a small bank are merged by the gate.
            assert ours == pytest.approx(theirs, nan_ok=True, abs=1e-9), task.name
        else:
            assert np.array_equal(ours == 0, theirs == 0)
    assert len(numbers) > 300


def test_outcomes_of_a_course_written_by_hand() -> None:
    products = [product.product for product in CATALOGUE.products]
    groups = [group.group for group in CATALOGUE.groups]

    def held(*codes: str) -> np.ndarray:
        row = np.zeros(len(products), bool)
        row[[products.index(code) for code in codes]] = True
        return row

    now = np.stack([held("cco", "tjcr"), held(), held("cco")])
    window = np.stack(
        [
            np.stack([held("cco"), held(), held("cco", "fond", "deco")]),
            np.stack([held("cco"), held("pres"), held("cco", "deco")]),
            np.stack([held("cco", "tjcr"), held("pres"), held("cco", "deco", "hip")]),
        ]
    )
    course = Course(
        prior=np.array([3.0, 0.0, 1.0]), now=now, window=window, segment=np.zeros(3, int)
    )
    churn = outcome(CountDrop(method="count_drop", ratio=0.7, prior_months=6), course, CATALOGUE)
    assert churn.tolist()[0] == 1
    assert np.isnan(churn[1])
    assert churn[2] == 0
    count = outcome(AcquiredCount(method="acquired_count"), course, CATALOGUE)
    assert count.tolist() == [0, 1, 3]
    first = outcome(FirstGroup(method="first_group"), course, CATALOGUE)
    # deco comes before fond in the catalogue, both in the first month.
    assert first.tolist() == [0, 1 + groups.index("lending"), 1 + groups.index("deposits")]
    lending = AcquiredAny(method="acquired_any", product_group="lending")
    assert outcome(lending, course, CATALOGUE).tolist() == [0, 1, 1]
    everything = Course(
        prior=course.prior, now=np.ones_like(now), window=window, segment=course.segment
    )
    assert np.isnan(outcome(lending, everything, CATALOGUE)).all()
    stability = outcome(CountStability(method="count_stability"), course, CATALOGUE)
    counts = np.array([2, 1, 1, 2])
    assert stability[0] == pytest.approx(1 - counts.std() / counts.mean())
    with pytest.raises(TypeError, match="NextCategory"):
        outcome(NextCategory(method="next_category", top=5), course, CATALOGUE)


def test_a_future_leaves_the_state_as_it_was_and_each_is_another() -> None:
    origin = _fork()
    before = {
        item.name: np.array(getattr(origin.state, item.name), copy=True)
        for item in fields(origin.state)
        if isinstance(getattr(origin.state, item.name), np.ndarray)
    }
    first, second, again = (next(iter(futures(origin, paths=1, seed=seed))) for seed in (1, 2, 1))
    for name, value in before.items():
        assert np.array_equal(getattr(origin.state, name), value), name
    assert np.array_equal(first.window, again.window)
    assert not np.array_equal(first.window, second.window)
    assert not np.array_equal(first.window, actual(origin).window)
    # What never changes about a customer does not change with the draws of a future.
    assert np.array_equal(origin.state.people.lifecycle_shift, _fork().state.people.lifecycle_shift)


def test_ceilings_are_above_chance_and_have_intervals(proof: ProofSettings) -> None:
    result = consult(
        512, Bank(seed=SEED, months=24, as_of=AS_OF, paths=256), proof=proof, workers=1,
        progress=lambda *_: None,
    )  # fmt: skip
    assert set(result["tasks"]) == {task.name for task in product_tasks()}
    assert result["rows"] == result["tasks"]["cross_sell_count"]["rows"]
    for name, task in result["tasks"].items():
        assert set(task["metrics"]) <= set(CEILINGS), name
        assert task["metrics"], name
        for metric, cell in task["metrics"].items():
            assert cell["low"] <= cell["value"] <= cell["high"], (name, metric)
    for name in ("churn_signal", "will_acquire_accounts", "will_acquire_payments"):
        metrics = result["tasks"][name]["metrics"]
        assert metrics["auc"]["low"] > 0.6, name
        # A probability that is too bold or too timid loses against the base rate.
        assert metrics["log_loss_skill"]["all_paths"] > 0.02, name


def test_the_oracle_does_not_depend_on_the_workers(proof: ProofSettings) -> None:
    small = proof.model_copy(
        update={"paths": proof.paths.model_copy(update={"customers": 500}), "replicates": 20}
    )
    # A few paths are enough to compare; the command itself refuses fewer than 256.
    bank = Bank(seed=2, months=24, as_of=AS_OF, paths=4)
    one, two = (
        consult(1400, bank, proof=small, workers=workers, progress=lambda *_: None)
        for workers in (1, 2)
    )
    assert one == two
    assert one["rows"] == 500


def test_too_few_paths_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--paths", "255", "--out", str(tmp_path / "oracle.json")])
    assert "at least 256" in capsys.readouterr().err


def test_classes_follow_the_catalogue() -> None:
    sizes = {task.name: classes_of(task, CATALOGUE) for task in product_tasks()}
    assert sizes["nba_primary"] == 7
    assert sizes["segment_prediction"] == 4
    assert sizes["churn_signal"] is None
    assert "next_mcc" not in sizes


def test_the_command_makes_the_oracle_of_a_folder_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "bank"
    generate(
        Order(customers=256, months=24, seed=SEED),
        out=folder,
        truth=tmp_path / "truth",
        workers=1,
        progress=lambda *_: None,
    )
    assert main(["--data", str(folder)]) == 0
    assert "churn_signal" in capsys.readouterr().out
    made = delivered_oracle(folder, data_hash="abc")["ceilings"]
    assert [made["customers"], made["seed"]] == [256, SEED]
    # Aggregates alone: nothing in it is of one customer.
    assert len(json.dumps(made)) < 20_000

    origin = json.loads((folder / ORIGIN_FILE).read_text())
    (folder / ORIGIN_FILE).write_text(json.dumps(origin | {"bank": "other settings"}))
    with pytest.raises(SystemExit):
        main(["--data", str(folder)])
    assert "other settings" in capsys.readouterr().err
    (folder / ORIGIN_FILE).unlink()
    with pytest.raises(SystemExit):
        main(["--data", str(folder)])
    assert "is missing" in capsys.readouterr().err

"""The state-oracle alarm: what no honest model can score stops the run."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from configs.contracts.artefacts import Check
from configs.settings.state_oracle import DeliveredOracle
from tests.fixtures.oracles import ceiling, oracle_json, task_ceilings
from tests.fixtures.training_stages import IDENTITY, evaluate_stage
from tests.unit.evaluation.judging import checks, failed, pretend_to_teach, raw_settings, results
from tests.unit.teacher.teaching import layout_and_tasks, rows_of
from training_jobs.evaluation.alarm import CHECK_NAME, comparable, state_oracle_alarm
from training_jobs.evaluation.bootstrap import Estimate
from training_jobs.evaluation.judge import Judgement
from training_jobs.ple.tasks import TaskSpec

HASH = IDENTITY["data_hash"]
TASKS = (
    TaskSpec("churn_signal", "binary", "bce", 1.0, "g", ()),
    TaskSpec("cross_sell_count", "regression", "poisson", 1.0, "g", ()),
    TaskSpec("nba_primary", "multiclass", "ce", 1.0, "g", ("a", "b", "c")),
)
CEILINGS = {
    "churn_signal": task_ceilings(auc=ceiling(0.80, 0.82, 0.84)),
    "cross_sell_count": task_ceilings(rmse=ceiling(0.50, 0.55, 0.60, better="lower")),
    "nba_primary": task_ceilings(3, log_loss_skill=ceiling(0.1, 0.2, 0.3)),
}


def delivered(tasks: Any = None, data_hash: str = HASH) -> DeliveredOracle:
    return DeliveredOracle.model_validate(
        {"data_hash": data_hash, "ceilings": oracle_json(CEILINGS if tasks is None else tasks)}
    )


def judged(**scores: dict[str, dict[str, float | None]]) -> dict[str, Judgement]:
    return {
        task: Judgement(
            100,
            {
                metric: {name: Estimate(value, None, None) for name, value in by_name.items()}
                for metric, by_name in scores.get(task, {}).items()
            },
            {},
        )
        for task in (spec.name for spec in TASKS)
    }


def alarm(oracle: DeliveredOracle | None, *, simulated: bool = True, **scores: Any) -> Check:
    return state_oracle_alarm(
        oracle,
        simulated=simulated,
        data_hash=HASH,
        ceilings=comparable(oracle, TASKS),
        judgements=judged(**scores),
    )


def test_scores_within_the_bounds_pass() -> None:
    check = alarm(
        delivered(), churn_signal={"auc": {"teacher": 0.84, "lightgbm_hard": 0.7}},
        cross_sell_count={"rmse": {"teacher": 0.51}},
    )  # fmt: skip
    assert check.passed
    assert check.blocking
    assert check.value == 0
    assert "3 scores on 3 tasks held against 256" in check.detail
    assert "closest to its bound: teacher on churn_signal, auc 0.8400" in check.detail


@pytest.mark.parametrize(
    ("scores", "named"),
    [
        ({"churn_signal": {"auc": {"teacher": 0.841}}}, "teacher on churn_signal, auc 0.8410"),
        ({"churn_signal": {"auc": {"teacher": 0.7, "lightgbm_hard": 0.9}}}, "lightgbm_hard on"),
        ({"cross_sell_count": {"rmse": {"teacher": 0.49}}}, "cross_sell_count, rmse 0.4900"),
        ({"nba_primary": {"log_loss_skill": {"teacher": 0.31}}}, "nba_primary"),
    ],
)
def test_a_score_beyond_the_bound_fails_the_run_and_is_named(scores: Any, named: str) -> None:
    check = alarm(delivered(), **scores)
    assert not check.passed
    assert check.value == 1
    assert named in check.detail


def test_merged_classes_are_another_question() -> None:
    fewer = {"nba_primary": task_ceilings(7, log_loss_skill=ceiling(0.1, 0.2, 0.3))}
    assert comparable(delivered(fewer), TASKS) == {}
    assert not alarm(delivered(fewer), nba_primary={"log_loss_skill": {"teacher": 0.9}}).passed


@pytest.mark.parametrize(
    "oracle",
    [
        pytest.param(None, id="no oracle"),
        pytest.param(delivered(data_hash="of-other-data"), id="other data"),
        pytest.param(delivered({}), id="no ceiling"),
    ],
)
def test_what_cannot_be_held_against_a_ceiling_is_not_a_pass(
    oracle: DeliveredOracle | None,
) -> None:
    check = alarm(oracle, churn_signal={"auc": {"teacher": 0.6}})
    assert not check.passed
    assert check.value is None


def test_scores_that_are_undefined_are_not_a_pass() -> None:
    assert not alarm(delivered(), churn_signal={"auc": {"teacher": None}}).passed


def test_real_data_have_no_ceiling() -> None:
    check = alarm(None, simulated=False, churn_signal={"auc": {"teacher": 0.6}})
    assert check.passed
    assert "no ceiling is known" in check.detail


def _evaluate(phase0: Path, taught: Path, folder: Path, oracle: Any) -> Path:
    return evaluate_stage(
        phase0, taught, folder, raw_settings() | {"state_oracle": oracle}, simulated=True
    )


def test_the_stage_demands_an_oracle_of_simulated_data(
    phase0: Path, taught: Path, tmp_path: Path
) -> None:
    folder = _evaluate(phase0, taught, tmp_path, None)
    assert failed(folder) == {CHECK_NAME}


def test_the_stage_stops_a_teacher_that_knows_more_than_the_state_tells(
    phase0: Path, tmp_path: Path
) -> None:
    """A leak too small for the fixed bounds: they let an AUC of .98 pass."""
    ceilings = {"churn_signal": task_ceilings(auc=ceiling(0.80, 0.85, 0.90))}
    oracle = delivered(ceilings).model_dump(mode="json")
    honest = pretend_to_teach(phase0, tmp_path / "honest")
    folder = _evaluate(phase0, honest, tmp_path / "passed", oracle)
    assert failed(folder) == set()
    found = results(folder)["tasks"]["churn_signal"]
    assert found["ceilings"] == {"auc": {"value": 0.85, "low": 0.80, "high": 0.90}}
    assert results(folder)["tasks"]["nba_primary"]["ceilings"] == {}

    leaking = pretend_to_teach(phase0, tmp_path / "leaking")
    names = [task.name for task in layout_and_tasks(phase0)[1]]
    labels = rows_of(phase0, "test").labels[:, names.index("churn_signal")].double().numpy()
    path = leaking / "predictions" / "test.parquet"
    table = pq.read_table(path)
    noise = np.random.default_rng(3).normal(size=len(labels))
    leaked = 1 / (1 + np.exp(1.0 - 2.6 * np.nan_to_num(labels, nan=0.5) - noise))
    at = table.column_names.index("churn_signal")
    pq.write_table(table.set_column(at, "churn_signal", pa.array(leaked)), path)
    folder = _evaluate(phase0, leaking, tmp_path / "failed", oracle)
    score = results(folder)["tasks"]["churn_signal"]["metrics"]["auc"]["teacher"]["value"]
    assert 0.9 < score < 0.98, "the leak is not of the size that this test is about"
    assert failed(folder) == {CHECK_NAME}
    assert "teacher on churn_signal" in checks(folder)[CHECK_NAME]["detail"]

"""The state-oracle alarm: what no honest model can score stops the run."""

import json
from pathlib import Path
from typing import Any

import pytest

from configs.errors import ArtefactError
from training_jobs.evaluation.alarm import main, scores_of, state_oracle_alarm

ORACLE: dict[str, Any] = {
    "kind": "state_oracle",
    "paths": 256,
    "tasks": {
        "churn_signal": {
            "metrics": {"auc": {"better": "higher", "low": 0.80, "value": 0.82, "high": 0.84}}
        },
        "cross_sell_count": {
            "metrics": {"rmse": {"better": "lower", "low": 0.50, "value": 0.55, "high": 0.60}}
        },
    },
}


def test_scores_within_the_bounds_pass() -> None:
    check = state_oracle_alarm(
        {"churn_signal": {"auc": 0.835}, "cross_sell_count": {"rmse": 0.51}}, ORACLE
    )
    assert check.passed
    assert check.blocking
    assert check.value == pytest.approx(-0.005)
    assert "2 scores held against 256" in check.detail


@pytest.mark.parametrize(
    ("scores", "named"),
    [
        ({"churn_signal": {"auc": 0.845}}, "churn_signal auc 0.8450"),
        ({"cross_sell_count": {"rmse": 0.49}}, "cross_sell_count rmse 0.4900"),
        ({"churn_signal": {"auc": 0.7}, "cross_sell_count": {"rmse": 0.1}}, "cross_sell_count"),
    ],
)
def test_a_score_beyond_the_bound_fails_the_run_and_is_named(scores: Any, named: str) -> None:
    check = state_oracle_alarm(scores, ORACLE)
    assert not check.passed
    assert check.value is not None
    assert check.value > 0
    assert named in check.detail


def test_a_high_score_between_the_ceiling_and_its_upper_bound_is_no_alarm() -> None:
    assert state_oracle_alarm({"churn_signal": {"auc": 0.84}}, ORACLE).passed


def test_nothing_to_compare_is_not_a_pass() -> None:
    check = state_oracle_alarm({"next_mcc": {"auc": 0.99}, "churn_signal": {"auc": None}}, ORACLE)
    assert not check.passed
    assert check.value is None


def test_another_artefact_is_refused() -> None:
    with pytest.raises(ArtefactError, match="another kind"):
        state_oracle_alarm({}, {"kind": "detector_oracle", "tasks": {}})


def test_command_reads_the_scores_of_one_predictor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluation = {
        "tasks": {
            "churn_signal": {
                "metrics": {"auc": {"teacher": {"value": 0.9}, "majority": {"value": 0.5}}}
            }
        }
    }
    assert scores_of(evaluation, "majority") == {"churn_signal": {"auc": 0.5}}
    files = []
    for name, content in (("evaluation", evaluation), ("oracle", ORACLE)):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(content))
        files += [f"--{name}", str(path)]
    assert main(files) == 1
    assert "FAILED leakage.state_oracle" in capsys.readouterr().out
    assert main([*files, "--predictor", "majority"]) == 0

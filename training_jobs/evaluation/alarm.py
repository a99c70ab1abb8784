"""The state-oracle alarm: a score that no honest model can reach has seen the label.

`python -m training_jobs.evaluation.alarm --evaluation evaluation.json --oracle oracle.json` holds
what a run scored on test against what one who knows the latent state could score. The oracle is an
input of the evaluation alone: nothing that fits or predicts reads it.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from configs.contracts.artefacts import Check
from configs.errors import ArtefactError

CHECK_NAME = "leakage.state_oracle"

Scores = Mapping[str, Mapping[str, float | None]]
"""Task -> metric -> value on test; None where a metric is undefined."""


def _beyond(value: float, ceiling: Mapping[str, Any]) -> float:
    """Return by how much a score is better than the far end of the ceiling's interval."""
    if ceiling["better"] == "higher":
        return value - float(ceiling["high"])
    return float(ceiling["low"]) - value


def state_oracle_alarm(scores: Scores, oracle: Mapping[str, Any]) -> Check:
    """Return a blocking check that fails when any score is above the state oracle's upper bound.

    Args:
        scores: what a predictor scored on test.
        oracle: content of `oracle.json`.

    Returns:
        The check; its value is the largest excess over a bound, so it is at most 0 when it passes,
        and None, which fails, when no score has a ceiling to be held against.

    Raises:
        ArtefactError: `oracle` is not the artefact of the state oracle.
    """
    if oracle.get("kind") != "state_oracle":
        raise ArtefactError(
            "the oracle's artefact has another kind",
            remedy="make it with python -m training_jobs.data.synthetic.oracle",
        )
    excess: dict[str, float] = {}
    for task, metrics in scores.items():
        ceilings = oracle["tasks"].get(task, {}).get("metrics", {})
        for metric, value in metrics.items():
            if value is not None and metric in ceilings:
                excess[f"{task} {metric} {value:.4f}"] = _beyond(value, ceilings[metric])
    over = sorted(name for name, amount in excess.items() if amount > 0)
    verdict = f"too good to be true: {', '.join(over)}" if over else "none is above its bound"
    return Check(
        name=CHECK_NAME,
        passed=bool(excess) and not over,
        blocking=True,
        value=max(excess.values(), default=None),
        bound="<= 0",
        detail=f"{len(excess)} scores held against {oracle['paths']} forward paths; {verdict}",
    )


def scores_of(evaluation: Mapping[str, Any], predictor: str) -> dict[str, dict[str, float | None]]:
    """Return the test scores of one predictor in the content of `evaluation.json`."""
    return {
        name: {
            metric: by_name[predictor]["value"]
            for metric, by_name in task["metrics"].items()
            if predictor in by_name
        }
        for name, task in evaluation["tasks"].items()
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns 1 when the alarm goes off."""
    parser = argparse.ArgumentParser(
        prog="python -m training_jobs.evaluation.alarm", description=__doc__
    )
    parser.add_argument("--evaluation", type=Path, required=True, help="evaluation.json of a run")
    parser.add_argument("--oracle", type=Path, required=True, help="oracle.json of the same bank")
    parser.add_argument("--predictor", default="teacher")
    given = parser.parse_args(arguments)
    evaluation = json.loads(given.evaluation.read_text())
    check = state_oracle_alarm(
        scores_of(evaluation, given.predictor), json.loads(given.oracle.read_text())
    )
    print(f"{'passed' if check.passed else 'FAILED'} {check.name}: {check.detail}")
    return 0 if check.passed else 1


if __name__ == "__main__":
    sys.exit(main())

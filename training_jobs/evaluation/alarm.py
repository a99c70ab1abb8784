"""The state-oracle alarm: a score that no honest model can reach has seen the label.

Of a simulated bank it is known what one who knows the latent state could score. The ceilings are
an input of the evaluation alone: nothing that fits or predicts is given them.
"""

from collections.abc import Mapping

from configs.contracts.artefacts import Check
from configs.settings.state_oracle import Ceiling, DeliveredOracle
from training_jobs.evaluation.judge import Judgement
from training_jobs.ple.tasks import MULTICLASS, TaskSpec

CHECK_NAME = "leakage.state_oracle"
Ceilings = Mapping[str, Mapping[str, Ceiling]]
"""Task -> metric -> ceiling."""


def comparable(
    delivered: DeliveredOracle | None, tasks: tuple[TaskSpec, ...]
) -> dict[str, dict[str, Ceiling]]:
    """Return task -> metric -> ceiling where the task asks what the oracle was asked.

    Classes that a small bank has too few rows of are merged, which is another, easier question.
    """
    if delivered is None:
        return {}
    found = {}
    for task in tasks:
        ceilings = delivered.ceilings.tasks.get(task.name)
        classes = len(task.classes) if task.type == MULTICLASS else None
        if ceilings is not None and ceilings.classes == classes:
            found[task.name] = ceilings.metrics
    return found


def _beyond(value: float, ceiling: Ceiling) -> float:
    """Return by how much a score is better than the far end of the ceiling's interval."""
    return value - ceiling.high if ceiling.better == "higher" else ceiling.low - value


def _check(over: int | None, detail: str) -> Check:
    return Check(CHECK_NAME, over == 0, True, None if over is None else float(over), "0", detail)


def state_oracle_alarm(
    delivered: DeliveredOracle | None,
    *,
    simulated: bool,
    data_hash: str,
    ceilings: Ceilings,
    judgements: Mapping[str, Judgement],
) -> Check:
    """Return a blocking check that fails when any score is above the state oracle's upper bound.

    Every predictor is held against it, not the teacher alone: a label that leaked into a feature
    is found by gradient boosting first.

    Args:
        delivered: the ceilings as submitted, None where none were.
        simulated: whether the data set comes out of the simulation; then they are demanded.
        data_hash: of the run's data.
        ceilings: those that can be compared.
        judgements: task -> scores on test.

    Returns:
        The check; its value is the number of scores above their bound. It has no value, and fails,
        when ceilings are demanded and missing, are of other data, or meet no score. Of real data
        nobody knows a ceiling, so that no score is above one.
    """
    if delivered is None:
        if simulated:
            return _check(None, "a simulated bank without its oracle: submit it with one")
        return _check(0, "of real data no ceiling is known; the bounds of the leak alarm hold")
    if delivered.data_hash != data_hash:
        return _check(None, f"the oracle is of data {delivered.data_hash}, not of {data_hash}")
    excess = {
        f"{name} on {task}, {metric} {estimate.value:.4f}": _beyond(estimate.value, ceiling)
        for task, metrics in sorted(ceilings.items())
        for metric, ceiling in sorted(metrics.items())
        for name, estimate in sorted(judgements[task].metrics.get(metric, {}).items())
        if estimate.value is not None
    }
    if not excess:
        return _check(None, "no score could be held against a ceiling")
    over = [name for name, amount in excess.items() if amount > 0]
    verdict = (
        f"too good to be true: {'; '.join(over)}"
        if over
        else f"closest to its bound: {max(excess, key=lambda name: excess[name])}"
    )
    return _check(
        len(over),
        f"{len(excess)} scores on {len(ceilings)} tasks held against "
        f"{delivered.ceilings.paths} forward paths; {verdict}",
    )

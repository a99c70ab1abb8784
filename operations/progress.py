"""How far a run is and how long it may still take, from how long its stages took before."""

import json
import time
from collections.abc import Mapping
from pathlib import Path

from configs.contracts.stages import Stage
from operations.follow import Standing, Step


def stage_of(state: str) -> Stage | None:
    """Return the stage whose job a state runs (`Run <stage>`), None for every other state."""
    prefix, _, name = state.partition(" ")
    if prefix != "Run":
        return None
    return next((stage for stage in Stage if stage.value == name), None)


def stage_seconds(steps: tuple[Step, ...], *, until: float) -> dict[str, float]:
    """Return seconds by stage whose job has been entered; the last one lasts `until`."""
    seconds: dict[str, float] = {}
    left_at = [step.at for step in steps[1:]] + [until]
    for step, left in zip(steps, left_at, strict=False):
        if stage := stage_of(step.state):
            seconds[stage] = seconds.get(stage, 0.0) + left - step.at
    return seconds


class Durations:
    """Expected seconds by stage, learned from finished runs.

    Args:
        path: JSON file that keeps them between runs; absent at first.
        defaults: expected seconds by stage where nothing was learned yet.
    """

    def __init__(self, path: Path, defaults: Mapping[str, float]) -> None:
        self._path = path
        known = json.loads(path.read_text()) if path.is_file() else {}
        self.expected: dict[str, float] = {**defaults, **known}

    def learn(self, steps: tuple[Step, ...], *, until: float) -> None:
        """Keep how long each stage took in a run that succeeded."""
        self.expected.update(stage_seconds(steps, until=until))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_suffix(".tmp")
        temporary.write_text(json.dumps(self.expected, indent=1, sort_keys=True))
        temporary.replace(self._path)

    def remaining(self, standing: Standing) -> float:
        """Return expected seconds until the last job is done: jobs entered count by what is left.

        Stages that were skipped in this run are told by a later stage having been entered.
        """
        spent = stage_seconds(standing.steps, until=time.time())
        order = [stage.value for stage in Stage]
        reached = [order.index(name) for name in _reached(standing.steps)]
        current = max(reached, default=-1)
        left = sum(self.expected.get(name, 0.0) for name in order[current + 1 :])
        if current >= 0:
            name = order[current]
            left += max(self.expected.get(name, 0.0) - spent.get(name, 0.0), 0.0)
        return left


def _reached(steps: tuple[Step, ...]) -> list[str]:
    names = {stage.value for stage in Stage}
    return [word for step in steps for word in [step.state.partition(" ")[2]] if word in names]

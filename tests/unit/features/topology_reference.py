"""Plain Python beside which the topological features are held: slow, short and obvious."""

import math
from collections.abc import Sequence

Interval = tuple[float, float]


def _valleys(values: Sequence[float]) -> list[Interval]:
    """Return (floor, peak at which it joins a deeper valley) of all valleys but the deepest."""
    floor: dict[int, float] = {}
    parent: dict[int, int] = {}

    def root(place: int) -> int:
        while parent[place] != place:
            place = parent[place]
        return place

    pairs = []
    for place in sorted(range(len(values)), key=lambda index: values[index]):
        parent[place], floor[place] = place, values[place]
        for beside in (place - 1, place + 1):
            if beside not in parent:
                continue
            deep, shallow = sorted((root(place), root(beside)), key=lambda index: floor[index])
            if deep == shallow:
                continue
            if values[place] > floor[shallow]:
                pairs.append((floor[shallow], values[place]))
            parent[shallow] = deep
    return pairs


def line_intervals(values: Sequence[float]) -> list[Interval]:
    """Return the sub- and superlevel pairs as (valley, peak), sorted."""
    peaks = [(-death, -birth) for birth, death in _valleys([-value for value in values])]
    return sorted(_valleys(values) + peaks)


def eight(pairs: Sequence[Interval]) -> list[float]:
    """Return the eight statistics of a diagram."""
    if not pairs:
        return [0.0] * 6 + [math.nan, math.nan]
    lifetimes = [death - birth for birth, death in pairs]
    count, total = len(pairs), math.fsum(lifetimes)
    mean = total / count
    return [
        count,
        mean,
        max(lifetimes),
        math.sqrt(math.fsum((one - mean) ** 2 for one in lifetimes) / count),
        -math.fsum(one / total * math.log(one / total) for one in lifetimes),
        total,
        math.fsum(birth for birth, _ in pairs) / count,
        math.fsum(death for _, death in pairs) / count,
    ]

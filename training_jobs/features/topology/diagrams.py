"""The two diagrams of each customer and window, computed once for a view."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from configs.settings.generators.topology import Topology
from training_jobs.features.cut import CutView
from training_jobs.features.errors import FeatureError
from training_jobs.features.generator import Bank
from training_jobs.features.topology.embedding import event_clouds
from training_jobs.features.topology.homology import Pairs, line_pairs, loop_pairs
from training_jobs.features.topology.purchases import Levels, purchases
from training_jobs.features.topology.spending import daily_spending


@dataclass(frozen=True)
class Diagrams:
    """Diagrams of the n customers of a view.

    Attributes:
        observed: [n] whether there are purchases enough; others have no pairs.
        swings: dimension 0, of the standardised daily spending.
        loops: dimension 1, of the delay embedding of the purchases in event time.
    """

    observed: NDArray[np.bool_]
    swings: Pairs
    loops: Pairs


def check_months(months: int, bank: Bank) -> None:
    """Raise FeatureError where the window is longer than the history of a view."""
    if months > bank.lookback_months:
        raise FeatureError(
            f"a topological window of {months} months, but views hold {bank.lookback_months}",
            remedy="shorten `months` in feature_groups.yaml or lengthen the look-back",
        )


def window_diagrams(view: CutView, *, months: int, topology: Topology, levels: Levels) -> Diagrams:
    """Return the diagrams of the last `months` calendar months; a view makes them once."""
    key = (Diagrams, months, topology, levels)
    return view.once(key, lambda: _diagrams(view, months, topology, levels))


def _diagrams(view: CutView, months: int, topology: Topology, levels: Levels) -> Diagrams:
    bought = purchases(view, months=months, topology=topology, levels=levels)
    observed = bought.counts >= topology.least_events
    rows = np.flatnonzero(observed)
    blocks = [
        rows[start : start + topology.block_customers]
        for start in range(0, len(rows), topology.block_customers)
    ]
    swings = [
        line_pairs(
            daily_spending(view, block, months=months, topology=topology),
            block,
            least=topology.least_lifetime,
        )
        for block in blocks
    ]
    loops = [
        loop_pairs(
            event_clouds(bought, block, topology),
            block,
            least=topology.least_lifetime,
            threads=view.threads,
        )
        for block in blocks
    ]
    return Diagrams(observed, _join(swings), _join(loops))


def _join(parts: list[Pairs]) -> Pairs:
    return Pairs(
        np.concatenate([np.zeros(0, np.int64), *(part.row for part in parts)]),
        np.concatenate([np.zeros(0, np.float32), *(part.birth for part in parts)]),
        np.concatenate([np.zeros(0, np.float32), *(part.death for part in parts)]),
    )

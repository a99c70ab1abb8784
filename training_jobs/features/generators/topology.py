"""Groups 5 and 6: persistent homology of what the customer spends, over a year and a quarter."""

import numpy as np

from configs.settings.generators.topology import TdaParameters
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Bank, Column, Fitted, FloatArray, Generator
from training_jobs.features.registry import GENERATORS
from training_jobs.features.topology.diagrams import check_months, window_diagrams
from training_jobs.features.topology.purchases import Levels, learn_levels
from training_jobs.features.topology.statistics import STATISTICS, statistics


@GENERATORS.register("tda")
class Tda(Generator[TdaParameters]):
    """Eight statistics of each of two diagrams of one window.

    *Swings* are the 0-dimensional sub- and superlevel pairs of the standardised daily spending:
    one for every rise and fall between a valley and a peak, its lifetime their height. *Loops* are
    the 1-dimensional Vietoris-Rips pairs of the delay embedding of the purchases in event time:
    amounts that come round in a steady rhythm lie on a closed curve, whose loop lives long.

    A customer with under `least_events` purchases in the window has all 16 missing. There is no
    column for that flag: the group's 16 columns are missing together or not at all but for the
    births and deaths of an empty diagram, so the mask of `swing_count` is the flag.
    """

    def __init__(self, parameters: TdaParameters, bank: Bank) -> None:
        super().__init__(parameters, bank)
        check_months(parameters.months, bank)

    def fit(self, view: CutView) -> Fitted:
        """Learn what a category usually costs."""
        return learn_levels(view, self.parameters.topology)

    def columns(self, fitted: Fitted) -> tuple[Column, ...]:
        """Declare 8 columns of swings, then 8 of loops."""
        del fitted
        return tuple(
            Column(f"{kind}_{statistic}_{self.parameters.months}m")
            for kind in ("swing", "loop")
            for statistic in STATISTICS
        )

    def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
        """Return shape (view.rows, 16)."""
        made = window_diagrams(
            view,
            months=self.parameters.months,
            topology=self.parameters.topology,
            levels=Levels.of(fitted),
        )
        values = np.hstack([statistics(pairs, view.rows) for pairs in (made.swings, made.loops)])
        values[~made.observed] = np.nan
        return values.astype(np.float32)

"""Signs that a customer's regime is changing, or has changed; off by default.

Sources: Scheffer et al., Early-warning signals for critical transitions (2009) and Dakos et al.
(2012): rising variance and lag-1 autocorrelation of the detrended series in a rolling window, the
rise being Kendall's tau with time; Guttal and Jayaprakash (2008), skewness; the SAS definition of
the bimodality coefficient, for two alternative states; Page (1954) and Ploberger and Kramer (1992),
the cumulative-sum statistic of a change point.
"""

import numpy as np

from configs.settings.generators.own_history import PhaseTransitionParameters
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Column, Fitted, FixedGenerator, FloatArray
from training_jobs.features.generators.own_series import (
    DAYS_A_WEEK,
    Floats,
    Ints,
    Mask,
    deviations,
    known_days,
    known_months,
    last,
    monthly,
    ratio,
    total,
)
from training_jobs.features.registry import GENERATORS

COLUMNS = (
    Column("variance_rise"),
    Column("autocorrelation_rise"),
    Column("activity_skewness"),
    Column("activity_bimodality"),
    Column("spend_change_statistic"),
    Column("months_since_spend_change"),
    Column("spend_level_shift"),
)


@GENERATORS.register("phase_transition")
class PhaseTransition(FixedGenerator[PhaseTransitionParameters]):
    """Four signs in the days active a week, three of a change of level in monthly spending."""

    declared = COLUMNS

    def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
        """Return shape (view.rows, 7)."""
        del fitted
        weeks = self._active_days(view)
        whole = known_days(view) >= DAYS_A_WEEK * self.parameters.weeks
        columns = [
            *self._rises(weeks, whole),
            *_moments(weeks, whole),
            *self._change_point(view),
        ]
        return np.column_stack(columns).astype(np.float32)

    def _active_days(self, view: CutView) -> Ints:
        """Return [weeks, n] days with an event, 0..7, oldest week first."""
        events, weeks = view.events, self.parameters.weeks
        kept = events.back < DAYS_A_WEEK * weeks
        active = np.zeros((DAYS_A_WEEK * weeks, view.rows), np.int64)
        active[DAYS_A_WEEK * weeks - 1 - events.back[kept], events.row[kept]] = 1
        return np.asarray(active.reshape(weeks, DAYS_A_WEEK, view.rows).sum(axis=1), np.int64)

    def _rises(self, weeks: Ints, whole: Mask) -> tuple[Floats, Floats]:
        """Return Kendall's tau with time of variance and lag-1 autocorrelation in the window.

        The straight line through the series is taken off first, in whole numbers: at most 7 days a
        week keep every sum exact, so that equal windows are ties and not rounding.
        """
        size = self.parameters.window_weeks
        rest = _detrended(weeks)
        variances, correlations = [], []
        for start in range(len(rest) - size + 1):
            window = rest[start : start + size]
            added = window.sum(axis=0)
            variances.append(size * (window**2).sum(axis=0) - added**2)
            off = (size * window - added).astype(np.float64)
            power = total(off * off)
            lagged = total(off[1:] * off[:-1])
            correlations.append(ratio(lagged, power, power > 0))
        return (
            _tau(np.array(variances, np.float64), whole & (weeks.sum(axis=0) > 0)),
            _tau(np.array(correlations), whole & (weeks.sum(axis=0) > 0)),
        )

    def _change_point(self, view: CutView) -> tuple[Floats, Floats, Floats]:
        """Return the statistic, the months since the change, and the relative shift of the level.

        The statistic is max over k of |sum of the first k deviations| / (sd x sqrt(months)); the
        change lies after the k of the maximum, the latest of equal ones. The shift is (mean after -
        mean before) / (mean after + mean before), from -1 to 1.
        """
        months = self.bank.lookback_months
        spent = monthly(view, months, view.events.amount, view.events.debit)
        known = known_months(view, months)
        within = last(known, months)
        off = deviations(spent, within)
        sd = np.sqrt(total(off * off) / np.maximum(known, 1))
        enough = (known >= self.parameters.least_months) & (sd > 0)
        best, place = np.zeros(view.rows), np.zeros(view.rows, np.int64)
        walked = np.zeros(view.rows)
        for step in range(months - 1):
            walked = walked + off[step]
            higher = (np.abs(walked) >= best) & within[step]
            best = np.where(higher, np.abs(walked), best)
            place = np.where(higher, step, place)
        after = np.arange(months)[:, None] > place
        kept = np.where(within, spent, 0)
        since = (months - 1 - place).astype(np.float64)
        late = (kept * after).sum(axis=0) / np.maximum(since, 1)
        early = (kept * ~after).sum(axis=0) / np.maximum(known - since, 1)
        return (
            ratio(best, sd * np.sqrt(known), enough),
            np.where(enough, since, np.nan),
            ratio(late - early, late + early, enough),
        )


def _detrended(series: Ints) -> Ints:
    """Return [T, n] a common multiple of the series less its least-squares line, exact."""
    length = len(series)
    time = 2 * np.arange(length) - (length - 1)
    squares = int((time**2).sum())
    slope = (time[:, None] * series).sum(axis=0)
    scale = int(np.lcm(length, squares))
    level = series.sum(axis=0) * (scale // length)
    line = level + time[:, None] * slope * (scale // squares)
    return np.asarray(scale * series - line, np.int64)


def _tau(values: Floats, defined: Mask) -> Floats:
    """Kendall's tau-a of each column with time; missing where a value is."""
    rises = np.zeros(values.shape[1])
    for late in range(1, len(values)):
        for early in range(late):
            rises = rises + np.sign(values[late] - values[early])
    pairs = len(values) * (len(values) - 1) / 2
    return np.where(defined, rises / pairs, np.nan)


def _moments(weeks: Ints, whole: Mask) -> tuple[Floats, Floats]:
    """Return skewness g1 and the bimodality coefficient of the days active a week."""
    n = len(weeks)
    off = deviations(weeks, np.ones(weeks.shape, bool)) / n
    second, third, fourth = (total(off**power) / n for power in (2, 3, 4))
    defined = whole & (second > 0)
    skewness = ratio(third, second**1.5, defined)
    unbiased = skewness * np.sqrt(n * (n - 1)) / (n - 2)
    excess = ratio(fourth, second**2, defined) - 3
    excess = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * excess + 6)
    below = excess + 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))
    return skewness, ratio(unbiased**2 + 1, below, defined)

"""Temporal: which category follows which, beyond what the categories' frequencies explain."""

import numpy as np

from training_jobs.data.synthetic.lenses.base import Look, Matrix, side_by_side, table
from training_jobs.data.synthetic.lenses.observed import Observed
from training_jobs.data.synthetic.random import Floats, Ints

_HOUR = 3600
GAPS = (2 * _HOUR, 24 * _HOUR)
"""Longest time from one event to the next in the two transition tables, in seconds."""


def _transitions(observed: Observed, token: Ints, tokens: int, months: int, gap: int) -> Floats:
    """Return [n, tokens * (tokens - 1) / 2]: how much oftener a comes before b than b before a.

    The difference of the two orders of a pair has mean zero whatever the frequencies are, so
    counts cannot be read from it.
    """
    first, second = slice(None, -1), slice(1, None)
    follows = (observed.row[first] == observed.row[second]) & (observed.back[first] < months)
    follows &= observed.second[first] - observed.second[second] <= gap
    chosen = np.concatenate([follows, [False]])
    pair = np.concatenate([token[first] * tokens + token[second], [0]])
    counts = table(observed, chosen, pair, tokens * tokens).reshape(-1, tokens, tokens)
    upper = np.triu_indices(tokens, 1)
    order = counts - counts.transpose(0, 2, 1)
    pairs: Floats = order[:, upper[0], upper[1]]
    return pairs


def represent(observed: Observed, look: Look) -> Matrix:
    """Return order statistics of neighbouring categories over windows and gaps."""
    kept = look.parameters.vocabulary - 1
    frequency = np.bincount(observed.category, minlength=len(look.category_codes))
    place = np.full(len(frequency), kept)
    place[np.argsort(-frequency, kind="stable")[:kept]] = np.arange(kept)
    token = place[observed.category]
    parts = [
        _transitions(observed, token, kept + 1, months, gap)
        for months in look.parameters.months[2:4]
        for gap in GAPS
    ]
    return Matrix(side_by_side(parts))

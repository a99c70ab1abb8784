"""A customer's newest events, with their true gaps, run through the untrained closed-form cell."""

from datetime import date

import numpy as np

from configs.settings.generators.latent import ClosedForm
from training_jobs.features.history import EventHistory
from training_jobs.features.latent.arrays import Array, chunks
from training_jobs.features.latent.closed_form import Cell, step
from training_jobs.features.latent.scaling import Scale

AMOUNT = "amount"
INPUTS = 4
"""Standardised log amount, direction (1 debit, -1 credit), sine and cosine of the hour."""
LANES = 512
"""Customers worked on at a time; no value depends on it."""
DAY, HOURS = 86_400, 24
EPOCH = date(1970, 1, 1)


def states(
    events: EventHistory, as_of: date, *, cell: Cell, scale: Scale, settings: ClosedForm
) -> Array:
    """Return the states at the end of `as_of`, (units, n); NaN without events.

    Each event moves the state by the time since the one before it; a last step without input lets
    the time from the newest event to the end of `as_of` pass.

    Args:
        events: of the view.
        as_of: its date.
        cell: the weights.
        scale: of the amounts.
        settings: number of events, unit of time.
    """
    inputs = _inputs(events, scale)
    gaps = np.zeros(len(events.row))
    gaps[1:] = np.diff(events.second) / (DAY * settings.days)
    gaps[events.offsets[:-1][events.counts > 0]] = 0.0
    end = ((as_of - EPOCH).days + 1) * DAY
    made = np.full((settings.units, len(events.counts)), np.nan)
    for lanes in chunks(len(events.counts), LANES):
        counts, after = events.counts[lanes], events.offsets[1:][lanes]
        state = np.zeros((settings.units, len(counts)))
        for ago in range(min(settings.events, int(counts.max(initial=0))) - 1, -1, -1):
            has = counts > ago
            place = after[has] - 1 - ago
            state[:, has] = step(cell, state[:, has], inputs[:, place], gaps[place])
        some = counts > 0
        idle = (end - events.second[after[some] - 1]) / (DAY * settings.days)
        made[:, lanes][:, some] = step(cell, state[:, some], np.zeros((INPUTS, len(idle))), idle)
    return made


def _inputs(events: EventHistory, scale: Scale) -> Array:
    if AMOUNT in scale.names:
        amount = scale.apply(0, events.amount.astype(np.float64))
    else:
        amount = np.zeros(len(events.amount))
    angle = events.hour * (2 * np.pi / HOURS)
    return np.stack([amount, np.where(events.debit, 1.0, -1.0), np.sin(angle), np.cos(angle)])

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
    end = ((as_of - EPOCH).days + 1) * DAY
    made = np.full((settings.units, len(events.counts)), np.nan)
    for lanes in chunks(len(events.counts), LANES):
        counts, after = events.counts[lanes], events.offsets[1:][lanes]
        span = slice(events.offsets[lanes.start], after[-1])
        inputs, after = _inputs(events, span, scale), after - span.start
        second = events.second[span]
        # The gap of a customer's first event would be to another customer: it is set to none.
        gaps = np.diff(second, prepend=second[:1]) / (DAY * settings.days)
        gaps[(after - counts)[counts > 0]] = 0.0
        state = np.zeros((settings.units, len(counts)))
        for ago in range(min(settings.events, int(counts.max(initial=0))) - 1, -1, -1):
            has = counts > ago
            place = after[has] - 1 - ago
            state[:, has] = step(cell, state[:, has], inputs[:, place], gaps[place])
        some = counts > 0
        idle = (end - second[after[some] - 1]) / (DAY * settings.days)
        made[:, lanes][:, some] = step(cell, state[:, some], np.zeros((INPUTS, len(idle))), idle)
    return made


def _inputs(events: EventHistory, span: slice, scale: Scale) -> Array:
    """Return the inputs of some events, (4, events); the amount is 0 where amounts never vary."""
    amount = events.amount[span].astype(np.float64)
    scaled = scale.apply(0, amount) if AMOUNT in scale.names else np.zeros(len(amount))
    angle = events.hour[span] * (2 * np.pi / HOURS)
    direction = np.where(events.debit[span], 1.0, -1.0)
    return np.stack([scaled, direction, np.sin(angle), np.cos(angle)])

"""The learning rate as a pure function of the step: nothing to save, nothing to resume."""

import math


def rate_at(
    step: int, *, total: int, peak: float, warmup_share: float, final_share: float
) -> float:
    """Return the rate of step `step` (0-based): linear warm-up, then a cosine down.

    Args:
        step: 0 <= step < total.
        total: steps of the whole training.
        peak: largest rate.
        warmup_share: share of the steps in which the rate rises.
        final_share: rate at the end, as a share of the peak.
    """
    warmup = round(total * warmup_share)
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = (step - warmup) / max(1, total - warmup)
    return peak * (final_share + (1 - final_share) * 0.5 * (1 + math.cos(math.pi * progress)))

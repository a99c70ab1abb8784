"""Label rates by month as text for a person."""

from typing import Any


def rates_by_month(tasks: list[dict[str, Any]]) -> list[str]:
    """Return lines with the label rate of every task at every `as_of` of every split.

    Binary and regression: the mean label. Classes: the share of the largest.

    Args:
        tasks: entries of `tasks.json`.
    """
    at = [(split, as_of) for split, rates in tasks[0]["by_as_of"].items() for as_of in rates]
    head = "".join(f"{f'{split[:5]} {as_of[:7]}':>15}" for split, as_of in at)
    lines = [f"{'task by as_of':26}{head}"]
    for task in tasks:
        cells = []
        for split, as_of in at:
            counts = task["by_as_of"][split][as_of]
            mean = counts["mean"]
            if counts["classes"] and counts["rows"]:
                mean = max(counts["classes"]) / counts["rows"]
            cells.append(f"{mean:15.4f}" if mean is not None else f"{'':15}")
        lines.append(f"{task['name']:26}{''.join(cells)}".rstrip())
    return lines

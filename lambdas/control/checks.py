"""Judging `checks.json`: passes only what was measured and passed."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lambdas.control.errors import GateRejected

FIELDS = frozenset({"name", "passed", "blocking"})


def _measured(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def judge(stage: str, document: Mapping[str, Any], *, required: Sequence[str]) -> dict[str, int]:
    """Return counts of a stage's checks when no blocking one failed.

    Args:
        required: checks that must be there and are blocking whatever the document says.

    Raises:
        GateRejected: a blocking check is missing or did not pass, or the document holds no
            readable check.
    """
    rows = document.get("checks")
    if not isinstance(rows, list) or not rows:
        raise GateRejected(f"{stage} left no checks", remedy="run the stage again")
    if not all(isinstance(row, Mapping) and set(row) >= FIELDS for row in rows):
        raise GateRejected(f"{stage}: a check cannot be read", remedy="run the stage again")
    names = {row["name"] for row in rows if isinstance(row["name"], str)}
    failed = [f"{name}: was not made" for name in required if name not in names]
    warned = 0
    for row in rows:
        if row["passed"] is True and _measured(row.get("value")):
            continue
        if row["blocking"] is False and row["name"] not in required:
            warned += 1
        else:
            failed.append(
                f"{row['name']}: {row.get('value')} (wanted {row.get('bound')}); "
                f"{row.get('detail', '')}"
            )
    if failed:
        raise GateRejected(
            f"{stage}: {len(failed)} blocking check(s) failed: " + " | ".join(failed),
            remedy="see the run's checks.json; mend data or settings, never the bound",
        )
    return {"checks": len(rows), "warnings": warned}

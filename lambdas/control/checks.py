"""Judging `checks.json`: passes only what was measured and passed."""

from collections.abc import Mapping
from typing import Any

from lambdas.control.errors import GateRejected


def judge(stage: str, document: Mapping[str, Any]) -> dict[str, int]:
    """Return counts of a stage's checks when no blocking one failed.

    Raises:
        GateRejected: a blocking check did not pass, or the document holds no readable check.
    """
    rows = document.get("checks")
    if not isinstance(rows, list) or not rows:
        raise GateRejected(f"{stage} left no checks", remedy="run the stage again")
    failed, warned = [], 0
    for row in rows:
        if not isinstance(row, Mapping) or not {"name", "passed", "blocking"} <= set(row):
            raise GateRejected(f"{stage}: a check cannot be read", remedy="run the stage again")
        if row["passed"] is True and row.get("value") is not None:
            continue
        if row["blocking"] is False:
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

"""Hours, days and months are counted on the stamps as they stand, wherever the job runs."""

import time
from pathlib import Path

import pytest

from tests.unit.features import features_bank as bank
from training_jobs.features.model import Clock


def test_the_zone_of_the_machine_changes_no_value(
    tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    for zone in ("UTC", "Pacific/Kiritimati", "America/Los_Angeles"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        try:
            model = bank.fitted(tables, bank.few_groups(tensors=True))
            with bank.view_of(tables, bank.CUTOFF) as view:
                values = model.values(view, {}, Clock()).tobytes()
                lists = model.lists(view, {}, Clock())["events"]
                made.append((values, [array.to_pylist() for array in lists]))
        finally:
            monkeypatch.undo()
            time.tzset()
    assert made[0] == made[1] == made[2]
    assert any(hours for hours in made[0][1][-1])

"""Time zones: canonical stamps are the bank's wall clock, whatever the machine's."""

import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from configs.settings.dataset import DatasetSettings
from tests.unit.data.tiny import Bank, convert_bank, plain_bank, settings

TURNED = """CAST("at" AS TIMESTAMP) AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Madrid' AS ts"""
PLAIN = '"at" AS ts'


def _dataset(zone: str, sql: str = PLAIN) -> DatasetSettings:
    raw = settings().model_dump(mode="json")
    query = raw["tables"]["transactions"]["sql"]
    assert PLAIN in query
    raw["tables"]["transactions"]["sql"] = query.replace(PLAIN, sql)
    return DatasetSettings.model_validate(raw | {"time_zone": zone})


def _bank(*stamps: str) -> Bank:
    bank = plain_bank()
    bank.events += [("anna", stamp, 1, "debit", "rent") for stamp in stamps]
    return bank


def _stamps(preflight: Path) -> list[str]:
    table = pq.read_table(preflight / "tables" / "transactions")
    return sorted(str(row["ts"]) for row in table.to_pylist() if row["category"] == "rent")


@pytest.mark.parametrize(
    ("utc", "local"),
    [
        # Summer time ends: the hour from two to three occurs twice and is told by the clock alone.
        ("2023-10-29 00:30:00", "2023-10-29 02:30:00"),
        ("2023-10-29 01:30:00", "2023-10-29 02:30:00"),
        ("2023-10-29 02:00:00", "2023-10-29 03:00:00"),
        # It begins: the hour from two to three does not exist.
        ("2024-03-31 00:59:59", "2024-03-31 01:59:59"),
        ("2024-03-31 01:00:00", "2024-03-31 03:00:00"),
        # Midnight of the zone: into and out of the leap day, into another month.
        ("2024-02-28 22:59:59", "2024-02-28 23:59:59"),
        ("2024-02-28 23:00:00", "2024-02-29 00:00:00"),
        ("2024-02-29 22:59:59", "2024-02-29 23:59:59"),
        ("2024-02-29 23:00:00", "2024-03-01 00:00:00"),
    ],
)
def test_stamps_of_another_zone_are_turned_by_the_sql(tmp_path: Path, utc: str, local: str) -> None:
    preflight = convert_bank(_bank(utc), tmp_path, _dataset("Europe/Madrid", TURNED))
    assert _stamps(preflight) == [local]


def test_stamps_without_a_zone_are_local_as_they_stand(tmp_path: Path) -> None:
    """Even an hour that the zone's clock never showed: it is what the bank wrote down."""
    stamps = ["2024-02-29 23:59:59", "2024-03-31 02:30:00"]
    for zone in ("Europe/Madrid", "Asia/Seoul", "Pacific/Kiritimati", "UTC"):
        folder = tmp_path / zone.replace("/", "-")
        folder.mkdir()
        assert _stamps(convert_bank(_bank(*stamps), folder, _dataset(zone))) == stamps


def test_the_zone_of_the_machine_changes_no_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[dict[str, bytes]] = []
    for zone in ("UTC", "Pacific/Kiritimati", "America/Los_Angeles"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        try:
            folder = tmp_path / zone.replace("/", "-")
            folder.mkdir()
            bank = _bank("2024-02-29 23:00:00", "2023-12-31 23:30:00")
            preflight: Any = convert_bank(bank, folder, _dataset("Europe/Madrid", TURNED))
        finally:
            monkeypatch.undo()
            time.tzset()
        made.append({str(p.relative_to(preflight)): p.read_bytes() for p in preflight.rglob("*.*")})
    assert _stamps(preflight) == ["2024-01-01 00:30:00", "2024-03-01 00:00:00"]
    assert made[0] == made[1] == made[2]

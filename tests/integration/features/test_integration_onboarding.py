"""The onboarding guide is run as it stands: its files, its commands, the lines it shows."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from configs.settings.base import CONFIGS
from configs.settings.dataset import load_dataset
from tests.integration.features.guide import Command, File, steps
from training_jobs.data.canonical import convert


def test_every_command_prints_what_the_guide_shows(tmp_path: Path) -> None:
    commands = 0
    for step in steps():
        if isinstance(step, File):
            step.write(tmp_path)
            continue
        program, *arguments = step.line.split()
        assert program == "python"
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(CONFIGS.parent)},
            capture_output=True,
            text=True,
            check=False,
        )
        commands += 1
        assert done.stderr == ""
        assert done.returncode == int(any("violations" in line for line in step.shown))
        missing = step.differs(done.stdout)
        assert missing is None, f"{step.line}: {missing}\n\n{done.stdout}"
    assert commands == 2


def test_the_stamp_in_utc_is_another_month_in_the_banks_zone(tmp_path: Path) -> None:
    for step in steps():
        if isinstance(step, File) and not step.append:
            step.write(tmp_path)
    dataset = load_dataset(str(tmp_path / "corner.yaml"))
    faults, _ = convert(
        dataset, raw=tmp_path / "data", output=tmp_path / "out", progress=lambda *_: None
    )
    assert not faults
    rows = duckdb.execute(
        f"SELECT CAST(ts AS VARCHAR) FROM '{tmp_path}/out/tables/transactions/*.parquet' "
        "WHERE category = 'rent'"
    ).fetchall()
    assert rows == [("2024-02-01 01:30:00",)]


@pytest.mark.parametrize(
    ("shown", "printed", "wrong"),
    [
        (("a", "b"), "a\nb\n", None),
        (("a", "...", "c"), "a\nb\nb\nc\n", None),
        (("a", "..."), "a\nb\n", None),
        (("a",), "a\nb\n", "more is printed: b"),
        (("a", "c"), "a\nb\nc\n", "c"),
        (("...", "b", "a"), "a\nb\n", "a"),
    ],
)
def test_the_comparison_itself(shown: tuple[str, ...], printed: str, wrong: str | None) -> None:
    assert Command("", shown).differs(printed) == wrong

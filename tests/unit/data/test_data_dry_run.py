"""The dry run: every later stage in order on a few customers, failures named, nothing kept."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow.parquet as pq
import pytest

from configs.contracts.stages import STAGES, Stage
from configs.errors import DataContractError, SettingsError
from configs.settings.base import CONFIGS, load
from configs.settings.dry_run import DryRunSettings
from tests.unit.data.tiny import convert_bank, plain_bank, settings
from training_jobs import dry_run
from training_jobs.data.subsample import subsample
from training_jobs.runtime import Interrupted, JobContext

Main = Callable[[JobContext], None]


def _crowd(folder: Path, customers: int = 30) -> Path:
    bank = plain_bank()
    for number in range(customers):
        bank.add(f"c{number}", events=[("2023-12-24 18:00:00", "play")])
    bank.add("late", joined="2023-12-01")
    return convert_bank(bank, folder, settings(shards=3))


def _context(preflight: Path, output: Path, **changes: Any) -> JobContext:
    output.mkdir()
    sections: dict[str, Any] = {name: {"level": 1} for name in STAGES[Stage.DRY_RUN].sections}
    sections["dataset"] = settings(shards=3).model_dump(mode="json")
    sections["distillation"] = {"groups": {"b": ["*"], "a": ["*"]}, "rounds": 100}
    sections["dry_run"] = {"customers": 7, "overrides": {"distillation.rounds": 2}} | changes
    identity = {"run_id": "r", "stage_key": "k", "code_version": "c", "data_hash": "d"}
    return JobContext(Stage.DRY_RUN, {"preflight": preflight}, output, None, sections, identity)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str | None]]:
    """Stand-ins for the later jobs; each checks what it is given and leaves one file."""
    seen: list[tuple[str, str | None]] = []

    def stand_in(stage: Stage) -> Main:
        def main(context: JobContext) -> None:
            contract = STAGES[stage]
            assert context.stage is stage
            assert set(context.settings) == set(contract.sections)
            assert list(context.inputs) == [channel.value for channel in contract.inputs]
            for channel, folder in context.inputs.items():
                found = list(folder.rglob("manifest.json" if channel != "preflight" else "*.json"))
                assert found, channel
            if "distillation" in context.settings:
                assert context.settings["distillation"]["rounds"] == 2
            seen.append((stage.value, context.identity.get("group")))
            context.progress(1, 1, "never shown")
            (context.output / "made.txt").write_text("x")

        return main

    for stage in dry_run.REHEARSED:
        module = ModuleType(f"training_jobs.{stage}")
        module.main = stand_in(stage)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, f"training_jobs.{stage}", module)
    return seen


def _fail(monkeypatch: pytest.MonkeyPatch, stage: Stage, error: Exception) -> None:
    def main(context: JobContext) -> None:
        raise error

    monkeypatch.setattr(sys.modules[f"training_jobs.{stage}"], "main", main)


def test_every_stage_is_rehearsed_in_order_with_its_own_slice(
    tmp_path: Path, calls: list[tuple[str, str | None]], capsys: pytest.CaptureFixture[str]
) -> None:
    context = _context(_crowd(tmp_path), tmp_path / "out")
    dry_run.main(context)
    assert calls == [
        ("mamba", None), ("phase0", None), ("teacher", None), ("evaluate", None), ("distill", "a"),
        ("distill", "b"), ("package", None),
    ]  # fmt: skip
    assert [path.name for path in context.output.iterdir()] == ["dry_run.json"]
    result = json.loads((context.output / "dry_run.json").read_text())
    assert result["customers"] == 7
    assert [stage["files"] for stage in result["stages"]] == [1] * 7
    assert context.settings["distillation"]["rounds"] == 100
    out = capsys.readouterr().out
    assert "[progress] dry_run 7/7 rehearsed" in out
    assert "never shown" not in out


def test_rehearsal_covers_every_stage_that_follows_preflight_and_needs_no_run_facts() -> None:
    later = {stage for stage, contract in STAGES.items() if Stage.PREFLIGHT in contract.inputs}
    assert later - {Stage.DRY_RUN, Stage.REPORT} <= set(dry_run.REHEARSED)


def test_failing_stage_is_named_with_its_cause(
    tmp_path: Path, calls: list[tuple[str, str | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _fail(monkeypatch, Stage.DISTILL, RuntimeError("shape 3 is not 4"))
    context = _context(_crowd(tmp_path), tmp_path / "out")
    with pytest.raises(dry_run.DryRunError, match=r"stage distill \(group a\).*shape 3 is not 4"):
        dry_run.main(context)
    assert list(context.output.iterdir()) == []
    assert ("package", None) not in calls


def test_own_errors_keep_their_remedy_and_an_interruption_stays_one(
    tmp_path: Path, calls: list[tuple[str, str | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    preflight = _crowd(tmp_path)
    _fail(monkeypatch, Stage.TEACHER, DataContractError("too small", remedy="add rows"))
    with pytest.raises(dry_run.DryRunError, match="stage teacher: too small\n  remedy: add rows"):
        dry_run.main(_context(preflight, tmp_path / "a"))
    _fail(monkeypatch, Stage.TEACHER, Interrupted("stop", remedy="again"))
    with pytest.raises(Interrupted):
        dry_run.main(_context(preflight, tmp_path / "b"))


def test_a_stage_that_leaves_nothing_fails(
    tmp_path: Path, calls: list[tuple[str, str | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["training_jobs.phase0"], "main", lambda context: None)
    with pytest.raises(dry_run.DryRunError, match="stage phase0 left no output"):
        dry_run.main(_context(_crowd(tmp_path), tmp_path / "out"))


@pytest.mark.parametrize("key", ["teacher.speed", "nowhere.level", "teacher.level.deeper"])
def test_override_of_nothing_is_an_error(key: str) -> None:
    given = {"teacher": {"level": 1}}
    with pytest.raises(SettingsError, match=key):
        dry_run.lighten(given, {key: 2})
    assert dry_run.lighten(given, {"teacher.level": 2}) == {"teacher": {"level": 2}}
    assert given == {"teacher": {"level": 1}}


def test_shipped_overrides_name_keys_that_exist() -> None:
    from configs.settings.run import dump, load_run_settings

    for dataset in ("synthetic", "berka"):
        run = dump(load_run_settings(dataset))
        assert dry_run.lighten(run, run["dry_run"]["overrides"]) != run
    assert load(DryRunSettings, CONFIGS / "pipeline" / "dry_run.yaml").customers <= 500


def test_subsample_is_whole_customers_the_same_on_every_run(tmp_path: Path) -> None:
    preflight = _crowd(tmp_path)
    for name in ("a", "b"):
        count = subsample(preflight, tmp_path / name, dataset=settings(shards=3), customers=9)
        assert count == 9
    first, second = (
        {path.relative_to(tmp_path / n): path.read_bytes() for path in (tmp_path / n).rglob("*.*")}
        for n in ("a", "b")
    )
    assert first == second
    tables = tmp_path / "a" / "tables"
    chosen = set(pq.read_table(tables / "customers")["customer_id"].to_pylist())
    assert len(chosen) == 9
    assert "late" not in chosen
    months = pq.read_table(tables / "customer_months" / "part-00000.parquet")
    assert set(months["customer_id"].to_pylist()) == chosen
    assert months.num_rows == 9 * 15
    assert (tables / "products" / "part-00000.parquet").is_file()
    assert json.loads((tmp_path / "a" / "shards.json").read_text()) == {"shards": 1}
    assert subsample(preflight, tmp_path / "c", dataset=settings(shards=3), customers=999) == 32

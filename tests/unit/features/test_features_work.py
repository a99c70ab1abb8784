"""Shards as units of work: any host, any process, any try leaves the same bytes."""

from pathlib import Path
from typing import Any

import pytest

from configs.settings.features import FeaturesSettings
from tests.unit.features import features_bank as bank
from tests.unit.features.conftest import Clean
from training_jobs.features import fit_once as fit_module
from training_jobs.features import work as work_module
from training_jobs.features.errors import FeatureError
from training_jobs.features.run import make_features
from training_jobs.hosts import Share

KINDS = ("features", "events", "incidence")


def run(tables: Path, output: Path, settings: FeaturesSettings, share: Share) -> list[str]:
    """Run on a share of the shards; return what was told."""
    told: list[str] = []
    make_features(
        tables,
        output,
        dataset=bank.dataset(),
        settings=settings,
        progress=lambda done, total, what: told.append(what),
        share=share,
    )
    return told


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bank in four shards."""
    folder = tmp_path_factory.mktemp("four") / "tables"
    return bank.write_tables(folder, bank.standard(), shards=4)


def output_of(folder: Path) -> Path:
    """Return an output folder that holds the examples of four shards."""
    return bank.write_examples(folder, bank.standard(), shards=4)


@pytest.fixture(scope="module")
def alone(four: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one host and one process leave."""
    output = output_of(tmp_path_factory.mktemp("alone"))
    run(four, output, bank.few_groups(tensors=True), Share())
    return output


def test_hosts_together_leave_the_bytes_of_one(four: Path, alone: Path, tmp_path: Path) -> None:
    joined: dict[str, bytes] = {}
    for index in range(3):
        output = output_of(tmp_path / str(index))
        run(four, output, bank.few_groups(tensors=True), Share(index, 3))
        mine = contents(output)
        parts = {name for name in mine if name.startswith(KINDS)}
        numbers = {int(name.split("part-")[1][:5]) for name in parts}
        assert numbers == set(range(4)[index::3]), "a host makes its own shards and no other"
        for name, content in mine.items():
            assert joined.setdefault(name, content) == content, name
    assert joined == contents(alone)


def test_processes_side_by_side_leave_the_bytes_of_one(
    four: Path, alone: Path, tmp_path: Path
) -> None:
    raw = bank.few_groups(tensors=True).model_dump(mode="json")
    settings = FeaturesSettings.model_validate(raw | {"workers": 2, "parallel_customers": 1})
    output = output_of(tmp_path)
    run(four, output, settings, Share())
    assert contents(output) == contents(alone)


def test_a_second_try_makes_only_what_is_lost(
    four: Path, alone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = output_of(tmp_path)
    settings = bank.few_groups(tensors=True)
    run(four, output, settings, Share())
    (output / "events" / "part-00002.parquet").write_bytes(b"half a file")
    made: list[int] = []
    fits: list[Any] = []
    honest, fit = work_module.write_shard, fit_module.fit
    monkeypatch.setattr(
        work_module,
        "write_shard",
        lambda model, sources, shard, **given: (
            made.append(shard),
            honest(model, sources, shard, **given),
        )[1],
    )
    monkeypatch.setattr(fit_module, "fit", lambda *a, **k: (fits.append(a), fit(*a, **k))[1])
    told = run(four, output, settings, Share())
    assert made == [2]
    assert not fits
    assert sum("found from an earlier try" in what for what in told) == 3
    assert contents(output) == contents(alone)


@pytest.mark.parametrize("change", ["table", "setting", "code"])
def test_what_was_made_from_something_else_is_made_again(
    four: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    output = output_of(tmp_path / "output")
    settings = bank.few_groups()
    run(four, output, settings, Share())
    tables = four
    if change == "table":
        rows = bank.make_bank()
        rows.transactions.pop()
        tables = bank.write_tables(tmp_path / "tables", rows, shards=4)
    elif change == "setting":
        raw = settings.model_dump(mode="json")
        settings = FeaturesSettings.model_validate(raw | {"batch_customers": 7})
    else:
        monkeypatch.setattr(work_module, "version", lambda: "another")
    told = run(tables, output, settings, Share())
    found = sum("found from an earlier try" in what for what in told)
    assert found == (3 if change == "table" else 0), "a shard without a changed row is kept"


def test_a_crash_in_a_shard_leaves_the_others_and_no_half_file(
    four: Path, alone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = output_of(tmp_path)
    settings = bank.few_groups(tensors=True)
    honest = work_module.write_shard

    def crash(model: Any, sources: Any, shard: int, **given: Any) -> int:
        if shard == 2:
            raise KeyboardInterrupt
        return honest(model, sources, shard, **given)

    monkeypatch.setattr(work_module, "write_shard", crash)
    with pytest.raises(KeyboardInterrupt):
        run(four, output, settings, Share())
    assert not (output / "done" / "part-00002.json").exists()
    monkeypatch.undo()
    told = run(four, output, settings, Share())
    assert sum("found from an earlier try" in what for what in told) == 2
    assert contents(output) == contents(alone)


def test_a_process_that_needs_too_much_memory_ends_the_run(four: Path, tmp_path: Path) -> None:
    raw = bank.few_groups().model_dump(mode="json")
    settings = FeaturesSettings.model_validate(raw | {"process_memory": "16MB"})
    with pytest.raises(FeatureError, match=r"needed .* GB, process_memory allows 16MB"):
        run(four, output_of(tmp_path), settings, Share())


def test_a_clean_run_has_a_marker_for_every_shard(clean: Clean) -> None:
    names = {path.name for path in (clean.output / "done").iterdir()}
    assert names == {"fitted.json", "part-00000.json", "part-00001.json"}

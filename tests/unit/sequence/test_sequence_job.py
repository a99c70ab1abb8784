"""The Mamba stage leaves what Phase 0 takes, says what it ran on, and refuses what it cannot do."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from configs.contracts.stages import STAGES, Stage
from configs.errors import ArtefactError, SettingsError
from configs.settings.mamba import MambaSettings
from configs.settings.run import dump, load_run_settings
from tests.unit.features import features_bank as bank
from training_jobs import mamba
from training_jobs.features.examples import Examples
from training_jobs.features.fitting import fit
from training_jobs.features.model import Clock
from training_jobs.features.store import fitted_files
from training_jobs.runtime import JobContext
from training_jobs.sequence.kernel import KernelScan
from training_jobs.sequence.precompute import read_given

IDENTITY = {"run_id": "r", "stage_key": "k", "code_version": "c", "data_hash": "d"}
CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.fixture(autouse=True)
def torch_as_before() -> Any:
    """A job sets threads and determinism of its process; the tests' process goes on."""
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(strict)


def job(folder: Path, **changes: Any) -> JobContext:
    """Return the context of a job on the bank."""
    bank.write_tables(folder / "preflight" / "tables", bank.standard(), shards=2)
    (folder / "preflight" / "shards.json").write_text(json.dumps({"shards": 2}))
    settings = dump(load_run_settings("synthetic"))
    settings["dataset"] = bank.dataset().model_dump(mode="json")
    settings["features"] = bank.features().model_dump(mode="json")
    settings["mamba"] |= changes
    for name in ("output", "checkpoints"):
        (folder / name).mkdir()
    return JobContext(
        Stage.MAMBA,
        {Stage.PREFLIGHT.value: folder / "preflight"},
        folder / "output",
        folder / "checkpoints",
        {name: settings[name] for name in STAGES[Stage.MAMBA].sections},
        IDENTITY,
    )


def settings_of(**changes: Any) -> MambaSettings:
    return MambaSettings.model_validate(dump(load_run_settings("synthetic"))["mamba"] | changes)


def test_phase_0_takes_the_encoder_as_the_stage_left_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    context = job(tmp_path, checkpoint_steps=1)
    mamba.main(context)
    assert "[mamba] device cpu, scan matmul" in capsys.readouterr().out
    assert list((tmp_path / "checkpoints").glob("step-*"))
    features = bank.features()
    given = read_given(context.output, features)
    account = json.loads((context.output / "mamba.json").read_text())
    assert account["pretraining"] == given["mamba_temporal"].values["pretraining"]
    assert not (context.output / "embeddings").exists()
    tables = tmp_path / "preflight" / "tables"
    sources = bank.sources(tables)
    # Fewer than the whole bank has: cold customers and those observed too briefly are left out.
    sample = account["pretraining"]["windows"]
    assert 20 < sum(sample.values()) < 53
    model = fit(
        sources,
        customers=[row["customer_id"] for row in bank.standard().customers],
        cutoff=bank.CUTOFF,
        bank=bank.bank_facts(),
        settings=features,
        clock=Clock(),
        given=given,
    )
    taken = {k: v for k, v in fitted_files(model).items() if k.startswith("mamba_temporal")}
    for name, content in taken.items():
        assert (context.output / "fitted" / name).read_bytes() == content, name


def test_everybody_is_embedded_where_that_is_asked_for(tmp_path: Path) -> None:
    context = job(tmp_path, embed=True)
    mamba.main(context)
    folder = context.output / "embeddings"
    assert sorted(path.name for path in folder.iterdir()) == [
        f"part-{shard:05d}.parquet" for shard in (0, 1)
    ]
    as_ofs = Examples(folder).as_ofs((0, 1))
    assert set(as_ofs) == {day for days in bank.AS_OFS.values() for day in days}


def test_an_encoder_of_other_parameters_is_refused(tmp_path: Path) -> None:
    context = job(tmp_path)
    mamba.main(context)
    raw = bank.features().model_dump(mode="json")
    (row,) = [row for row in raw["groups"] if row["name"] == "mamba_temporal"]
    row["parameters"]["length"] += 1
    with pytest.raises(ArtefactError, match="other parameters"):
        read_given(context.output, type(bank.features()).model_validate(raw))


def test_the_kernels_are_taken_on_a_gpu_and_left_out_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert mamba.scan_of(settings_of(), CPU, 16) is None
    monkeypatch.setattr(mamba, "load_kernel", lambda: None)
    found = mamba.scan_of(settings_of(), CUDA, 16)
    assert isinstance(found, KernelScan)
    assert found.chunk == 16
    assert mamba.scan_of(settings_of(kernel="matmul"), CUDA, 16) is None


def test_missing_kernels_are_passed_over_unless_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing() -> None:
        raise ImportError("no such module")

    monkeypatch.setattr(mamba, "load_kernel", missing)
    assert mamba.scan_of(settings_of(), CUDA, 16) is None
    assert "kernels left out: no such module" in capsys.readouterr().out
    with pytest.raises(SettingsError, match=r"mamba_ssm.*no such module"):
        mamba.scan_of(settings_of(kernel="mamba_ssm"), CPU, 16)

"""Every job: SageMaker's file layout, a manifest on success, a readable reason on failure."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from configs.contracts.artefacts import MANIFEST_NAME, Manifest
from configs.contracts.stages import STAGES, JobKind, Stage
from configs.errors import DataContractError
from training_jobs.runtime import MESSAGE_LIMIT, ROOT_VARIABLE, JobContext, run_job

IDENTITY = {"run_id": "r", "stage_key": "k", "code_version": "c", "data_hash": "d"}


def layout(root: Path, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lay out a job's inputs below `root`; returns the folder its output goes to."""
    training = STAGES[stage].kind is JobKind.TRAINING
    channels = root / ("input/data" if training else "processing/input")
    (channels / "settings").mkdir(parents=True)
    (channels / "settings" / "settings.json").write_text(
        json.dumps({"settings": {"tasks": {"a": 1}}, "identity": IDENTITY})
    )
    (channels / "phase0").mkdir()
    (channels / "phase0" / "x.txt").write_text("x")
    monkeypatch.setenv(ROOT_VARIABLE, str(root))
    return root / ("model" if training else "processing/output/stage")


def fail_with(error: Exception) -> Callable[[JobContext], None]:
    def main(_context: JobContext) -> None:
        raise error

    return main


@pytest.mark.parametrize("stage", [Stage.EVALUATE, Stage.TEACHER])
def test_job_reads_channels_and_leaves_a_manifest(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = layout(tmp_path, stage, monkeypatch)

    def main(context: JobContext) -> None:
        assert dict(context.settings) == {"tasks": {"a": 1}}
        assert set(context.inputs) == {"phase0"}
        assert (context.checkpoints is not None) == (stage is Stage.TEACHER)
        (context.output / "y.txt").write_text((context.inputs["phase0"] / "x.txt").read_text())

    run_job(stage, main)
    manifest = Manifest.parse((output / MANIFEST_NAME).read_bytes())
    manifest.verify(output)
    assert [entry.path for entry in manifest.files] == ["y.txt"]
    assert (manifest.stage, manifest.stage_key, manifest.run_id) == (stage, "k", "r")


def test_own_error_becomes_the_exit_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = layout(tmp_path, Stage.EVALUATE, monkeypatch)
    with pytest.raises(SystemExit) as caught:
        run_job(
            Stage.EVALUATE,
            fail_with(DataContractError("trans.asc: 3 orphans", remedy="mend the file")),
        )
    assert caught.value.code == 1
    for name in ("message", "failure"):
        text = (tmp_path / "output" / name).read_text()
        assert "trans.asc: 3 orphans" in text
        assert "mend the file" in text
    assert not (output / MANIFEST_NAME).exists()


def test_unexpected_error_is_reported_and_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = layout(tmp_path, Stage.EVALUATE, monkeypatch)
    with pytest.raises(SystemExit) as caught:
        run_job(Stage.EVALUATE, fail_with(ZeroDivisionError("x" * 5000)))
    assert caught.value.code == 1
    message = (tmp_path / "output" / "message").read_text()
    assert message.startswith("ZeroDivisionError")
    assert len(message) == MESSAGE_LIMIT
    assert not (output / MANIFEST_NAME).exists()


def test_sigterm_stops_without_a_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = layout(tmp_path, Stage.TEACHER, monkeypatch)
    before = signal.getsignal(signal.SIGTERM)

    def main(_context: JobContext) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        signal.sigtimedwait([], 0)

    try:
        with pytest.raises(SystemExit):
            run_job(Stage.TEACHER, main)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert "Interrupted" in (tmp_path / "output" / "failure").read_text()
    assert not (output / MANIFEST_NAME).exists()

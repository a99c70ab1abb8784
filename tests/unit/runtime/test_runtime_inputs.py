"""A job starts only from inputs whose bytes are those of their manifests."""

import json
from contextlib import suppress
from pathlib import Path

import pytest

from configs.contracts.artefacts import MANIFEST_NAME, Manifest, list_files
from configs.contracts.stages import Stage
from training_jobs.runtime import ROOT_VARIABLE, JobContext, run_job

IDENTITY = {"run_id": "r", "stage_key": "k", "code_version": "c", "data_hash": "d"}


def committed(folder: Path, stage: str) -> None:
    """Leave an output with its manifest."""
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "x.bin").write_bytes(b"first")
    Manifest(stage, "k", "r", "c", "c", "d", "0.1.0", list_files(folder)).write(folder)


@pytest.fixture
def channels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package stage's channels, two groups of students among them."""
    folder = tmp_path / "processing" / "input"
    (folder / "settings").mkdir(parents=True)
    document = {"settings": {}, "identity": IDENTITY}
    (folder / "settings" / "settings.json").write_text(json.dumps(document))
    committed(folder / "phase0", "phase0")
    for group in ("one", "two"):
        committed(folder / "distill" / group, "distill")
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path))
    return folder


def starts() -> bool:
    """Run the package job; return whether its own work was begun."""
    begun: list[bool] = []

    def main(_context: JobContext) -> None:
        begun.append(True)

    with suppress(SystemExit):
        run_job(Stage.PACKAGE, main)
    return bool(begun)


def test_inputs_that_are_their_manifests_start_the_job(channels: Path) -> None:
    assert starts()


@pytest.mark.parametrize("place", ["phase0", "distill/one", "distill/two"])
@pytest.mark.parametrize("how", ["altered", "missing", "manifest altered", "another stage's"])
def test_an_input_that_is_not_its_manifest_ends_the_job_with_the_reason(
    channels: Path, tmp_path: Path, place: str, how: str
) -> None:
    folder = channels / place
    if how == "altered":
        (folder / "sub" / "x.bin").write_bytes(b"FIRST")
    elif how == "missing":
        (folder / "sub" / "x.bin").unlink()
    elif how == "manifest altered":
        text = (folder / MANIFEST_NAME).read_text()
        (folder / MANIFEST_NAME).write_text(text.replace("x.bin", "y.bin"))
    else:
        Manifest("teacher", "k", "r", "c", "c", "d", "0.1.0", list_files(folder)).write(folder)
    assert not starts()
    assert "ArtefactError" in (tmp_path / "output" / "message").read_text()
    assert not (tmp_path / "processing" / "output" / "stage" / MANIFEST_NAME).exists()

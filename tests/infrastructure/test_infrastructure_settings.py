"""A wrong environment file stops the application before it makes anything."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

import app
from configs.settings import environment
from configs.settings.base import CONFIGS


def _never(*_arguments: Any) -> None:
    raise AssertionError("a stack was made from wrong settings")


def _run(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    folder: Path,
    *,
    name: str = "local",
) -> str:
    """Return what `python app.py` says of the environment files in a folder."""
    out = folder / "out"
    monkeypatch.setattr(environment, "CONFIGS", folder)
    monkeypatch.setattr(app, "build_stage", _never)
    monkeypatch.setenv("SEVENLENS_ENV", name)
    monkeypatch.setenv("CDK_OUTDIR", str(out))
    assert app.main() == 1
    assert not (out / "manifest.json").exists()
    return capsys.readouterr().err


def _edited(folder: Path, edit: dict[str, Any]) -> Path:
    """Write a copy of the local environment with dotted keys set, and return its path."""
    path = folder / "env" / "local.yaml"
    path.parent.mkdir()
    content = yaml.safe_load((CONFIGS / "env" / "local.yaml").read_text())
    for dotted, value in edit.items():
        *parents, last = dotted.split(".")
        place = content
        for part in parents:
            place = place[part]
        if value is None:
            del place[last]
        else:
            place[last] = value
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ({"colour": "red"}, "colour: unknown key"),
        ({"serving.wafs": True}, "serving.wafs: unknown key"),
        ({"jobs.teacher.max_run_s": "soon"}, "jobs.teacher.max_run_s"),
        ({"jobs.teacher.max_run_s": "soon"}, "'soon'"),
        ({"jobs.phase0.instance_type": "m5.large"}, "jobs.phase0.instance_type"),
        ({"removal": "keep"}, "removal"),
        ({"budget.per_run_usd": 0}, "budget.per_run_usd"),
        ({"alarms": None}, "alarms"),
        ({"jobs.preflight.spot": True}, "preflight: processing jobs have no spot capacity"),
        (
            {"bedrock.models": [{"id": "global.some-model", "regions": ["ap-northeast-2"]}]},
            "bedrock.models.0.id",
        ),
    ],
)
def test_file_key_path_and_remedy_are_named(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    edit: dict[str, Any],
    said: str,
) -> None:
    path = _edited(tmp_path, edit)
    message = _run(monkeypatch, capsys, tmp_path)
    assert str(path) in message
    assert said in message
    assert "remedy:" in message
    assert "Traceback" not in message


def test_a_key_that_stands_twice_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = _edited(tmp_path, {})
    path.write_text(path.read_text() + "removal: retain\n")
    assert "'removal' stands twice" in _run(monkeypatch, capsys, tmp_path)


def test_an_unknown_environment_is_told_those_that_exist(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shutil.copytree(CONFIGS / "env", tmp_path / "env")
    message = _run(monkeypatch, capsys, tmp_path, name="staging")
    assert "staging.yaml does not exist" in message
    assert "dev, local, prod" in message


def test_production_cannot_be_configured_to_lose_its_data(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shutil.copytree(CONFIGS / "env", tmp_path / "env")
    path = tmp_path / "env" / "prod.yaml"
    path.write_text(path.read_text().replace("removal: retain", "removal: destroy"))
    assert "prod: removal is 'retain'" in _run(monkeypatch, capsys, tmp_path, name="prod")

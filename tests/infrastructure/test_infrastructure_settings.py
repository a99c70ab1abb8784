"""A wrong environment file stops the application before it makes anything."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

import app
from configs.settings import environment
from configs.settings.base import CONFIGS
from configs.settings.prices import load_prices, worst_case_cost
from lambdas.control.budget import Price, worst_case_usd
from stacks.training import parameters
from step_functions import training_pipeline


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
        ({"jobs.evaluate.instance_count": 2}, "evaluate: runs on one instance"),
        ({"jobs.phase0.instance_count": 0}, "jobs.phase0.instance_count"),
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


def test_instances_of_a_sharded_stage_reach_its_job_and_every_price(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def built(count: int) -> tuple[dict[str, Any], float]:
        folder = tmp_path / str(count)
        folder.mkdir()
        _edited(folder, {"jobs.phase0.instance_count": count})
        monkeypatch.setattr(environment, "CONFIGS", folder)
        settings = environment.load_environment("local")
        states = training_pipeline.build(parameters(settings)).definition["States"]
        return states, worst_case_cost(settings, load_prices()).items["phase0"]

    (one, cost), (four, cost_of_four) = built(1), built(4)
    for states, count in ((one, 1), (four, 4)):
        cluster = states["Run phase0"]["Arguments"]["ProcessingResources"]["ClusterConfig"]
        assert cluster["InstanceCount"] == count
        (row,) = [
            row
            for row in states["Begin"]["Arguments"]["Payload"]["jobs"]
            if row["stage"] == "phase0"
        ]
        assert row["instance_count"] == count
        # The guard's own formula on what the state machine tells it, against the price table.
        alone = load_prices().hour(cluster["InstanceType"]) * row["max_run_s"] / 3600
        assert worst_case_usd([row], groups=1) == pytest.approx(count * alone)
        for state in ("Plan phase0", "Commit phase0"):
            price = Price.parse(states[state]["Arguments"]["Payload"]["price"])
            assert price.worst == pytest.approx(count * alone, abs=1e-6)
    assert cost_of_four == pytest.approx(4 * cost)


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

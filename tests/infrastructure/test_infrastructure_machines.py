"""State machines: the definitions that would be deployed follow the States Language."""

import copy
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from configs.contracts.names import Machine
from tests.infrastructure.deployed import Deployed
from tests.infrastructure.synthesis import ROOT

VALIDATOR = ROOT / "node_modules" / ".bin" / "asl-validator"
SIZE_LIMIT = 1_000_000
"""Characters that Step Functions accepts in a definition."""


def _definitions(deployed: Deployed) -> dict[str, dict[str, Any]]:
    found = {}
    for row in deployed.assembly.resources("AWS::StepFunctions::StateMachine"):
        text = deployed.value(row.stack, row.properties["DefinitionString"])
        assert len(text) < SIZE_LIMIT, row.name
        found[row.name] = json.loads(text)
    return found


def _validate(folder: Path, definitions: dict[str, dict[str, Any]]) -> tuple[bool, str]:
    """Return the verdict of one run over all definitions, and what was said."""
    assert VALIDATOR.exists(), "the validator is not installed (make setup)"
    assert shutil.which("node")
    arguments = []
    for name, definition in definitions.items():
        path = folder / f"{name.replace('/', '-')}.asl.json"
        path.write_text(json.dumps(definition))
        arguments += ["--json-path", str(path)]
    done = subprocess.run([str(VALIDATOR), *arguments], capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout + done.stderr


def test_every_machine_is_synthesised(deployed: Deployed) -> None:
    assert len(_definitions(deployed)) == len(Machine)


def test_every_definition_is_valid(deployed: Deployed, tmp_path: Path) -> None:
    valid, said = _validate(tmp_path, _definitions(deployed))
    assert valid, said


def _lost_state(definition: dict[str, Any]) -> None:
    definition["States"].pop(definition["StartAt"])


def _lost_next(definition: dict[str, Any]) -> None:
    state = definition["States"][definition["StartAt"]]
    state["Next"] = "Nowhere"


def _no_type(definition: dict[str, Any]) -> None:
    del definition["States"][definition["StartAt"]]["Type"]


def _paths_in_jsonata(definition: dict[str, Any]) -> None:
    definition["States"][definition["StartAt"]]["ResultPath"] = "$.result"


@pytest.mark.parametrize("plant", [_lost_state, _lost_next, _no_type, _paths_in_jsonata])
def test_the_validator_refuses_a_planted_fault(
    assemblies: dict[str, Any], tmp_path: Path, plant: Any
) -> None:
    definitions = copy.deepcopy(_definitions(Deployed(assemblies["local"])))
    plant(definitions[min(definitions)])
    valid, _ = _validate(tmp_path, definitions)
    assert not valid


def test_no_placeholder_is_left(deployed: Deployed) -> None:
    for name, definition in _definitions(deployed).items():
        assert "${" not in json.dumps(definition), name


def _every_state(states: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for name, state in states.items():
        found.append((name, state))
        for inner in [*state.get("Branches", []), state.get("ItemProcessor", {})]:
            found += _every_state(inner.get("States", {}))
    return found


def test_every_task_ends_in_time_and_no_failure_leads_to_a_fail_state(deployed: Deployed) -> None:
    for machine, definition in _definitions(deployed).items():
        states = dict(_every_state(definition["States"]))
        assert len(states) == len(_every_state(definition["States"])), "names repeat"
        for name, state in states.items():
            if state["Type"] == "Task":
                assert state["TimeoutSeconds"] > 0, f"{machine}: {name}"
                assert state["Retry"], f"{machine}: {name}"
            for catch in state.get("Catch", []):
                assert states[catch["Next"]]["Type"] != "Fail", f"{machine}: {name}"

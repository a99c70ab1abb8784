"""The report's verdict is the pipeline's verdict."""

from typing import Any

import pytest

from configs.contracts.artefacts import canonical_json
from configs.contracts.stages import STAGES, Stage
from lambdas.control.checks import judge
from lambdas.control.errors import GateRejected
from training_jobs.reporting.documents import Inputs
from training_jobs.reporting.gates import read_gates

STAGE = Stage.EVALUATE
FIRST = STAGES[STAGE].checks[0]


def document(**first: Any) -> dict[str, Any]:
    rows = [
        {"name": name, "passed": True, "blocking": True, "value": 0.0, "bound": "0", "detail": ""}
        for name in STAGES[STAGE].checks
    ]
    advice = {"name": "advice", "blocking": False, "bound": "", "detail": ""}
    rows[0] |= first
    return {"checks": [*rows, advice | {"passed": False, "value": None}]}


CASES = {
    "all passed": document(),
    "failed": document(passed=False),
    "not measured": document(value=None),
    "measured as text": document(value="0"),
    "measured as a truth": document(value=True),
    "passed in words": document(passed="true"),
    "required but advising": document(passed=False, blocking=False),
    "blocking left unsaid": {"checks": [*document()["checks"], {
        "name": "more", "passed": False, "blocking": None, "value": 1.0, "bound": "", "detail": ""
    }]},
    "required is absent": {"checks": document()["checks"][1:]},
    "no check": {"checks": []},
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_report_and_pipeline_agree(case: str, tmp_path: Any) -> None:
    folder = tmp_path / STAGE
    folder.mkdir()
    (folder / "checks.json").write_bytes(canonical_json(CASES[case]))
    gate = next(gate for gate in read_gates(Inputs({STAGE: folder})) if gate.name == STAGE)
    try:
        judge(STAGE, CASES[case], required=STAGES[STAGE].checks)
        went_on = True
    except GateRejected:
        went_on = False
    assert (gate.passed is True) == went_on
    assert went_on == (case == "all passed")


def test_advice_fails_no_gate_but_is_counted(tmp_path: Any) -> None:
    folder = tmp_path / STAGE
    folder.mkdir()
    (folder / "checks.json").write_bytes(canonical_json(document()))
    gate = next(gate for gate in read_gates(Inputs({STAGE: folder})) if gate.name == STAGE)
    assert [row["name"] for row in gate.advisory] == ["advice"]


def test_every_gated_stage_is_among_the_gates() -> None:
    names = [gate.name for gate in read_gates(Inputs({}))]
    assert names == [stage for stage, contract in STAGES.items() if contract.gated]

"""Judging checks: passes what was measured and passed, says why for all else."""

from typing import Any

import pytest

from configs.contracts.stages import STAGES
from lambdas.control.checks import judge
from lambdas.control.errors import GateRejected
from tests.fixtures.control_cloud import passed
from training_jobs.distillation.outputs import checks_of
from training_jobs.phase0 import viability_checks

NEEDED = ("a", "b")


def verdict(*rows: Any, required: tuple[str, ...] = NEEDED) -> dict[str, int]:
    return judge("phase0", {"checks": list(rows)}, required=required)


def good() -> list[dict[str, Any]]:
    return [passed("a"), passed("b")]


def test_checks_that_passed_pass() -> None:
    assert verdict(*good()) == {"checks": 2, "warnings": 0}


@pytest.mark.parametrize("value", [0, 0.0, -1.5, 1e308])
def test_any_finite_number_is_a_measurement(value: float) -> None:
    assert verdict(passed("a", value=value), passed("b"))["checks"] == 2


@pytest.mark.parametrize(
    "value", [None, float("nan"), float("inf"), float("-inf"), "1", True, [], {}]
)
def test_what_is_no_finite_number_was_not_measured(value: Any) -> None:
    with pytest.raises(GateRejected, match="a: "):
        verdict(passed("a", value=value), passed("b"))


@pytest.mark.parametrize("said", [False, None, 1, "true", "passed"])
def test_only_true_is_a_pass(said: Any) -> None:
    with pytest.raises(GateRejected, match="a: "):
        verdict(passed("a", passed=said), passed("b"))


@pytest.mark.parametrize("lost", ["name", "passed", "blocking"])
def test_a_row_without_its_fields_cannot_be_read(lost: str) -> None:
    row = {name: value for name, value in passed("c").items() if name != lost}
    with pytest.raises(GateRejected, match="cannot be read"):
        verdict(*good(), row)


@pytest.mark.parametrize("row", [None, "a", 1, ["a"]])
def test_a_row_that_is_no_object_cannot_be_read(row: Any) -> None:
    with pytest.raises(GateRejected, match="cannot be read"):
        verdict(*good(), row)


@pytest.mark.parametrize("document", [{}, {"checks": None}, {"checks": []}, {"checks": "a"}])
def test_a_document_without_checks_is_rejected(document: dict[str, Any]) -> None:
    with pytest.raises(GateRejected, match="no checks"):
        judge("phase0", document, required=NEEDED)


@pytest.mark.parametrize("name", NEEDED)
def test_a_named_check_that_was_not_made_fails_by_its_name(name: str) -> None:
    with pytest.raises(GateRejected, match=f"{name}: was not made"):
        verdict(*(row for row in good() if row["name"] != name), passed("c"))


@pytest.mark.parametrize("name", NEEDED)
def test_a_named_check_blocks_even_where_the_document_says_it_does_not(name: str) -> None:
    rows = [
        row | ({"blocking": False, "passed": False} if row["name"] == name else {})
        for row in good()
    ]
    with pytest.raises(GateRejected, match=f"{name}: "):
        verdict(*rows)


def test_a_named_check_that_stands_twice_must_pass_twice() -> None:
    with pytest.raises(GateRejected, match="a: "):
        verdict(*good(), passed("a", passed=False))


def test_another_check_blocks_unless_it_is_said_not_to() -> None:
    failed = passed("c", passed=False)
    assert verdict(*good(), failed | {"blocking": False}) == {"checks": 3, "warnings": 1}
    for said in (True, None, 0, "false"):
        with pytest.raises(GateRejected, match="c: "):
            verdict(*good(), failed | {"blocking": said})


def test_every_reason_is_given_with_value_bound_and_detail() -> None:
    bad = {"passed": False, "bound": "<= 0.5", "detail": "too high"}
    with pytest.raises(GateRejected) as caught:
        verdict(passed("a", value=0.7, **bad), passed("b", value=0.8, **bad))
    for text in ("a: 0.7", "b: 0.8", "wanted <= 0.5", "too high", "2 blocking"):
        assert text in str(caught.value)


def test_the_named_checks_are_those_that_stages_make() -> None:
    """Without tasks every stage says so by the check that the contract names."""
    made = {row.name for row in viability_checks({"tasks": []})} | {
        row.name for row in checks_of([])
    }
    named = {name for contract in STAGES.values() for name in contract.checks}
    assert {"viability.tasks_on", "fidelity.tasks_served"} == made & named


@pytest.mark.parametrize(("on", "passes"), [(0, False), (1, True)])
def test_one_task_is_exactly_enough_to_go_on(on: int, passes: bool) -> None:
    task = {"name": "t", "counts": {"train": {"rows": 1}}, "reason": ""}
    status = "on" if on else "off"
    first, *_ = viability_checks({"tasks": [task | {"status": status}]})
    assert (first.passed, first.value) == (passes, on)

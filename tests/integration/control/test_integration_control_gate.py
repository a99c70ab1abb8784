"""The gate's handler: outputs read from the lake, every doubt a rejection with its reason."""

from typing import Any

import pytest

from configs.contracts.stages import STAGES, Stage
from configs.contracts.tables import Table
from lambdas.control.errors import BadInput, GateRejected
from lambdas.gate.handler import handler
from lambdas.stores.bounded import StoreUnavailable
from tests.fixtures import control_cloud as cloud_of
from tests.fixtures.control_cloud import LAKE, checks, passed

pytestmark = pytest.mark.usefixtures("cloud")

DISTILL = STAGES[Stage.DISTILL].checks[0]


def judge(uris: Any, stage: str = Stage.DISTILL) -> dict[str, Any]:
    return handler({"stage": stage, "run": cloud_of.run_json(), "uris": uris}, None)


@pytest.mark.parametrize("stage", [stage for stage, row in STAGES.items() if row.gated])
def test_a_stage_whose_named_checks_passed_passes_and_is_on_record(stage: Stage) -> None:
    found = judge([cloud_of.put_checks(stage)], stage)
    assert found == {"checks": len(STAGES[stage].checks), "warnings": 0}
    kept = cloud_of.entry("run-1", f"gate#{stage}")
    assert kept["checks"] == found["checks"]


def test_every_output_of_a_grouped_stage_is_judged() -> None:
    good = cloud_of.put_checks(Stage.DISTILL, output="one")
    bad = cloud_of.put_checks(
        Stage.DISTILL, output="two", body=checks(passed(DISTILL, passed=False, value=0.0))
    )
    assert judge([good, good])["checks"] == 2
    for uris in ([good, bad], [bad, good]):
        with pytest.raises(GateRejected, match=DISTILL):
            judge(uris)


@pytest.mark.parametrize(
    "body",
    [
        None,
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"null",
        b"{}",
        b'{"checks": []}',
        b'{"checks": {}}',
        b'{"checks": null}',
        checks(passed(DISTILL, value=float("nan"))),
        checks(passed(DISTILL, value=float("inf"))),
    ],
)
def test_checks_that_cannot_be_read_reject_with_a_reason(body: bytes | None) -> None:
    uri = f"s3://{LAKE}/stages/distill/out/"
    if body is not None:
        cloud_of.put_checks(Stage.DISTILL, body=body or b" ")
    with pytest.raises(GateRejected, match=r"checks|judge"):
        judge([uri])
    assert cloud_of.items(Table.RUNS) == []


@pytest.mark.parametrize("uris", [None, [], "s3://x/y", {}])
def test_a_stage_without_outputs_is_rejected(uris: Any) -> None:
    with pytest.raises(GateRejected, match="no output"):
        judge(uris)


@pytest.mark.parametrize("stage", [Stage.TEACHER, "nothing"])
def test_a_stage_without_named_checks_is_no_gate(stage: str) -> None:
    with pytest.raises(BadInput):
        judge([cloud_of.put_checks(Stage.DISTILL)], stage)


def test_a_store_that_fails_is_asked_again_and_passes_nothing() -> None:
    cloud_of.put_checks(Stage.DISTILL)
    with pytest.raises(StoreUnavailable):
        judge(["s3://no-such-bucket/stages/distill/out/"])
    cloud_of.aws("dynamodb").delete_table(TableName="t-runs")
    with pytest.raises(StoreUnavailable):
        judge([f"s3://{LAKE}/stages/distill/out/"])

"""The entry point: HTTP in, HTTP out; every body is what the API description says."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from configs.settings.serving import write_bundle_files
from lambdas.decision.schemas import components
from lambdas.recommend import handler as entry
from lambdas.recommend import openapi, wiring
from lambdas.recommend.service import Recommender
from lambdas.stores.control_items import OFF, ON, ControlState
from tests.fixtures import serving
from tests.fixtures.schema_check import problems
from tests.fixtures.serving_ports import PREFIX, World

ROOT = Path(__file__).resolve().parents[3]
SCHEMAS = components(serving.policy()["request"])


class Context:
    function_name = "recommend"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:xx:1:function:recommend"
    aws_request_id = "request-1"


def event(method: str, path: str, body: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": {"Content-Type": "application/json"},
        "multiValueHeaders": {},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {"stage": "v", "requestId": "r", "identity": {"sourceIp": "127.0.0.1"}},
        "body": body,
        "isBase64Encoded": False,
    } | more


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(wiring, "ports", lambda: made.ports)
    monkeypatch.setattr(wiring, "recommender", lambda: Recommender(made.ports))
    return made


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the handler logs."""
    stream = io.StringIO()
    monkeypatch.setattr(entry.logger.registered_handler, "stream", stream)
    return stream


def call(method: str, path: str, body: str | None = None, **more: Any) -> tuple[int, Any]:
    answer = entry.handler(event(method, path, body, **more), Context())
    assert answer["isBase64Encoded"] is False
    return answer["statusCode"], json.loads(answer["body"])


def post(body: Any, **more: Any) -> tuple[int, Any]:
    text = body if isinstance(body, str) or body is None else json.dumps(body)
    return call("POST", "/v1/recommendations", text, **more)


def conforms(body: Any, schema: str) -> None:
    assert problems(body, SCHEMAS[schema], SCHEMAS) == []


@pytest.mark.parametrize("language", [None, "ko", "en"])
def test_an_answer_is_what_the_description_says(world: World, language: str | None) -> None:
    request = {"customer_id": "C1"} | ({"language": language} if language else {})
    status, body = post(request)
    assert status == 200
    conforms(request, "Request")
    conforms(body, "Answer")
    expected = {language} if language else {"ko", "en"}
    assert set(body["recommendations"][0]["reason"]) == expected
    assert set(body["disclosure"]) == expected
    assert body["version"] == "0.1.0"
    assert body["model_version"] == serving.VERSION


def broken(world: World, name: str) -> None:
    world.models.last = serving.model()
    getattr(world, name).broken = True
    if name == "decisions":
        world.decisions.breaks_times = 1


@pytest.mark.parametrize(
    "name", ["control", "models", "customers", "reasons", "decisions", "rewrites"]
)
def test_any_store_may_fail_and_the_schema_stays(world: World, name: str) -> None:
    broken(world, name)
    status, body = post({"customer_id": "C1"})
    assert status == 200
    conforms(body, "Answer")
    assert body["layer"] == ("distilled" if name in ("reasons", "rewrites") else "rules")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (None, 400, "empty_body"),
        ("{", 400, "not_json"),
        ({"customer_id": "C1", "colour": 1}, 422, "invalid_request"),
        ({"customer_id": "C9"}, 404, "unknown_customer"),
    ],
)
def test_refusals_have_one_form(world: World, body: Any, status: int, code: str) -> None:
    found, answer = post(body)
    assert (found, answer["error"]["code"]) == (status, code)
    conforms(answer, "Error")


def test_a_body_that_is_not_base64(world: World) -> None:
    status, body = post("%%%", isBase64Encoded=True)
    assert (status, body["error"]["code"]) == (400, "empty_body")
    conforms(body, "Error")


def test_unknown_routes(world: World) -> None:
    for method, path in (("GET", "/v1/recommendations"), ("POST", "/v1/health"), ("GET", "/")):
        status, body = call(method, path)
        assert (status, body["error"]["code"]) == (404, "unknown_route")
        conforms(body, "Error")


def test_the_unforeseen_is_answered_and_not_quoted(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    logs: io.StringIO,
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Exploding:
        def recommend(self, *_: Any, **__: Any) -> None:
            raise RuntimeError("customer C1 has 34 transactions")

    monkeypatch.setattr(wiring, "recommender", Exploding)
    status, body = post({"customer_id": "C1"})
    assert (status, body["error"]["code"]) == (500, "internal")
    conforms(body, "Error")
    assert "RuntimeError" in logs.getvalue()
    assert "34 transactions" not in logs.getvalue() + caplog.text


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (ControlState(OFF, serving.VERSION, PREFIX), "ok"),
        (ControlState(ON, serving.VERSION, PREFIX), "ok"),
        (ControlState(OFF, None, None), "no_model"),
        (None, "degraded"),
    ],
)
def test_health(world: World, state: ControlState | None, expected: str) -> None:
    if state is None:
        world.control.broken = True
    else:
        world.control.state = state
    status, body = call("GET", "/v1/health")
    assert (status, body["status"]) == (200, expected)
    assert body["kill_switch"] == (state.kill_switch if state else "unreadable")
    conforms(body, "Health")


def test_health_tells_of_a_lost_package(world: World) -> None:
    world.models.broken = True
    assert call("GET", "/v1/health")[1]["status"] == "degraded"


def emf(text: str) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [row for row in rows if "_aws" in row]


def test_metrics_and_logs_without_customer_data(
    world: World, capsys: pytest.CaptureFixture[str], logs: io.StringIO
) -> None:
    post({"customer_id": "C1"})
    out = capsys.readouterr().out
    (metrics,) = emf(out)
    assert metrics["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "SevenLens"
    assert metrics["service"] == "recommend"
    assert metrics["Recommendations"] == [1.0]
    assert metrics["RuleAnswers"] == [0.0]
    assert metrics["DecisionLatency"][0] > 0
    line = json.loads(logs.getvalue())
    assert (line["message"], line["layer"], line["products"]) == ("decided", "distilled", 3)
    for text in (out, logs.getvalue()):
        assert "C1" not in text
        assert "saving" not in text


def test_a_rule_answer_and_a_lost_queue_are_counted(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.rewrites.broken = True
    post({"customer_id": "C1"})
    world.control.state = ControlState(ON, serving.VERSION, PREFIX)
    post({"customer_id": "C1"})
    post({"customer_id": "C9"})
    first, second, third = emf(capsys.readouterr().out)
    assert (first["ReasonQueueFailed"], first["RuleAnswers"]) == ([1.0], [0.0])
    assert (second["ReasonQueueFailed"], second["RuleAnswers"]) == ([0.0], [1.0])
    assert third["RequestsRefused"] == [1.0]


def test_the_smoke_header_reads_the_pointer_again(world: World) -> None:
    post({"customer_id": "C1"}, headers={"X-SevenLens-Smoke": "1"})
    assert world.control.fresh_reads == 1


def test_the_description_in_docs_is_current() -> None:
    expected = openapi.text(serving.policy()["request"])
    found = (ROOT / "docs" / "openapi.json").read_text()
    assert found == expected, "run: make openapi"


def test_the_handler_imports_nothing_heavy(tmp_path: Path) -> None:
    folder = write_bundle_files(tmp_path)
    code = (
        "import sys; import lambdas.recommend.handler, lambdas.reason_worker.handler; "
        "print(sorted({name.split('.')[0] for name in sys.modules}))"
    )
    environment = {"SEVENLENS_BUNDLED": str(folder), "PYTHONPATH": str(ROOT), "PATH": ""}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    loaded = set(json.loads(run.stdout.replace("'", '"')))
    heavy = {"lightgbm", "scipy", "pandas", "sklearn", "torch", "aws_cdk", "pyarrow", "duckdb"}
    assert loaded & (heavy | {"pydantic", "yaml", "aws_xray_sdk", "training_jobs"}) == set()
    assert "numpy" in loaded


@pytest.mark.parametrize(
    "function", ["review_collect", "ops_agent", "audit_agent", "review_report"]
)
def test_review_functions_need_the_standard_library_and_boto3_alone(function: str) -> None:
    code = (
        f"import sys; import lambdas.{function}.handler; "
        "print(sorted({name.split('.')[0] for name in sys.modules}))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        check=True,
    )
    loaded = set(json.loads(run.stdout.replace("'", '"')))
    assert loaded & {"numpy", "aws_lambda_powertools", "pydantic", "yaml"} == set()

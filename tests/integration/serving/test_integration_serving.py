"""The handlers with their real stores against moto: answers, refusals, a package that is broken."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from moto import mock_aws

from configs.contracts.artefacts import digest
from configs.settings.serving import write_bundle_files
from lambdas.decision.schemas import components
from lambdas.reason_worker import handler as worker_entry
from lambdas.reason_worker.service import Ports
from lambdas.recommend import handler as entry
from lambdas.recommend import wiring
from lambdas.stores import bounded, bundled
from tests.fixtures import serving, serving_cloud
from tests.fixtures.packing import boosters
from tests.fixtures.reason_orders import Guardrail, Writer
from tests.fixtures.schema_check import problems
from tests.unit.decision.test_serving_handler import Context, event

SCHEMAS = components(serving.policy()["request"])
CACHES = (
    wiring.ports,
    wiring.recommender,
    worker_entry.worker,
    bounded.bounded_client,
    bundled._read,
    bundled.languages,
)


def forget() -> None:
    """Start as a fresh process would."""
    for kept in CACHES:
        kept.cache_clear()


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    for name, value in serving_cloud.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(bundled.FOLDER_VARIABLE, str(write_bundle_files(tmp_path)))
    with mock_aws():
        serving_cloud.create()
        address = serving_cloud.create_queue()
        monkeypatch.setenv("QUEUE_REASONS_URL", address)
        forget()
        yield address
    forget()


def post(customer: str = "C1", **more: Any) -> tuple[int, dict[str, Any]]:
    body = json.dumps({"customer_id": customer} | more)
    answer = entry.handler(event("POST", "/v1/recommendations", body), Context())
    found = json.loads(answer["body"])
    schema = "Answer" if answer["statusCode"] == 200 else "Error"
    assert problems(found, SCHEMAS[schema], SCHEMAS) == []
    return answer["statusCode"], found


def health() -> dict[str, Any]:
    return json.loads(entry.handler(event("GET", "/v1/health"), Context())["body"])


def messages(address: str) -> list[dict[str, Any]]:
    found = boto3.client("sqs").receive_message(QueueUrl=address, MaxNumberOfMessages=10)
    return [json.loads(row["Body"]) for row in found.get("Messages", [])]


def decisions() -> list[dict[str, Any]]:
    items = boto3.client("dynamodb").scan(TableName="t-decisions")["Items"]
    return [{key: value["S"] for key, value in item.items()} for item in items]


def test_a_published_model_answers_with_its_students(cloud: str) -> None:
    serving_cloud.publish()
    status, body = post()
    assert (status, body["layer"], body["warnings"]) == (200, "distilled", [])
    row = np.frombuffer(
        __import__("base64").b64decode(serving.record_json()["features"]), dtype="<f4"
    )
    expected = boosters()["binary"].predict(row[None, :])[0]
    saving = next(item for item in body["recommendations"] if item["group"] == "deposits")
    values = {part["task"]: part["value"] for part in saving["tasks"]}
    assert values["will_acquire_deposits"] == pytest.approx(expected, abs=1e-6)
    (record,) = decisions()
    payload = json.loads(record["payload"])
    assert payload["answer"] == body
    assert digest(payload) == record["payload_sha256"]
    assert len(messages(cloud)) == len(body["recommendations"])
    assert health()["status"] == "ok"


def test_nothing_published(cloud: str) -> None:
    assert post()[0] == 503
    assert health()["status"] == "no_model"
    assert decisions() == []


@pytest.mark.parametrize("table", ["control", "customers", "decisions", "reasons"])
def test_a_missing_table_has_a_defined_answer(
    cloud: str, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving_cloud.publish()
    if table == "control":
        post()
    boto3.client("dynamodb").delete_table(TableName=f"t-{table}")
    clock = wiring.ports().control
    monkeypatch.setattr(clock, "_seconds", 0.0)
    status, body = post()
    if table == "decisions":
        assert (status, body["error"]["code"]) == (503, "no_record")
    else:
        assert status == 200
        assert body["layer"] == ("distilled" if table == "reasons" else "rules")
        assert body["warnings"]


@pytest.mark.parametrize("name", ["packed.npz", "packed.json"])
@pytest.mark.parametrize("damage", ["altered", "missing"])
def test_damaged_students_mean_rules(cloud: str, name: str, damage: str) -> None:
    files = serving_cloud.package()
    files[name] += b" "
    if damage == "missing":
        del files[name]
    serving_cloud.publish(files)
    status, body = post()
    assert (status, body["layer"]) == (200, "rules")
    assert body["warnings"] == ["students_unusable"]
    assert health()["status"] == "rules_only"


@pytest.mark.parametrize("name", ["manifest.json", "serving.json", "catalogue.json"])
def test_a_package_that_even_rules_cannot_use(cloud: str, name: str) -> None:
    files = serving_cloud.package()
    files[name] = b"{}"
    serving_cloud.publish(files)
    status, body = post()
    assert (status, body["error"]["code"]) == (503, "model_unavailable")
    assert health()["status"] == "degraded"


def test_the_kill_switch_is_seen_after_the_cache(
    cloud: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving_cloud.publish()
    assert post()[1]["layer"] == "distilled"
    serving_cloud.put_control("kill_switch", state="on")
    assert post()[1]["layer"] == "distilled", "within the cached seconds"
    monkeypatch.setattr(wiring.ports().control, "_seconds", 0.0)
    assert post()[1]["warnings"] == ["kill_switch_on"]
    serving_cloud.put_control("kill_switch", state="perhaps")
    assert post()[1]["warnings"] == ["control_unreadable"]


def test_unknown_customer(cloud: str) -> None:
    serving_cloud.publish()
    assert post("C9")[0] == 404


def test_a_rewritten_reason_is_shown_next_time(cloud: str, monkeypatch: pytest.MonkeyPatch) -> None:
    serving_cloud.publish()
    first = post()[1]["recommendations"][0]
    assert first["reason_source"] == {"ko": "template", "en": "template"}

    def reply(document: dict[str, Any], _call: int) -> dict[str, Any]:
        if document["task"] == "select_facts":
            return {"facts": [document["facts"][0]["id"]]}
        name = document["facts"][0]["id"]
        text = {
            "ko": f"{{product}}은/는 고객님의 {{{name}.label}}을/를 살펴 안내해 드리는 상품입니다.",
            "en": f"Looking at your {{{name}.label}}, we show you {{product}}.",
        }[document["language"]]
        return {"sentences": [{"text": text, "facts": [name]}]}

    real = worker_entry.worker()
    ports = Ports(**{**vars(real._ports), "model": Writer(reply), "guardrail": Guardrail()})
    monkeypatch.setattr(real, "_ports", ports)
    orders = boto3.client("sqs").receive_message(QueueUrl=cloud, MaxNumberOfMessages=10)
    records = [{"messageId": row["MessageId"], "body": row["Body"]} for row in orders["Messages"]]
    assert worker_entry.handler({"Records": records}, None) == {"batchItemFailures": []}
    second = post()[1]["recommendations"][0]
    assert second["reason_source"] == {"ko": "cache", "en": "cache"}
    assert second["reason"]["ko"] != first["reason"]["ko"]
    assert "살펴 안내해 드리는 상품입니다." in second["reason"]["ko"]
    assert messages(cloud) == [], "nothing is ordered for what is cached"


def test_an_expired_text_is_not_shown(cloud: str) -> None:
    serving_cloud.publish()
    cache = wiring.ports().reasons
    draft = {"sentences": []}
    cache.put("k1", draft=draft, seconds=60, origin={})  # type: ignore[attr-defined]
    cache.put("k2", draft=draft, seconds=-1, origin={})  # type: ignore[attr-defined]
    assert set(cache.get_many(["k1", "k2", "k3"])) == {"k1"}
    assert cache.get("k2") is None  # type: ignore[attr-defined]


def test_a_decision_is_never_replaced(cloud: str) -> None:
    log = wiring.ports().decisions
    log.put({"decision_id": "d1", "payload": "1"})
    with pytest.raises(bounded.StoreUnavailable, match="Conditional"):
        log.put({"decision_id": "d1", "payload": "2"})
    assert decisions()[0]["payload"] == "1"

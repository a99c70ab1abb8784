"""Publication: verified, invisible until the flip, records written once and whole."""

import json
import time
from typing import Any

import pytest

from configs.contracts.artefacts import MANIFEST_NAME
from configs.contracts.stages import Stage
from configs.contracts.tables import Table
from configs.errors import ArtefactError
from lambdas.control import wiring
from lambdas.control.errors import BadInput
from lambdas.publish_model.handler import handler as publish_model
from lambdas.publish_records import handler as records_entry
from lambdas.publish_records.handler import BATCH
from lambdas.publish_records.handler import handler as publish_records
from lambdas.stores.bounded import StoreUnavailable
from tests.fixtures import control_cloud as cloud_of
from tests.fixtures.control_cloud import LAKE, TAG

pytestmark = pytest.mark.usefixtures("cloud")

PLAN = {
    "stage_key": "k",
    "code_version": TAG,
    "output_prefix": f"s3://{LAKE}/stages/package/k/",
}
PACKAGE = f"s3://{LAKE}/stages/package/k/job-0/"
MODEL_VERSION = "0.1.0-abc"
PARTS = ["records/part-00000.jsonl", "records/part-00001.jsonl"]


def document(**changes: Any) -> bytes:
    content = {"model_version": MODEL_VERSION, "record_parts": PARTS, "smoke_customer": "C0"}
    return json.dumps(content | changes).encode()


def lines(*customers: Any) -> bytes:
    return b"".join(json.dumps({"customer_id": name}).encode() + b"\n" for name in customers)


def package_files(**changes: bytes | None) -> dict[str, bytes]:
    files: dict[str, bytes | None] = {
        "package.json": document(),
        "model/packed.json": b"{}",
        "model/manifest.json": b'{"files": []}',
        PARTS[0]: lines("C0", "C1"),
        PARTS[1]: lines("C2"),
    }
    return {name: body for name, body in (files | changes).items() if body is not None}


def put_package(**changes: bytes | None) -> None:
    cloud_of.work(PLAN, Stage.PACKAGE, files=package_files(**changes))


def publish() -> dict[str, Any]:
    return publish_model({"run": cloud_of.run_json(), "package_uri": PACKAGE}, None)


def write(part: str = PARTS[0], **changes: Any) -> dict[str, int]:
    event = {"part": part, "package_uri": PACKAGE, "model_version": MODEL_VERSION}
    return publish_records(event | changes, None)


def customers() -> list[tuple[str, str, str]]:
    return sorted(
        (row["customer_id"]["S"], row["model_version"]["S"], row["record"]["S"])
        for row in cloud_of.items(Table.CUSTOMERS)
    )


def test_the_model_is_copied_below_its_version_and_nothing_points_to_it() -> None:
    put_package()
    answer = publish()
    assert answer == {
        "model_version": MODEL_VERSION,
        "prefix": f"serving/{MODEL_VERSION}/",
        "record_parts": PARTS,
    }
    prefix = answer["prefix"]
    assert cloud_of.keys("serving/") == {f"{prefix}packed.json", f"{prefix}manifest.json"}
    assert cloud_of.get(f"{prefix}packed.json") == b"{}"
    assert cloud_of.items(Table.CONTROL) == []
    assert cloud_of.items(Table.CUSTOMERS) == []


def test_a_repeated_publication_changes_nothing() -> None:
    put_package()
    first = publish()
    before = {key: cloud_of.get(key) for key in cloud_of.keys("serving/")}
    assert publish() == first
    assert {key: cloud_of.get(key) for key in cloud_of.keys("serving/")} == before


def test_the_models_manifest_is_copied_last(monkeypatch: pytest.MonkeyPatch) -> None:
    put_package(**{"model/zzz.json": b"1"})
    copied: list[str] = []
    s3 = wiring.client("s3")
    plain = s3.copy_object

    def copy(**given: Any) -> Any:
        copied.append(given["Key"].rpartition("/")[2])
        return plain(**given)

    monkeypatch.setattr(s3, "copy_object", copy)
    publish()
    assert copied == ["packed.json", "zzz.json", "manifest.json"]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("model/packed.json", b"[]"),
        ("model/packed.json", b"longer"),
        ("model/packed.json", None),
        ("package.json", document(smoke_customer="C9")),
        (PARTS[1], b"gone wrong"),
        (PARTS[1], None),
        ("model/stranger.json", b"1"),
        (MANIFEST_NAME, b"{}"),
        (MANIFEST_NAME, None),
    ],
)
def test_a_package_that_is_not_its_manifest_is_not_copied(name: str, body: bytes | None) -> None:
    put_package()
    key = f"stages/package/k/job-0/{name}"
    if body is None:
        cloud_of.aws("s3").delete_object(Bucket=LAKE, Key=key)
    else:
        cloud_of.put(key, body)
    with pytest.raises(ArtefactError):
        publish()
    assert cloud_of.keys("serving/") == set()


@pytest.mark.parametrize("lost", ["model/manifest.json", "package.json", PARTS[0]])
def test_a_package_that_lacks_a_part_is_not_copied(lost: str) -> None:
    put_package(**{lost: None})
    with pytest.raises(ArtefactError, match=lost):
        publish()
    assert cloud_of.keys("serving/") == set()


@pytest.mark.parametrize(
    "changes",
    [
        {"model_version": ""},
        {"model_version": 3},
        {"model_version": "../runs"},
        {"record_parts": []},
        {"record_parts": "records"},
        {"smoke_customer": None},
    ],
)
def test_a_package_that_names_no_version_parts_or_customer_is_not_copied(
    changes: dict[str, Any],
) -> None:
    put_package(**{"package.json": document(**changes)})
    with pytest.raises(BadInput):
        publish()
    assert cloud_of.keys("serving/") == set()


def test_records_are_written_as_they_were_made_and_again_without_change() -> None:
    put_package()
    assert write() == {"records": 2}
    first = customers()
    assert first == [
        ("C0", MODEL_VERSION, '{"customer_id": "C0"}'),
        ("C1", MODEL_VERSION, '{"customer_id": "C1"}'),
    ]
    assert write() == {"records": 2}
    assert customers() == first


def test_records_of_two_versions_stand_beside_each_other() -> None:
    put_package()
    write()
    write(model_version="0.1.0-def")
    assert {row[1] for row in customers()} == {MODEL_VERSION, "0.1.0-def"}


def test_a_part_of_many_batches_is_written_whole() -> None:
    names = [f"C{number}" for number in range(2 * BATCH + 1)]
    put_package(**{PARTS[0]: lines(*names)})
    assert write() == {"records": len(names)}
    assert {row[0] for row in customers()} == set(names)


@pytest.mark.parametrize(
    "damaged",
    [
        b"{\n",
        b"\n",
        b"[1]\n",
        b"5\n",
        b'"C1"\n',
        b"{}\n",
        b'{"customer_id": null}\n',
        b'{"customer_id": ""}\n',
        b'{"customer_id": 7}\n',
        b'{"customer_id": "C\xff"}\n',
        lines("C0"),
    ],
)
def test_a_damaged_line_is_refused_by_its_number_without_its_content(damaged: bytes) -> None:
    put_package(**{PARTS[0]: lines("C0") + damaged})
    with pytest.raises(BadInput, match="line 2") as caught:
        write()
    assert "C0" not in str(caught.value)


def test_a_customer_that_stands_in_two_batches_is_refused() -> None:
    names = [f"C{number}" for number in range(BATCH)]
    put_package(**{PARTS[0]: lines(*names, "C0")})
    with pytest.raises(BadInput, match=f"line {BATCH + 1}"):
        write()


@pytest.mark.parametrize("change", [{"part": "records/none"}, {"model_version": None}])
def test_a_part_or_version_that_is_not_there_is_refused(change: dict[str, Any]) -> None:
    put_package()
    with pytest.raises(BadInput):
        write(**change)


def test_an_empty_part_is_refused() -> None:
    put_package(**{PARTS[0]: b""})
    with pytest.raises(BadInput, match="no records"):
        write()


class Throttled:
    """A table that leaves records unprocessed `times` times, then takes everything."""

    def __init__(self, real: Any, times: int) -> None:
        self.real = real
        self.times = times
        self.sizes: list[int] = []

    def batch_write_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:
        ((table, rows),) = RequestItems.items()
        self.sizes.append(len(rows))
        if len(self.sizes) > self.times:
            return dict(self.real.batch_write_item(RequestItems=RequestItems))
        self.real.batch_write_item(RequestItems={table: rows[:1]})
        return {"UnprocessedItems": {table: rows[1:]} if rows[1:] else {}}


def throttle(monkeypatch: pytest.MonkeyPatch, times: int) -> tuple[Throttled, list[float]]:
    real = wiring.client
    fake = Throttled(real("dynamodb"), times)
    monkeypatch.setattr(
        wiring, "client", lambda service: fake if service == "dynamodb" else real(service)
    )
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return fake, slept


def test_what_the_table_left_is_sent_again_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    put_package(**{PARTS[0]: lines("C0", "C1", "C2", "C3")})
    fake, slept = throttle(monkeypatch, 2)
    assert write() == {"records": 4}
    assert fake.sizes == [4, 3, 2]
    assert len(slept) == 2
    assert {row[0] for row in customers()} == {"C0", "C1", "C2", "C3"}


def test_a_table_that_never_takes_all_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"C{number}" for number in range(BATCH)]
    put_package(**{PARTS[0]: lines(*names)})
    fake, slept = throttle(monkeypatch, 1000)
    with pytest.raises(StoreUnavailable, match="all but 17 of 25"):
        write()
    assert len(fake.sizes) == records_entry.ATTEMPTS
    assert len(slept) == records_entry.ATTEMPTS - 1


def test_a_broken_connection_is_a_store_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from botocore.exceptions import ReadTimeoutError

    put_package()

    class Broken:
        def iter_lines(self) -> Any:
            yield lines("C0").strip()
            raise ReadTimeoutError(endpoint_url="s3")

    monkeypatch.setattr(records_entry, "open_object", lambda _s3, _place: Broken())
    with pytest.raises(StoreUnavailable):
        write()

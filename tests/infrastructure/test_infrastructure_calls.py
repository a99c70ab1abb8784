"""The reader of the code's AWS calls, put to the test on copies with planted calls."""

import ast
import shutil
from pathlib import Path

import pytest

from configs.contracts.names import Function
from tests.infrastructure.code_calls import CLIENT, CLIENT_MAKERS, Need, Unclear, index, needs
from tests.infrastructure.code_index import ROOM, Index
from tests.infrastructure.code_walk import Walk
from tests.infrastructure.synthesis import ROOT

SDK = ("boto3", "botocore", "aiobotocore", "aioboto3")
SERIALISERS = ("boto3.dynamodb.types", "botocore.config", "botocore.exceptions")
NETWORK = ("http.client", "httpx", "requests", "socket", "urllib.request", "urllib3")


def _imported(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_clients_are_made_in_one_place_and_nothing_else_speaks_to_the_network() -> None:
    home = f"{CLIENT.rpartition('.')[0].replace('.', '/')}.py"
    for path in sorted((ROOT / ROOM).rglob("*.py")):
        for name in _imported(ast.parse(path.read_text())):
            assert name not in NETWORK, path
            if name.partition(".")[0] in SDK and name not in SERIALISERS:
                assert path.relative_to(ROOT).as_posix() == home, f"{path} imports {name}"


def test_every_file_that_makes_or_uses_a_client_is_read_for_some_function() -> None:
    read = {
        unit.module
        for function in Function
        for unit in Walk(index(), f"{ROOM}.{function}.handler").units
    }
    makers = {name for name, row in index().modules.items() if CLIENT in row.imports.values()}
    assert makers
    assert makers <= read


def test_every_function_of_the_list_has_a_handler_and_every_handler_is_in_the_list() -> None:
    handlers = {path.parent.name for path in (ROOT / ROOM).glob("*/handler.py")}
    assert handlers == {function.value for function in Function}


def _planted(tmp_path: Path, file: str, old: str, new: str) -> Index:
    shutil.copytree(ROOT / ROOM, tmp_path / ROOM)
    path = tmp_path / ROOM / file
    text = path.read_text()
    assert text.count(old) == 1, f"{file} no longer holds the place to plant at"
    path.write_text(text.replace(old, new))
    return Index(tmp_path)


RECORDS = "stores/customer_records.py"
PLACE = '        item = found.get("Item")\n'
OTHER_TABLE = (
    "        self._client.update_item(TableName=Table.CONTROL.value.physical_name(), Key={})\n"
)


def test_a_planted_call_of_a_store_is_seen_where_the_store_is_used_and_nowhere_else(
    tmp_path: Path,
) -> None:
    planted = _planted(
        tmp_path,
        RECORDS,
        PLACE,
        "        self._client.delete_item(TableName=table, Key={})\n" + PLACE,
    )
    new = needs(Function.RECOMMEND, planted) - needs(Function.RECOMMEND)
    assert new == {Need("dynamodb:DeleteItem", "customers")}
    assert needs(Function.REASON_WORKER, planted) == needs(Function.REASON_WORKER)


def test_a_planted_call_on_another_table_is_seen_with_that_table(tmp_path: Path) -> None:
    planted = _planted(tmp_path, RECORDS, PLACE, OTHER_TABLE + PLACE)
    new = needs(Function.RECOMMEND, planted) - needs(Function.RECOMMEND)
    assert Need("dynamodb:UpdateItem", "control") in new


def test_a_planted_client_of_another_service_is_seen(tmp_path: Path) -> None:
    planted = _planted(
        tmp_path,
        "flip_pointer/handler.py",
        "    action = ",
        '    wiring.client("secretsmanager").get_secret_value(SecretId="s")\n    action = ',
    )
    new = needs(Function.FLIP_POINTER, planted) - needs(Function.FLIP_POINTER)
    assert new == {Need("secretsmanager:GetSecretValue")}


def test_a_client_whose_service_is_not_written_out_is_refused(tmp_path: Path) -> None:
    planted = _planted(
        tmp_path,
        "flip_pointer/handler.py",
        "    action = ",
        '    wiring.client(event["service"]).get_item(Key={})\n    action = ',
    )
    with pytest.raises(Unclear):
        needs(Function.FLIP_POINTER, planted)


def test_a_call_in_a_function_that_no_handler_reaches_is_not_counted(tmp_path: Path) -> None:
    planted = _planted(
        tmp_path,
        "flip_pointer/handler.py",
        "def handler(",
        "def unused() -> None:\n"
        '    wiring.client("dynamodb").delete_table(TableName="t")\n\n\ndef handler(',
    )
    assert needs(Function.FLIP_POINTER, planted) == needs(Function.FLIP_POINTER)


def test_makers_of_clients_are_functions_of_the_room() -> None:
    assert all(index().function(name) for name in CLIENT_MAKERS)

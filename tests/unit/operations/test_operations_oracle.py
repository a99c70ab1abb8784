"""A simulated delivery goes out with the oracle of its own bank, or not at all."""

from pathlib import Path

import pytest

from configs.contracts.storage import ORACLE_ENDING, ORIGIN_FILE
from configs.errors import SettingsError
from operations.access import OperationError
from operations.oracle import delivered_oracle
from tests.fixtures.oracles import oracle_json, simulated_delivery


def test_the_oracle_beside_the_folder_is_taken(tmp_path: Path) -> None:
    folder = simulated_delivery(tmp_path / "bank")
    found = delivered_oracle(folder, data_hash="abc")
    assert found == {"data_hash": "abc", "ceilings": oracle_json()}


def test_a_missing_oracle_is_refused_with_the_command_that_makes_it(tmp_path: Path) -> None:
    folder = simulated_delivery(tmp_path / "bank")
    (tmp_path / f"bank{ORACLE_ENDING}").unlink()
    with pytest.raises(OperationError, match=r"oracle --data .*bank --workers"):
        delivered_oracle(folder, data_hash="abc")


@pytest.mark.parametrize(
    "change", [{"seed": 2}, {"customers": 50}, {"months": 30}, {"bank": "other"}]
)
def test_the_oracle_of_another_bank_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    folder = simulated_delivery(tmp_path / "bank", **change)
    with pytest.raises(OperationError, match=next(iter(change))):
        delivered_oracle(folder, data_hash="abc")


def test_a_folder_of_unknown_origin_is_refused(tmp_path: Path) -> None:
    folder = simulated_delivery(tmp_path / "bank")
    (folder / ORIGIN_FILE).unlink()
    with pytest.raises(OperationError, match="nobody knows which bank"):
        delivered_oracle(folder, data_hash="abc")


@pytest.mark.parametrize("change", [{"kind": "detector_oracle"}, {"paths": 255}, {"more": 1}])
def test_another_artefact_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    folder = simulated_delivery(tmp_path / "bank", **change)
    with pytest.raises(SettingsError, match=next(iter(change))):
        delivered_oracle(folder, data_hash="abc")


@pytest.mark.parametrize("content", ["", '{"kind": "state', "\N{BYTE ORDER MARK}{}"])
@pytest.mark.parametrize("name", [f"bank{ORACLE_ENDING}", f"bank/{ORIGIN_FILE}"])
def test_a_torn_file_is_refused_by_name(tmp_path: Path, name: str, content: str) -> None:
    folder = simulated_delivery(tmp_path / "bank")
    (tmp_path / name).write_text(content)
    with pytest.raises(OperationError, match=f"{name} is not JSON"):
        delivered_oracle(folder, data_hash="abc")


def test_an_origin_that_is_a_list_is_refused(tmp_path: Path) -> None:
    folder = simulated_delivery(tmp_path / "bank")
    (folder / ORIGIN_FILE).write_text("[]")
    with pytest.raises(OperationError, match="holds no JSON object, found list"):
        delivered_oracle(folder, data_hash="abc")


def test_an_oracle_that_is_a_list_is_refused(tmp_path: Path) -> None:
    folder = simulated_delivery(tmp_path / "bank")
    (tmp_path / f"bank{ORACLE_ENDING}").write_text("[]")
    with pytest.raises(SettingsError, match=rf"bank\{ORACLE_ENDING}"):
        delivered_oracle(folder, data_hash="abc")

"""Loading YAML: every mistake names file, key path, value and remedy, and starts nothing."""

from pathlib import Path

import pytest
from pydantic import Field

from configs.errors import SettingsError
from configs.settings.base import Strict, load, read_yaml


class Inner(Strict):
    rate: float = Field(gt=0, lt=1)


class Outer(Strict):
    name: str
    inner: Inner


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "some.yaml"
    path.write_text(text)
    return path


def test_valid_file_loads(tmp_path: Path) -> None:
    loaded = load(Outer, write(tmp_path, "name: a\ninner: {rate: 0.5}\n"))
    assert loaded == Outer(name="a", inner=Inner(rate=0.5))


def test_unknown_key_names_file_path_and_allowed_keys(tmp_path: Path) -> None:
    path = write(tmp_path, "name: a\ninner: {rate: 0.5, rte: 1}\n")
    with pytest.raises(SettingsError) as caught:
        load(Outer, path)
    message = str(caught.value)
    assert str(path) in message
    assert "inner.rte" in message
    assert "allowed: rate" in message
    assert "remedy" in message


def test_bad_value_names_key_and_value(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"inner\.rate: .*less than 1.*found 7"):
        load(Outer, write(tmp_path, "name: a\ninner: {rate: 7}\n"))


def test_every_fault_is_reported_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(Outer, write(tmp_path, "nam: a\ninner: {rate: 7}\n"))
    for key in ("nam", "name", "inner.rate"):
        assert f": {key}: " in str(caught.value)


def test_repeated_key_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="'name' stands twice"):
        load(Outer, write(tmp_path, "name: a\nname: b\ninner: {rate: 0.5}\n"))


def test_missing_file_names_those_present(tmp_path: Path) -> None:
    write(tmp_path, "")
    with pytest.raises(SettingsError, match="one of those present: some"):
        read_yaml(tmp_path / "other.yaml")


@pytest.mark.parametrize("text", ["a: [1", "a: !!python/object:os.system {}", "\x00"])
def test_invalid_yaml_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match="not valid YAML"):
        read_yaml(write(tmp_path, text))

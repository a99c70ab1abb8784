"""Manifests and checks: an altered, missing or unmeasured thing never passes."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.contracts.artefacts import (
    CHECKS_NAME,
    MANIFEST_NAME,
    Check,
    Manifest,
    canonical_json,
    digest,
    list_files,
    write_checks,
)
from configs.errors import ArtefactError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def manifest_of(folder: Path, *, run_id: str = "run-a") -> Manifest:
    return Manifest("phase0", "key", run_id, "c", "v", "d", "0.1.0", list_files(folder))


@pytest.fixture
def output(tmp_path: Path) -> Path:
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "a.bin").write_bytes(b"abc")
    (tmp_path / "b.json").write_text("{}")
    return tmp_path


@given(JSON)
def test_canonical_json_round_trips_and_ignores_key_order(value: object) -> None:
    assert json.loads(canonical_json(value)) == value
    if isinstance(value, dict):
        assert digest(dict(reversed(value.items()))) == digest(value)


def test_canonical_json_refuses_nan() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"x": float("nan")})


def test_manifest_round_trip(output: Path) -> None:
    path = manifest_of(output).write(output)
    parsed = Manifest.parse(path.read_bytes())
    assert parsed == manifest_of(output)
    assert [entry.path for entry in parsed.files] == ["b.json", "part/a.bin"]
    parsed.verify(output)


def test_content_hash_depends_on_bytes_not_on_run(output: Path) -> None:
    first = manifest_of(output, run_id="run-a").content_hash
    assert manifest_of(output, run_id="run-b").content_hash == first
    (output / "b.json").write_text("{ }")
    assert manifest_of(output).content_hash != first


@pytest.mark.parametrize("fault", ["missing", "longer", "same-size"])
def test_changed_output_does_not_verify(output: Path, fault: str) -> None:
    manifest = manifest_of(output)
    target = output / "part" / "a.bin"
    if fault == "missing":
        target.unlink()
    else:
        target.write_bytes(b"abcd" if fault == "longer" else b"abd")
    with pytest.raises(ArtefactError, match=r"a\.bin"):
        manifest.verify(output)


def test_altered_manifest_is_refused(output: Path) -> None:
    raw = json.loads(manifest_of(output).write(output).read_bytes())
    raw["files"][0]["sha256"] = "0" * 64
    with pytest.raises(ArtefactError, match="altered"):
        Manifest.parse(json.dumps(raw))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"content_hash": "x"}', "null"])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(ArtefactError):
        Manifest.parse(text)


def test_manifest_lists_everything_but_itself(output: Path) -> None:
    manifest_of(output).write(output)
    assert MANIFEST_NAME not in {entry.path for entry in list_files(output)}


def test_unmeasured_check_is_written_as_failed(tmp_path: Path) -> None:
    checks = [
        Check("a", passed=True, blocking=True, value=None, bound="< 1", detail="not measured"),
        Check("b", passed=True, blocking=True, value=0.0, bound="< 1", detail="fine"),
    ]
    write_checks(tmp_path, checks)
    rows = json.loads((tmp_path / CHECKS_NAME).read_text())["checks"]
    assert [row["passed"] for row in rows] == [False, True]

"""Parts of several hosts: all of them or nothing, and no host's failure is lost."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.contracts.artefacts import Check, FileEntry, Manifest
from configs.contracts.parts import join_checks, join_manifests, part_of, parts_among
from configs.errors import ArtefactError

NAME = "manifest.json"


def entry(path: str, sha256: str = "a") -> FileEntry:
    return FileEntry(path, 1, sha256)


def manifest(*files: FileEntry) -> Manifest:
    return Manifest("phase0", "key", "run", "config", "code", "data", "0.1.0", files)


def checks(*rows: Check) -> bytes:
    return json.dumps({"checks": [asdict(row) for row in rows]}).encode()


def check(name: str, **changes: Any) -> Check:
    row = Check(name, passed=True, blocking=True, value=0.0, bound="= 0", detail="all well")
    return replace(row, **changes)


def test_the_only_host_leaves_the_document_itself() -> None:
    assert part_of(NAME, index=0, count=1) == NAME
    assert parts_among([NAME, "a.txt"], NAME) == (NAME,)


@given(st.integers(2, 100), st.randoms(use_true_random=False))
def test_all_parts_are_found_in_the_order_of_their_hosts(count: int, random: Any) -> None:
    parts = [part_of(NAME, index=index, count=count) for index in range(count)]
    present = [*parts, "a.txt", "sub/manifest-0-of-9.json", "manifest-0-of-2.json.bak"]
    random.shuffle(present)
    assert parts_among(present, NAME) == tuple(parts)
    # What was made from the parts stands beside them after the first commit.
    assert parts_among([*present, NAME], NAME) == tuple(parts)


@given(
    st.integers(2, 30).flatmap(lambda count: st.tuples(st.just(count), st.integers(0, count - 1)))
)
def test_a_lost_part_is_missed_even_where_a_whole_document_lies(case: tuple[int, int]) -> None:
    count, lost = case
    parts = [part_of(NAME, index=index, count=count) for index in range(count) if index != lost]
    for present in (parts, [*parts, NAME]):
        with pytest.raises(ArtefactError, match=f"manifest-{lost}-of-{count}.json is missing"):
            parts_among(present, NAME)


@pytest.mark.parametrize(
    "present",
    [
        [],
        ["a.txt", "manifest.txt"],
        ["manifest-0-of-2.json", "manifest-1-of-3.json"],
        ["manifest-0-of-2.json", "manifest-1-of-2.json", "manifest-2-of-2.json"],
        ["manifest-0-of-2.json", "manifest-01-of-2.json"],
        ["manifest-0-of-1.json"],
        ["manifest-0-of-0.json"],
    ],
)
def test_what_is_not_one_part_of_every_host_is_refused(present: list[str]) -> None:
    with pytest.raises(ArtefactError, match=r"manifest\.json"):
        parts_among(present, NAME)


def test_a_joined_manifest_is_that_of_one_host_whatever_the_division() -> None:
    files = [entry("a"), entry("b"), entry("c/d")]
    alone = manifest(*files)
    assert join_manifests([alone]) == alone
    assert join_manifests([manifest(files[2]), manifest(files[0], files[1])]) == alone
    assert join_manifests([manifest(files[2]), alone]).content_hash == alone.content_hash


def test_a_file_of_two_hosts_with_different_bytes_is_refused() -> None:
    for other in (entry("a", "b"), FileEntry("a", 2, "a")):
        with pytest.raises(ArtefactError, match="left a with different bytes"):
            join_manifests([manifest(entry("a")), manifest(other)])


@pytest.mark.parametrize("field", [name for name in asdict(manifest()) if name != "files"])
def test_parts_of_different_work_are_refused(field: str) -> None:
    change: dict[str, Any] = {field: "another"}
    with pytest.raises(ArtefactError, match="did not do the same work"):
        join_manifests([manifest(entry("a")), replace(manifest(entry("b")), **change)])


def test_checks_on_which_all_hosts_agree_stand_once_and_others_by_host() -> None:
    same, mine = check("tasks"), check("screen", value=0.7)
    other = check("screen", value=0.9, passed=False)
    rows = join_checks([checks(same, mine), checks(other, same)])["checks"]
    assert rows == [
        asdict(same),
        asdict(mine) | {"detail": "host 0 of 2: all well"},
        asdict(other) | {"detail": "host 1 of 2: all well"},
    ]
    assert [row["passed"] for row in rows] == [True, True, False]


@pytest.mark.parametrize(
    "part",
    [
        checks(check("a")),
        checks(check("a"), check("b"), check("c")),
        checks(),
        b"",
        b"[]",
        b'{"checks": null}',
        b'{"checks": {"name": "a"}}',
        b'{"checks": [{"name": "a"}, {"name": "b"}]}',
    ],
)
@pytest.mark.parametrize("place", [0, 1])
def test_a_host_that_made_other_checks_or_none_is_refused(part: bytes, place: int) -> None:
    parts = [checks(check("a"), check("b"))]
    parts.insert(place, part)
    with pytest.raises(ArtefactError, match=r"host.* check"):
        join_checks(parts)

"""A document that each host of a sharded job leaves a part of, and the whole of all parts."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from configs.contracts.artefacts import FileEntry, Manifest
from configs.errors import ArtefactError

_AGAIN = "run the stage again"


def part_of(name: str, *, index: int, count: int) -> str:
    """Return the name of one host's part: `checks.json` alone, else `checks-0-of-2.json`.

    Args:
        name: of the whole document.
        index: place of the host, from 0.
        count: hosts of the job.
    """
    path = PurePosixPath(name)
    return name if count == 1 else f"{path.stem}-{index}-of-{count}{path.suffix}"


def parts_among(names: Iterable[str], name: str) -> tuple[str, ...]:
    """Return the names of all parts of a document in the order of their hosts.

    Where there are parts, a document that bears the name itself was made from them.

    Raises:
        ArtefactError: there is no part, or not exactly one of every host.
    """
    path = PurePosixPath(name)
    shape = re.compile(rf"{re.escape(path.stem)}-\d+-of-(\d+){re.escape(path.suffix)}")
    present = set(names)
    found = {match[0]: int(match[1]) for one in present if (match := shape.fullmatch(one))}
    if not found:
        if name not in present:
            raise ArtefactError(f"no host left {name}", remedy=_AGAIN)
        return (name,)
    if len(counts := set(found.values())) > 1:
        raise ArtefactError(f"parts of {name} are of {sorted(counts)} hosts", remedy=_AGAIN)
    count = counts.pop()
    wanted = tuple(part_of(name, index=index, count=count) for index in range(count))
    if wrong := found.keys() ^ set(wanted):
        raise ArtefactError(
            f"the parts of {name} are not those of {count} hosts: "
            f"{min(wrong)} is {'missing' if min(wrong) in wanted else 'none of them'}",
            remedy=_AGAIN,
        )
    return wanted


def join_manifests(parts: Sequence[Manifest]) -> Manifest:
    """Return the manifest of what all hosts left together.

    Raises:
        ArtefactError: the parts are of different work, or two hosts left a file with other bytes.
    """
    first = parts[0]
    files: dict[str, FileEntry] = {}
    for part in parts:
        if replace(part, files=()) != replace(first, files=()):
            raise ArtefactError(
                f"the hosts of stage {first.stage} did not do the same work: "
                f"{replace(part, files=())} is not {replace(first, files=())}",
                remedy=_AGAIN,
            )
        for entry in part.files:
            if files.setdefault(entry.path, entry) != entry:
                raise ArtefactError(
                    f"two hosts of stage {first.stage} left {entry.path} with different bytes",
                    remedy=_AGAIN,
                )
    return replace(first, files=tuple(files[path] for path in sorted(files)))


def join_checks(parts: Sequence[bytes]) -> dict[str, Any]:
    """Return the checks of all hosts: a row on which all agree once, otherwise each host's own.

    A gate passes only if all rows of a name do, so one host's failure is the stage's.

    Raises:
        ArtefactError: a part holds no readable checks, or other checks than the first.
    """
    rows = [_rows(part) for part in parts]
    names = list(dict.fromkeys(row["name"] for row in rows[0]))
    for index, mine in enumerate(rows):
        if odd := {row["name"] for row in mine} ^ set(names):
            raise ArtefactError(
                f"host {index} did not make the same checks as host 0: {', '.join(sorted(odd))}",
                remedy=_AGAIN,
            )
    joined = []
    for name in names:
        by_host = [[row for row in mine if row["name"] == name] for mine in rows]
        if all(mine == by_host[0] for mine in by_host):
            joined += by_host[0]
            continue
        joined += [
            row | {"detail": f"host {index} of {len(rows)}: {row['detail']}"}
            for index, mine in enumerate(by_host)
            for row in mine
        ]
    return {"checks": joined}


def _rows(part: bytes) -> list[dict[str, Any]]:
    try:
        rows = json.loads(part)["checks"]
        if rows and all(isinstance(row["name"], str) and "detail" in row for row in rows):
            return list(rows)
    except (ValueError, TypeError, KeyError) as error:
        raise ArtefactError(f"a host's checks cannot be read: {error!r}", remedy=_AGAIN) from error
    raise ArtefactError("a host left no checks that can be read", remedy=_AGAIN)

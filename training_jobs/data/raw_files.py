"""Checks of delimited files byte by byte, before any parser sees them."""

import csv
import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from configs.settings.sources import Source
from training_jobs.data.violations import Violation

_CHUNK = 1 << 22
_DELIMITERS = (";", ",", "\t", "|")
_HEADER_BYTES = 1 << 16


@dataclass
class _Scan:
    """What one pass over the bytes found."""

    size: int = 0
    nul: int = 0
    long_lines: int = 0
    longest: int = 0
    bad_text: int = 0
    rows: int = 0


def _open(path: Path) -> IO[bytes]:
    """Open a file for reading bytes; `.gz` is unpacked on the way."""
    return cast(IO[bytes], gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def _decodes(block: bytes, encoding: str) -> bool:
    try:
        block.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _scan(path: Path, *, line_bytes: int, encoding: str) -> _Scan:
    """Read the file in chunks; a line longer than a chunk never sits in memory as a whole."""
    found = _Scan()
    run = 0  # bytes of the line that is open at the end of the chunk
    rest = b""  # the open line itself, as long as it may still be valid
    with _open(path) as stream:
        while chunk := stream.read(_CHUNK):
            found.size += len(chunk)
            found.nul += chunk.count(b"\0")
            lines = chunk.split(b"\n")
            for number, line in enumerate(lines):
                run += len(line)
                if number == len(lines) - 1:
                    break
                found.rows += 1
                found.longest = max(found.longest, run)
                found.long_lines += run > line_bytes
                run = 0
            whole, _, tail = (rest + chunk).rpartition(b"\n")
            if not _decodes(whole, encoding):
                found.bad_text += sum(not _decodes(line, encoding) for line in whole.split(b"\n"))
            rest = tail[: line_bytes + 1]
    if run:
        found.rows += 1
        found.longest = max(found.longest, run)
        found.long_lines += run > line_bytes
        found.bad_text += run <= line_bytes and not _decodes(rest, encoding)
    return found


def header(path: Path, source: Source) -> list[str]:
    """Return the column names in the first line of a delimited file."""
    with _open(path) as stream:
        line = stream.readline(_HEADER_BYTES).decode(source.encoding, errors="replace")
    line = line.removeprefix("\ufeff").strip("\r\n\0 ")
    if not line:
        return []
    parsed = next(csv.reader([line], delimiter=source.delimiter, quotechar=source.quote))
    return [cell.strip() for cell in parsed]


def _header_violations(path: Path, table: str, source: Source) -> list[Violation]:
    names = header(path, source)
    missing = [column for column in source.columns if column not in names]
    if not missing:
        repeated = sorted({column for column in names if names.count(column) > 1})
        return [
            Violation(
                path.name, table, ", ".join(repeated), "column named twice", len(repeated), (),
                "give every column its own name",
            )
        ] if repeated else []  # fmt: skip
    others = [
        mark
        for mark in _DELIMITERS
        if mark != source.delimiter and len(names) == 1 and mark in names[0]
    ]
    if others:
        return [
            Violation(
                path.name,
                table,
                ", ".join(missing),
                f"wrong delimiter (the header is divided by {others[0]!r}, "
                f"declared is {source.delimiter!r})",
                1,
                (names[0][:60],),
                f"deliver the file with {source.delimiter!r} or declare the other delimiter",
            )
        ]
    return [
        Violation(
            path.name,
            table,
            column,
            "missing column",
            1,
            (f"found: {', '.join(names)[:120]}",),
            f"deliver the file with a column '{column}' or correct sources.{table}.columns",
        )
        for column in missing
    ]


def check_delimited(path: Path, *, table: str, source: Source, line_bytes: int) -> list[Violation]:
    """Return the faults of one delimited file: empty, NUL, over-long line, encoding, header.

    Args:
        path: the file.
        table: name of the source.
        source: its declaration.
        line_bytes: longest line accepted.
    """
    try:
        found = _scan(path, line_bytes=line_bytes, encoding=source.encoding)
    except (OSError, EOFError, zlib.error):
        return [
            Violation(
                path.name, table, "", "not a readable file", 1, (),
                "deliver the file again; a cut archive is not accepted",
            )
        ]  # fmt: skip
    if found.size == 0:
        return [
            Violation(
                path.name, table, "", "empty file", 1, (), "deliver the file with its content"
            )
        ]
    faults = []
    if found.nul:
        faults.append(
            Violation(
                path.name, table, "", "NUL bytes", found.nul, (),
                "export the file again as plain text",
            )
        )  # fmt: skip
    if found.long_lines:
        faults.append(
            Violation(
                path.name,
                table,
                "",
                f"lines over {line_bytes} bytes",
                found.long_lines,
                (f"longest: {found.longest} bytes",),
                "check the line ends and quotes of the export, or raise limits.line_bytes",
            )
        )
    if found.bad_text:
        faults.append(
            Violation(
                path.name,
                table,
                "",
                f"lines that are not {source.encoding}",
                found.bad_text,
                (),
                "export the file in the declared encoding, or declare the one it has",
            )
        )
    if found.rows < 2 and not faults:
        faults.append(
            Violation(
                path.name, table, "", "no rows below the header", 1, (),
                "deliver the file with its content",
            )
        )  # fmt: skip
    return faults + _header_violations(path, table, source)

"""What a column is called and how a reader is told about it, in Korean and English.

An entry names its columns outright or by a pattern with placeholders: `{product}`, `{group}` and
`{category}` stand for a code whose names come from the data set, `{days}` and `{number}` for a
number. A column has exactly one entry: a column named outright takes precedence over a pattern.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from configs.errors import SettingsError
from configs.settings.base import Strict, read_yaml

Unit = Literal[
    "count",
    "days",
    "months",
    "years",
    "money",
    "share",
    "ratio",
    "score",
    "flag",
    "category",
    "none",
]
PLACEHOLDERS = {
    "product": r"[A-Za-z0-9_]+",
    "group": r"[A-Za-z0-9_]+",
    "category": r"[A-Za-z0-9_]+",
    "days": r"[0-9]+",
    "number": r"[0-9]+",
}
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Text(Strict):
    """The same text in Korean and English."""

    ko: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def fill(self, values: Mapping[str, "Text"]) -> "Text":
        """Return the text with its placeholders replaced."""
        return Text(
            ko=self.ko.format(**{key: value.ko for key, value in values.items()}),
            en=self.en.format(**{key: value.en for key, value in values.items()}),
        )


class Entry(Strict):
    """One column as a reader sees it.

    Attributes:
        name: what it is called.
        unit: how a value is shown.
        period: the time it covers, if it covers one.
        up: adjective phrase for a value above the usual.
        down: the same for a value below.
        sentence: what the column says, one sentence.
        protected: never an input of a decision; kept for fairness measurement.
    """

    name: Text
    unit: Unit
    period: Text | None = None
    up: Text
    down: Text
    sentence: Text
    protected: bool = False

    def fill(self, values: Mapping[str, Text]) -> "Entry":
        """Return the entry with the placeholders of all its texts replaced."""
        return Entry(
            name=self.name.fill(values),
            unit=self.unit,
            period=self.period.fill(values) if self.period else None,
            up=self.up.fill(values),
            down=self.down.fill(values),
            sentence=self.sentence.fill(values),
            protected=self.protected,
        )


class ColumnEntry(Entry):
    """An entry with the columns it is for.

    Attributes:
        columns: names of columns, or patterns with placeholders.
    """

    columns: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _placeholders_known(self) -> "ColumnEntry":
        for column in self.columns:
            given = set(_PLACEHOLDER.findall(column))
            if unknown := given - set(PLACEHOLDERS):
                raise ValueError(f"'{column}': unknown placeholder {', '.join(sorted(unknown))}")
            for text in (self.name, self.up, self.down, self.sentence, self.period):
                if text is None:
                    continue
                used = {*_PLACEHOLDER.findall(text.ko), *_PLACEHOLDER.findall(text.en)}
                if used - given:
                    raise ValueError(f"'{column}': a text uses {', '.join(sorted(used - given))}")
        return self


class Glossary(Strict):
    """All entries."""

    entries: tuple[ColumnEntry, ...]

    @model_validator(mode="after")
    def _columns_unique(self) -> "Glossary":
        columns = [column for entry in self.entries for column in entry.columns]
        for column in columns:
            if columns.count(column) > 1:
                raise ValueError(f"column '{column}' stands twice")
        return self

    def resolve(self, column: str, names: Mapping[str, Mapping[str, Text]]) -> Entry:
        """Return the entry of `column` with its placeholders filled in.

        Args:
            column: name of a feature column.
            names: `product`, `group` and `category` -> code as it stands in column names -> its
                names.

        Raises:
            SettingsError: the column has no entry, or two patterns fit it.
        """
        literal = [entry for entry in self.entries if column in entry.columns]
        found = [(entry, dict[str, str]()) for entry in literal] or [
            (entry, match.groupdict())
            for entry in self.entries
            for pattern in entry.columns
            if (match := _compile(pattern).fullmatch(column))
        ]
        if len(found) != 1:
            raise SettingsError(
                f"column '{column}' has {len(found)} glossary entries",
                remedy="give it exactly one in configs/glossary/",
            )
        entry, groups = found[0]
        values = {kind: _named(column, kind, code, names) for kind, code in groups.items()}
        return entry.fill(values)


def _named(column: str, kind: str, code: str, names: Mapping[str, Mapping[str, Text]]) -> Text:
    if kind in ("days", "number"):
        return Text(ko=code, en=code)
    try:
        return names[kind][code]
    except KeyError as error:
        raise SettingsError(
            f"column '{column}': the data set has no name for {kind} '{code}'",
            remedy=f"name the {kind} in the catalogue or the category tree",
        ) from error


@cache
def _compile(pattern: str) -> re.Pattern[str]:
    parts = []
    for index, part in enumerate(_PLACEHOLDER.split(pattern)):
        parts.append(f"(?P<{part}>{PLACEHOLDERS[part]})" if index % 2 else re.escape(part))
    return re.compile("".join(parts))


def read_glossary(folder: Path) -> dict[str, Any]:
    """Return the joined content of all YAML files in `folder`, in the order of their names.

    Raises:
        SettingsError: the folder holds no file, or a file has no list `entries`.
    """
    entries: list[Any] = []
    for path in sorted(folder.glob("*.yaml")):
        raw = read_yaml(path)
        if not isinstance(raw, dict) or not isinstance(raw.get("entries"), list) or len(raw) != 1:
            raise SettingsError(
                f"{path}: the only key allowed is 'entries', a list", remedy="mend the file"
            )
        entries += raw["entries"]
    if not entries:
        raise SettingsError(f"{folder} holds no glossary", remedy="add a YAML file with 'entries'")
    return {"entries": entries}

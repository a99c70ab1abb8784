"""What the check of a data set found, as text for a person."""

from collections.abc import Iterator
from statistics import median
from typing import Any

from configs.settings.dataset import DatasetSettings
from training_jobs.data.rates import rates_by_month

SPLITS = ("train", "selection", "calibration", "test")
COUNTED = ("customers", "holdings", "transactions")
"""Figures of a month that say how much of it there is."""

GROUPS_TITLE = (
    "feature group (on: its inputs are there; what never varies is dropped later, by name)"
)


def _rate(task: dict[str, Any], split: str) -> str:
    mean = task["counts"][split]["mean"]
    return f"{mean:10.4f}" if mean is not None else f"{'':10}"


def _coverage(profile: dict[str, Any]) -> Iterator[str]:
    yield "Rows in the files: " + ", ".join(
        f"{source} {rows:,}" for source, rows in profile["sources"].items()
    )
    yield ""
    yield f"{'table':18}{'rows':>12}{'customers':>12}  from .. to"
    for table, facts in profile["tables"].items():
        span = f"{facts['first'][:10]} .. {facts['last'][:10]}"
        yield f"{table:18}{facts['rows']:>12,}{facts['customers']:>12,}  {span}"
    for what in COUNTED:
        counts = {row["month"]: row[what] for row in profile["monthly"] if what in row}
        if counts:
            thin = min(counts, key=lambda month: (counts[month], month))
            yield (
                f"{what} a month: {median(counts.values()):,.0f} at the median, "
                f"fewest in {thin} ({counts[thin]:,})"
            )


def _splits(found: dict[str, Any], dataset: DatasetSettings) -> Iterator[str]:
    given = dataset.splits.model_dump(mode="json")
    for title, splits in (("as_of", given), ("proposed", found["proposed_splits"])):
        if splits is None:
            yield f"{title:10}none: the months are too few"
        elif title == "as_of" or splits != given:
            months = "; ".join(f"{part} {', '.join(splits[part])}" for part in list(given)[:3])
            yield f"{title:10}{months}; serving {dataset.serving}"
    yield f"{'examples':10}" + ", ".join(f"{k} {v:,}" for k, v in found["splits"].items())
    yield f"{'fitted on':10}{found['fit_customers']:,} train customers, up to {dataset.fit_cutoff}"


def _tasks(found: dict[str, Any]) -> Iterator[str]:
    yield (
        f"{'task':26}{'':5}{'train':>10}{'selection':>10}{'calibr.':>10}{'test':>10}"
        "  mean label, or why off"
    )
    for task in found["tasks"]:
        rates = "".join(_rate(task, split) for split in SPLITS)
        note = task["reason"] or (f"{len(task['classes'])} classes" if task["classes"] else "")
        yield f"{task['name']:26}{task['status']:5}{rates}  {note}".rstrip()


def _inputs(rows: list[dict[str, Any]], kind: str, title: str) -> Iterator[str]:
    yield title
    for row in rows:
        yield f"{row[kind]:32}{row['status']:5}{row['reason'] or ''}".rstrip()


def _remedies(found: dict[str, Any]) -> Iterator[str]:
    """Yield what to supply, each remedy once with all that it would switch on."""
    wanted: dict[str, list[str]] = {}
    for key, kind in (("tasks", "name"), ("groups", "group"), ("tensors", "tensor")):
        for row in found[key]:
            if row["status"] == "off":
                wanted.setdefault(row["remedy"], []).append(row[kind])
    if wanted:
        yield ""
        yield "To switch on what is off:"
    for remedy, names in wanted.items():
        yield f"  {remedy}"
        yield f"      for {', '.join(names)}"


def describe(found: dict[str, Any], dataset: DatasetSettings) -> str:
    """Return the findings as text: coverage, splits, tasks, groups, experts, remedies.

    Args:
        found: what `examine` returned.
        dataset: the data set.
    """
    span = f"{dataset.first_month} to {dataset.last_month}, {dataset.time_zone}"
    lines = [f"Data set {dataset.name} ({dataset.titles.en}), {span}"]
    if not found["ok"]:
        lines.append(f"{len(found['violations'])} violations of the data contract:")
        return "\n".join([*lines, "", found["text"], "", "Nothing was written."])
    blocks = (
        _coverage(found["profile"]),
        _splits(found, dataset),
        _tasks(found),
        rates_by_month(found["tasks"]),
        _inputs(found["groups"], "group", GROUPS_TITLE),
        _inputs(found["tensors"], "tensor", "side tensor"),
        _inputs(found["experts"], "expert", "expert"),
    )
    for block in blocks:
        lines += ["", *block]
    return "\n".join([*lines, *_remedies(found)])

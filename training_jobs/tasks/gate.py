"""The viability gate: which tasks the data can carry, and why the others are off."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from configs.settings.tasks import Task, TasksSettings
from training_jobs.absence import Off
from training_jobs.evaluation.ledger import Ledger
from training_jobs.tasks.base import Setting, method_of

GATED_SPLITS = ("train", "selection", "calibration", "test")
COLD = "cold"
"""Test rows of customers who are never trained on, counted apart from test."""
READ_FOR = {
    "train": "counts for the viability gate; class merges",
    "selection": "counts for the viability gate",
    "calibration": "counts for the viability gate",
    "test": "counts for the viability gate: may switch a task off, chooses nothing",
}
"""Why the viability gate reads the labels of a split."""
MORE = "deliver more customers, more months for the split, or lengthen horizon_months"
OTHER = "other"
"""Label of pooled classes; label methods with a class of the rest call it so too."""


@dataclass
class Tally:
    """Rows and label values by task and split, and by `as_of` within it, summed over shards."""

    rows: Counter[str] = field(default_factory=Counter)
    values: dict[tuple[str, str], Counter[float]] = field(default_factory=dict)
    rows_at: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(split, as_of as ISO text) -> rows."""
    values_at: dict[tuple[str, str, str], Counter[float]] = field(default_factory=dict)
    """(task, split, as_of) -> label value -> rows."""

    def add(self, table: pa.Table, tasks: TasksSettings) -> None:
        """Count the rows of one shard."""
        for split in (*GATED_SPLITS, COLD):
            cold = split == COLD
            part = table.filter(
                pc.and_(
                    pc.equal(table["split"], "test" if cold else split),
                    table["cold"] if cold else pc.invert(table["cold"]),
                )
            )
            self.rows[split] += part.num_rows
            for as_of in sorted(pc.unique(part["as_of"]).to_pylist()):
                self._add_at(
                    split,
                    as_of.isoformat(),
                    part.filter(pc.equal(part["as_of"], as_of)),
                    tasks,
                )

    def _add_at(self, split: str, as_of: str, part: pa.Table, tasks: TasksSettings) -> None:
        self.rows_at[split, as_of] += part.num_rows
        for task in tasks.tasks:
            counts = self.values.setdefault((task.name, split), Counter())
            at = self.values_at.setdefault((task.name, split, as_of), Counter())
            for entry in pc.value_counts(part[f"y_{task.name}"].drop_null()).to_pylist():
                counts[entry["values"]] += entry["counts"]
                at[entry["values"]] += entry["counts"]

    def of(self, task: str, split: str) -> Counter[float]:
        """Return label value -> rows."""
        return self.values.get((task, split), Counter())


@dataclass(frozen=True)
class Merge:
    """How raw classes become final ones: old index -> new index, and the final labels."""

    classes: dict[int, int]
    labels: tuple[str, ...]
    pooled: tuple[str, ...]

    def apply(self, raw: Counter[float]) -> Counter[float]:
        """Return final class -> rows."""
        merged: Counter[float] = Counter()
        for value, rows in raw.items():
            merged[float(self.classes[int(value)])] += rows
        return merged

    @property
    def changes(self) -> bool:
        """Whether any class index moves."""
        return any(old != new for old, new in self.classes.items())


def _merge(labels: tuple[str, ...], counts: Counter[float], least: int) -> Merge:
    """Pool classes under `least` train rows, and the next smallest until the pool reaches it.

    A method's own class of the rest joins the pool: two classes of one name cannot be told apart.
    """
    order = sorted(range(len(labels)), key=lambda place: (counts[float(place)], -place))
    pool = [place for place in order if counts[float(place)] < least]
    if pool and OTHER in labels and (rest := labels.index(OTHER)) not in pool:
        pool.append(rest)
    for place in order:
        if pool and place not in pool and sum(counts[float(one)] for one in pool) < least:
            pool.append(place)
    kept = [place for place in range(len(labels)) if place not in pool]
    classes = {place: number for number, place in enumerate(kept)}
    final = [labels[place] for place in kept]
    if pool:
        classes |= dict.fromkeys(pool, len(kept))
        final.append(OTHER if len(pool) > 1 else labels[pool[0]])
    pooled = tuple(labels[place] for place in sorted(pool)) if len(pool) > 1 else ()
    return Merge(dict(sorted(classes.items())), tuple(final), pooled)


def merge_classes(tally: Tally, setting: Setting, tasks: TasksSettings) -> dict[str, Merge]:
    """Return the class merge of every multiclass task whose inputs are there."""
    merges = {}
    for task in tasks.tasks:
        method = method_of(task.derivation)
        if method.unmet(task.derivation, setting.dataset) is None:
            labels = method.classes(task.derivation, setting)
            if labels is not None:
                train = tally.of(task.name, "train")
                merges[task.name] = _merge(labels, train, tasks.gate.min_class_rows)
    return merges


def informative(task: Task, values: Counter[float]) -> int:
    """Return the rows from which something can be learnt.

    Binary: of the rarer side. Else: all but those of the most frequent class or value.
    """
    total = values.total()
    if task.type == "binary":
        return min(values[1.0], values[0.0])
    return total - max(values.values(), default=0)


def _mean(values: Counter[float]) -> float | None:
    total = values.total()
    if total == 0:
        return None
    # Sorted, so that the sum does not depend on the order in which shards were counted.
    return sum(value * values[value] for value in sorted(values)) / total


def _viable(
    task: Task, values: dict[str, Counter[float]], tally: Tally, tasks: TasksSettings
) -> Off | None:
    """Return why a task is switched off, None when it stays on."""
    gate = tasks.gate
    minima = gate.minima.model_dump()
    for split in GATED_SPLITS:
        labelled = values[split].total()
        if labelled == 0:
            return Off(
                f"no labelled rows in {split}",
                f"choose {split} months in which customers are observed and the label is known",
            )
        if task.type == "multiclass" and len(values["train"]) < 2:
            return Off("fewer than two classes have enough train rows", MORE)
        found = informative(task, values[split])
        if found < minima[split]:
            what = "rows of the rarer label" if task.type == "binary" else "rows off the commonest"
            return Off(f"{split} has {found} {what}, {minima[split]} are needed", MORE)
        coverage = labelled / tally.rows[split]
        if coverage < gate.min_coverage:
            return Off(
                f"{coverage:.1%} of the {split} rows are labelled, "
                f"{gate.min_coverage:.1%} are needed",
                "deliver what the label is read from for more of the customers",
            )
    if task.type == "binary":
        rates = {split: _mean(values[split]) or 0.0 for split in GATED_SPLITS}
        low, high = min(rates.values()), max(rates.values())
        if high > gate.max_rate_ratio * low:
            return Off(
                f"the base rate drifts from {rates['train']:.3f} in train to "
                f"{rates['test']:.3f} in test, beyond a ratio of {gate.max_rate_ratio}",
                "look for what changed in the bank or in its files between the splits' months",
            )
    return None


def _counts(task: Task, merge: Merge | None, raw: Counter[float]) -> dict[str, Any]:
    """Return what the report says of label values, classes merged."""
    values = merge.apply(raw) if merge else raw
    labels = merge.labels if merge else None
    return {
        "rows": values.total(),
        "positives": values[1.0] if task.type == "binary" else None,
        "classes": [values[float(place)] for place in range(len(labels))] if labels else None,
        "mean": None if labels else _mean(values),
    }


def _by_as_of(task: Task, merge: Merge | None, tally: Tally) -> dict[str, dict[str, Any]]:
    """Return split -> `as_of` -> `examples` and the counts of its labelled rows."""
    found: dict[str, dict[str, Any]] = {split: {} for split in (*GATED_SPLITS, COLD)}
    for (split, as_of), examples in sorted(tally.rows_at.items()):
        at = tally.values_at[task.name, split, as_of]
        found[split][as_of] = {"examples": examples, **_counts(task, merge, at)}
    return found


def _reads(tasks: TasksSettings) -> Ledger:
    """Return the ledger of this job: it derives the labels, and counts them for the gate.

    The gate is the one use of test labels before the evaluation: their number and rate may switch
    a task off, and they fit, choose and rank nothing.
    """
    ledger = Ledger("phase0")
    for split in GATED_SPLITS:
        ledger.record(split, [f"y_{task.name}" for task in tasks.tasks], READ_FOR[split])
    return ledger


def judge(tally: Tally, setting: Setting, tasks: TasksSettings) -> dict[str, Any]:
    """Return the content of `tasks.json`: every task with status, reason and counts by split."""
    merges = merge_classes(tally, setting, tasks)
    entries = []
    for task in tasks.tasks:
        merge = merges.get(task.name)
        raw = {split: tally.of(task.name, split) for split in (*GATED_SPLITS, COLD)}
        values = {
            split: merge.apply(counted) if merge else counted for split, counted in raw.items()
        }
        off = method_of(task.derivation).unmet(task.derivation, setting.dataset) or _viable(
            task, values, tally, tasks
        )
        entries.append(
            {
                "name": task.name,
                "type": task.type,
                "classes": list(merge.labels) if merge else None,
                "merged": list(merge.pooled) if merge else [],
                "loss": task.loss,
                "loss_weight": task.loss_weight,
                "group": task.group,
                "ranking_weight": task.ranking_weight,
                "product_group": task.product_group,
                "metrics": list(task.metrics),
                "persistence": task.persistence,
                "status": "off" if off else "on",
                "reason": off.reason if off else None,
                "remedy": off.remedy if off else None,
                "counts": {split: _counts(task, merge, counted) for split, counted in raw.items()},
                "by_as_of": _by_as_of(task, merge, tally),
            }
        )
    return {
        "rows": dict(sorted(tally.rows.items())),
        "tasks": entries,
        "ledger": _reads(tasks).plain(),
    }

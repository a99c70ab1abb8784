"""`make docs`: writes `docs/phase0.md` from the artefacts in `out/`; a missing one is named.

No figure in that page is typed by hand: each section names the command whose artefact it shows.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.generator import REFERENCE
from benchmarks.record import OUT, ROOT

PAGE = ROOT / "docs" / "phase0.md"
PROOF = ROOT / "out" / "proof"
Artefact = Mapping[str, Any]
SHOWN = 0.01
"""Seconds from which a part of Phase 0 stands in the table."""
PARTS: Mapping[str, tuple[str, ...]] = {
    "SQL part: cut, events, plain groups": (
        "cut",
        "events read",
        "demographics",
        "product_holdings",
        "txn_behavior",
        "derived_temporal",
        "txn_rolling_stats",
        "acquisition_history_multihot",
        "mcc_top30_multihot",
    ),
    "all topology": ("tda_global", "tda_local", "persistence_pairs"),
}
"""What has an aim of its own: name -> groups, tensors and steps whose seconds are its own."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a Markdown table; all columns but the first are aligned right."""
    rule = ["---", *("---:" for _ in head[1:])]
    return [
        f"| {' | '.join(head)} |",
        f"| {' | '.join(rule)} |",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
    ]


def number(value: float, digits: int = 3) -> str:
    """Return a number for a reader: whole above a thousand, else with digits."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{digits}f}"


def _median(artefact: Artefact, name: str) -> float:
    found = next(row for row in artefact["figures"] if row["name"] == name)
    return float(found["median"])


def _origin(artefact: Artefact) -> str:
    origin = artefact["origin"]
    return f"Commit {origin['commit']}, {origin['machine']['cores']} cores."


def _interval(cell: Mapping[str, Any]) -> str:
    return f"{cell['value']:.3f} [{cell['low']:.3f}, {cell['high']:.3f}]"


def groups(artefact: Artefact) -> list[str]:
    """Return the feature groups and what each alone tells of each binary task."""
    tasks = sorted(artefact["rates"])
    short = [task.removeprefix("will_acquire_") for task in tasks]
    rows = []
    for name, auc in artefact["auc"].items():
        row = artefact["groups"].get(name)
        facts = [str(row["columns"]), str(row["columns"] - row["constant"])] if row else ["", ""]
        rows.append([name, *facts, *(f"{auc[task]:.3f}" for task in tasks)])
    present = [artefact["groups"][name] for name in artefact["auc"] if name in artefact["groups"]]
    columns = sum(row["columns"] for row in present)
    return [
        f"{artefact['customers']:,} customers, {artefact['rows']['train']:,} train and "
        f"{artefact['rows']['selection']:,} selection rows; {len(present)} groups, {columns} "
        f"columns. AUC on the selection half of one LightGBM a group and task. "
        + _origin(artefact),
        "",
        *table(["group", "columns", "not constant", *short], rows),
        "Base rates:",
        "",
        *table(
            ["task", "train", "selection"],
            [
                [task, f"{rate['train']:.4f}", f"{rate['selection']:.4f}"]
                for task, rate in sorted(artefact["rates"].items())
            ],
        ),
    ]


def visibility(artefact: Artefact) -> list[str]:
    """Return the visibility matrix of the eligible customers."""
    mechanisms = list(next(iter(artefact["matrix"].values())))
    bounds = artefact["bounds"]
    rows = [
        [lens, *(_interval(line[name]["eligible"]) for name in mechanisms)]
        for lens, line in artefact["matrix"].items()
    ]
    lost = [
        [lens, cell["mechanism"], cell["without"], _interval(cell["eligible"])]
        for lens, cell in artefact["structure"].items()
    ]
    return [
        f"{artefact['customers']:,} customers of seed {artefact['seed']}, "
        f"{artefact['rows']['eligible']:,} rows of customers with at least "
        f"{artefact['eligible']['min_events']} events in {artefact['eligible']['months']} months "
        f"(of {artefact['rows']['all']:,}). AUC of telling that a mechanism is on at `as_of`, out "
        f"of sample by customer. Bounds: own mechanism at least {bounds['diagonal']}, others at "
        f"most {bounds['elsewhere']}, simple aggregates at most {bounds['aggregates']}. "
        f"Bounds broken: {'; '.join(artefact['broken']) or 'none'}.",
        "",
        *table(["lens", *mechanisms], rows),
        "Without the structure that a lens reads:",
        "",
        *table(["lens", "mechanism", "what is taken away", "AUC"], lost),
    ]


def ceilings(artefact: Artefact) -> list[str]:
    """Return what the state oracle reaches."""
    rows = [
        [task, metric, _interval(cell), f"{found['rows']:,}"]
        for task, found in artefact["tasks"].items()
        for metric, cell in found["metrics"].items()
    ]
    return [
        f"{artefact['customers']:,} customers of seed {artefact['seed']}, {artefact['paths']} "
        f"forward paths a customer, {artefact['rows']:,} customers.",
        "",
        *table(["task", "metric", "ceiling", "rows"], rows),
    ]


def detectors(artefact: Artefact) -> list[str]:
    """Return what the reference detectors reach over the observed history."""
    rows = [
        [task, metric, *(_interval(found["inputs"][kind][metric]) for kind in found["inputs"])]
        for task, found in artefact["tasks"].items()
        for metric in next(iter(found["inputs"].values()))
    ]
    kinds = list(next(iter(artefact["tasks"].values()))["inputs"])
    return [
        f"{artefact['customers']:,} customers of seed {artefact['seed']}.",
        "",
        *table(["task", "metric", *kinds], rows),
    ]


def census(artefact: Artefact) -> list[str]:
    """Return prevalences, causes and rates of the simulated bank."""
    rows = [
        [
            name,
            f"{artefact['prevalence'][name]:.4f}",
            " to ".join(map(str, artefact["spell_months"][name])),
            f"{artefact['share_of_caused'][name]:.3f}",
        ]
        for name in artefact["prevalence"]
    ]
    rates = [[name, f"{rate:.4f}"] for name, rate in artefact["rates"].items()]
    return [
        f"{artefact['customers']:,} customers of seed {artefact['seed']}.",
        "",
        *table(["mechanism", "prevalence", "months", "share of caused events"], rows),
        *table(["event in three months", "rate among the eligible"], rates),
    ]


def generator(artefact: Artefact) -> list[str]:
    """Return speed and memory of the generator."""
    projected = (
        f"In proportion {REFERENCE:,} would take "
        f"{number(_median(artefact, 'projected_1m.seconds'), 0)} s (a projection). "
        if artefact["customers"] < REFERENCE
        else ""
    )
    return [
        f"{artefact['customers']:,} customers x {artefact['months']} months: "
        f"{number(_median(artefact, 'seconds'), 1)} s (CPU {number(_median(artefact, 'cpu'), 1)} "
        f"s), {number(_median(artefact, 'rows_per_second'))} rows/s, peak RSS of all processes "
        f"{_median(artefact, 'peak_rss') / 1024**3:.2f} GiB, "
        f"{artefact['bytes_written'] / 1024**2:,.0f} MiB written. " + projected + _origin(artefact),
        "",
    ]


def exponent(smaller: Artefact, larger: Artefact) -> float:
    """Return log(ratio of wall seconds) / log(ratio of customers): 1 is linear."""
    seconds = larger["seconds_total"] / smaller["seconds_total"]
    return math.log(seconds) / math.log(larger["customers"] / smaller["customers"])


def _part(artefact: Artefact, names: Sequence[str]) -> str:
    """Return the seconds of a part, a dash where one of its names was not measured."""
    seconds = artefact["seconds_by_group"] | artefact["seconds_elsewhere"]
    if not seconds.keys() >= set(names):
        return "–"
    return number(sum(seconds[name] for name in names), 1)


def phase0_sizes(artefacts: Sequence[Artefact]) -> list[str]:
    """Return seconds by group of every measured size side by side."""
    artefacts = sorted(artefacts, key=lambda one: int(one["customers"]))
    rows = [
        [name, *(number(one["seconds_by_group"].get(name, 0.0), 2) for one in artefacts)]
        for name in artefacts[-1]["seconds_by_group"]
    ]
    for name in artefacts[-1]["seconds_elsewhere"]:
        spent = [one["seconds_elsewhere"].get(name, 0.0) for one in artefacts]
        # A group that is off leaves a call that does nothing.
        if max(spent) >= SHOWN:
            rows.append([f"({name})", *(number(value, 2) for value in spent)])
    rows += [
        [f"**{part}**", *(_part(one, names) for one in artefacts)] for part, names in PARTS.items()
    ]
    facts: dict[str, Callable[[Artefact], str]] = {
        "wall seconds": lambda one: number(one["seconds_total"], 1),
        "CPU seconds": lambda one: number(_median(one, "cpu"), 1),
        "peak RSS, GiB": lambda one: f"{one['peak_rss_bytes'] / 1024**3:.2f}",
        "written, MiB": lambda one: number(one["bytes_written"] / 1024**2, 1),
        "shards found from an earlier try": lambda one: str(one["shards_found"]),
    }
    rows += [[f"**{name}**", *(show(one) for one in artefacts)] for name, show in facts.items()]
    steps = [f"{exponent(*pair):.2f}" for pair in pairwise(artefacts)]
    rows.append(["**scaling exponent, from the size before**", "", *steps])
    head = ["seconds, summed over processes", *(f"{one['customers']:,}" for one in artefacts)]
    return [
        f"One `as_of`, all groups, fit and checks included, {artefacts[-1]['workers']} processes: "
        "seconds of groups and parts are sums over these. " + _origin(artefacts[-1]),
        "",
        *table(head, rows),
    ]


def figures(artefact: Artefact) -> list[str]:
    """Return all figures of a benchmark as they are."""
    rows = [
        [row["name"], number(row["median"], 4), number(row["min"], 4), number(row["max"], 4)]
        for row in artefact["figures"]
    ]
    return [_origin(artefact), "", *table(["figure", "median", "min", "max"], rows)]


SECTIONS: tuple[tuple[str, str, Path, Callable[[Artefact], list[str]]], ...] = (
    ("What the lenses see", "make proof", PROOF / "visibility.json", visibility),
    ("What no model can beat: the state oracle", "make proof", PROOF / "oracle.json", ceilings),
    ("What is in the observed history", "make proof", PROOF / "detectors.json", detectors),
    ("Rates and causes", "make proof", PROOF / "census.json", census),
    ("Feature groups", "make bench-groups", OUT / "groups.json", groups),
    ("The generator", "make bench-generator", OUT / "generator.json", generator),
    ("Phase 0 beside its peers", "make bench-phase0-peers", OUT / "phase0-peers.json", figures),
    ("Topology beside ripser.py", "make bench-topology", OUT / "topology.json", figures),
    ("Markov models beside hmmlearn", "make bench-hmm", OUT / "hidden_markov.json", figures),
    ("The Santander adapter", "make bench-santander", OUT / "santander.json", figures),
)


def page() -> str:
    """Return the page."""
    lines = [
        "# Phase 0 in figures",
        "",
        "Written by `make docs` from the artefacts in `out/`; nothing here is typed by hand.",
        "Wins on planted mechanisms show that the machinery works, not how a real bank behaves.",
        "",
    ]
    sizes = [json.loads(path.read_text()) for path in sorted(OUT.glob("phase0-[0-9]*.json"))]
    lines += ["## Seconds, memory and bytes", "", "`make bench-phase0 CUSTOMERS=N`", ""]
    lines += phase0_sizes(sizes) if sizes else ["Not measured yet.", ""]
    for title, command, path, render in SECTIONS:
        lines += [f"## {title}", "", f"`{command}`", ""]
        if path.is_file():
            lines += render(json.loads(path.read_text()))
        else:
            lines += ["Not measured yet.", ""]
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page())
    print(PAGE.relative_to(ROOT))


if __name__ == "__main__":
    main()

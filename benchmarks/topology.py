"""`make bench-topology`: both topological groups and the pairs of a bank, and loops by ripser.py.

`all` is the work of a view from its events to the columns of both windows and the side tensor, by
the clock and (`cpu`) in processor seconds over all threads, which other work on the machine
disturbs less. `projected_million` is a customer's part times a million: a projection, no
measurement.
`loops.<months>m.*` are the one-dimensional Rips pairs of the same clouds, at most `CLOUDS` of them,
by our route and by ripser.py in turn; `share_of_ripser` is ours, on one thread, over ripser.py's.
"""

import argparse
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from ripser import ripser

from benchmarks.record import Figure, publish, timed
from configs.settings.base import CONFIGS, load
from configs.settings.dataset import DatasetSettings
from configs.settings.features import FeaturesSettings
from configs.settings.generators.topology import TdaParameters
from training_jobs.data.canonical import convert
from training_jobs.data.synthetic.writing import Order, generate
from training_jobs.data.violations import refuse
from training_jobs.features.bank import read_bank
from training_jobs.features.cut import CutView, Limits, cut
from training_jobs.features.fitting import fit
from training_jobs.features.model import Clock, FeatureModel
from training_jobs.features.sources import Sources, find
from training_jobs.features.topology.embedding import event_clouds
from training_jobs.features.topology.homology import FIELD, Pairs, loop_pairs
from training_jobs.features.topology.purchases import Levels, purchases

MONTHS = 24
SEED = 1
RUNS = 3
CLOUDS = 1000
AGREEMENT = 1e-4
"""Largest difference of a customer's total persistence: ripser.py works in float32."""


def _tables(customers: int, scratch: Path, dataset: DatasetSettings) -> Path:
    generate(
        Order(customers, MONTHS, SEED),
        out=scratch / "raw",
        truth=scratch / "truth",
        workers=1,
        progress=lambda *_: None,
    )
    faults, _ = convert(
        dataset,
        raw=scratch / "raw",
        output=scratch / "preflight",
        progress=lambda *_: None,
    )
    if faults:
        raise refuse(faults)
    return scratch / "preflight" / "tables"


def _totals(pairs: Pairs, rows: int) -> NDArray[np.float64]:
    return np.asarray(np.bincount(pairs.row, pairs.death - pairs.birth, minlength=rows))


def _loops(view: CutView, parameters: TdaParameters, levels: Levels) -> list[Figure]:
    topology, months = parameters.topology, parameters.months
    bought = purchases(view, months=months, topology=topology, levels=levels)
    rows = np.flatnonzero(bought.counts >= topology.least_events)[:CLOUDS]
    clouds = event_clouds(bought, rows, topology)
    place = np.arange(len(rows))

    def ours(threads: int) -> Pairs:
        return loop_pairs(clouds, place, least=topology.least_lifetime, threads=threads)

    def theirs() -> list[NDArray[Any]]:
        return [ripser(cloud, maxdim=1, coeff=FIELD)["dgms"][1] for cloud in clouds]

    own = _totals(ours(1), len(rows))
    peer = np.array([(diagram[:, 1] - diagram[:, 0]).sum() for diagram in theirs()])
    if np.abs(own - peer).max() > AGREEMENT:
        raise RuntimeError(f"ripser.py differs by {np.abs(own - peer).max()}")
    seconds: dict[str, list[float]] = {"ours": [], "ours_threads": [], "ripser": []}
    # In turn, so that what else the machine does meets all alike.
    for _ in range(RUNS):
        seconds["ours"] += timed(lambda: ours(1), runs=1, warmup=0)
        seconds["ripser"] += timed(theirs, runs=1, warmup=0)
        seconds["ours_threads"] += timed(lambda: ours(view.threads), runs=1, warmup=0)
    shares = [a / b for a, b in zip(seconds["ours"], seconds["ripser"], strict=True)]
    name = f"loops.{months}m"
    return [
        Figure(f"{name}.clouds", "count", (len(rows),)),
        Figure(f"{name}.mean_points", "count", (float(np.mean([len(one) for one in clouds])),)),
        *(
            Figure(f"{name}.{who}_per_cloud", "ms", tuple(1e3 * one / len(rows) for one in spent))
            for who, spent in seconds.items()
        ),
        Figure(f"{name}.share_of_ripser", "ratio", tuple(shares)),
    ]


def _settings() -> FeaturesSettings:
    """Return the product's settings with nothing but topology."""
    whole = load(FeaturesSettings, CONFIGS / "feature_groups.yaml")
    groups = tuple(row for row in whole.groups if row.generator == "tda")
    tensors = tuple(row for row in whole.tensors if row.generator == "persistence_pairs")
    return whole.model_copy(update={"groups": groups, "tensors": tensors})


def _whole(
    opened: Callable[[], AbstractContextManager[CutView]], model: FeatureModel
) -> tuple[float, float]:
    """Return seconds by the clock and of the processor."""
    with opened() as view:
        view.events  # noqa: B018 - read before the clock starts: all groups share them

        def work() -> None:
            model.values(view, {}, Clock())
            model.lists(view, {}, Clock())

        begun = time.process_time()
        (wall,) = timed(work, runs=1, warmup=0)
        return wall, time.process_time() - begun


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=5000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    dataset = load(DatasetSettings, CONFIGS / "datasets" / "synthetic.yaml")
    settings = _settings()
    limits = Limits(settings.memory, settings.threads)
    with TemporaryDirectory(prefix="sevenlens-bench-") as folder:
        tables = _tables(given.customers, Path(folder), dataset)
        sources: Sources = find(tables)
        bank = read_bank(tables, dataset)
        found = pq.read_table(sources.files("customers"), columns=["customer_id"])
        customers = sorted(found["customer_id"].to_pylist())

        def opened() -> AbstractContextManager[CutView]:
            return cut(
                sources,
                customers=customers,
                as_of=dataset.fit_cutoff,
                lookback_months=bank.lookback_months,
                limits=limits,
            )

        model = fit(
            sources,
            customers=customers,
            cutoff=dataset.fit_cutoff,
            bank=bank,
            settings=settings,
            clock=Clock(),
        )
        wall, processor = zip(*(_whole(opened, model) for _ in range(RUNS)), strict=True)
        with opened() as view:
            loops = [
                figure
                for group in model.groups
                for figure in _loops(view, group.generator.parameters, Levels.of(group.fitted))
            ]
    scale = 1e6 / len(customers)
    publish(
        "topology",
        [
            Figure("all", "s", wall),
            Figure("all.cpu", "s", processor),
            Figure("all.customers", "rows/s", tuple(len(customers) / one for one in wall)),
            *(
                Figure(f"{name}.projected_million", "s", tuple(scale * one for one in spent))
                for name, spent in (("all", wall), ("all.cpu", processor))
            ),
            *loops,
        ],
        packages=("gudhi", "ripser", "numpy", "scipy"),
        seed=SEED,
        extra={"customers": given.customers},
    )


if __name__ == "__main__":
    main()

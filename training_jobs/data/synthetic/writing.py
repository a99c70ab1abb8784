"""Writing a bank: blocks by worker processes, complete or absent, truth in a place of its own."""

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from configs.settings.base import CONFIGS, load
from configs.settings.dataset import Catalogue
from configs.settings.simulation import BankSettings
from training_jobs.data.synthetic.bank import simulate

BANK_FILE = CONFIGS / "simulation" / "bank.yaml"
CATALOGUE_FILE = CONFIGS / "products" / "synthetic.yaml"


@dataclass(frozen=True)
class Order:
    """A bank to generate."""

    customers: int
    months: int
    seed: int


@dataclass(frozen=True)
class _Part:
    """One block of an order and where its files go."""

    number: int
    start: int
    stop: int
    order: Order
    data: Path
    truth: Path


def _write(tables: dict[str, pa.Table], folder: Path, number: int) -> int:
    rows = 0
    for name, table in sorted(tables.items()):
        path = folder / name / f"block-{number:05d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path, compression="zstd")
        rows += table.num_rows
    return rows


def _make(part: _Part) -> int:
    settings = load(BankSettings, BANK_FILE)
    catalogue = load(Catalogue, CATALOGUE_FILE)
    block = simulate(
        settings,
        catalogue,
        seed=part.order.seed,
        start=part.start,
        stop=part.stop,
        months=part.order.months,
    )
    _write(block.truth, part.truth, part.number)
    return _write(block.tables, part.data, part.number)


def _partial(folder: Path) -> Path:
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    return partial


def generate(
    order: Order, *, out: Path, truth: Path, workers: int, progress: Callable[[int, int, int], None]
) -> int:
    """Generate a bank into `out` and its ground truth into `truth`; return the rows of `out`.

    Both folders appear only when complete. The bytes depend on the order and the settings, not on
    the number of workers.

    Args:
        order: size, months, seed.
        out: data folder, replaced if present.
        truth: folder for latent paths and causes; must not lie inside `out`.
        workers: processes.
        progress: called with blocks done, blocks in all, rows so far.

    Raises:
        ValueError: `truth` lies inside `out`.
    """
    if truth.resolve().is_relative_to(out.resolve()):
        raise ValueError("the ground truth must not lie inside the data folder")
    size = load(BankSettings, BANK_FILE).block
    data_partial, truth_partial = _partial(out), _partial(truth)
    parts = [
        _Part(number, start, min(start + size, order.customers), order, data_partial, truth_partial)
        for number, start in enumerate(range(0, order.customers, size))
    ]
    rows = 0
    if workers == 1:
        for done, part in enumerate(parts, 1):
            rows += _make(part)
            progress(done, len(parts), rows)
    else:
        with ProcessPoolExecutor(max_workers=workers) as pool:
            futures = [pool.submit(_make, part) for part in parts]
            for done, future in enumerate(as_completed(futures), 1):
                rows += future.result()
                progress(done, len(parts), rows)
    origin = {"customers": order.customers, "months": order.months, "seed": order.seed}
    (data_partial / "origin.json").write_text(json.dumps(origin, sort_keys=True) + "\n")
    for partial, final in ((data_partial, out), (truth_partial, truth)):
        shutil.rmtree(final, ignore_errors=True)
        partial.rename(final)
    return rows

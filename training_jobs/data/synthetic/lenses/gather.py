"""Simulating a bank block by block and keeping what was observed up to some `as_of`s."""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields

import numpy as np

from configs.settings.base import load
from configs.settings.dataset import Catalogue
from configs.settings.simulation import BankSettings
from training_jobs.data.synthetic.bank import simulate
from training_jobs.data.synthetic.lenses.observed import History, Observed
from training_jobs.data.synthetic.writing import BANK_FILE, CATALOGUE_FILE


@dataclass(frozen=True)
class _Part:
    start: int
    stop: int
    seed: int
    months: int
    as_ofs: tuple[int, ...]


def _observe(part: _Part) -> list[Observed]:
    settings, catalogue = load(BankSettings, BANK_FILE), load(Catalogue, CATALOGUE_FILE)
    block = simulate(
        settings,
        catalogue,
        seed=part.seed,
        start=part.start,
        stop=part.stop,
        months=part.months,
    )
    history = History(block, settings, catalogue)
    return [history.at(as_of) for as_of in part.as_ofs]


def join(parts: Sequence[Observed]) -> Observed:
    """Return the customers of all parts as one, in order."""
    offsets = np.cumsum([0, *(part.size for part in parts)])
    columns = {}
    for item in fields(Observed):
        arrays = [getattr(part, item.name) for part in parts]
        if item.name == "row":
            arrays = [rows + offset for rows, offset in zip(arrays, offsets, strict=False)]
        columns[item.name] = np.concatenate(arrays)
    return Observed(**columns)


def observe(
    customers: int,
    *,
    seed: int,
    months: int,
    as_ofs: tuple[int, ...],
    workers: int,
    progress: Callable[[int, int], None],
) -> list[Observed]:
    """Return what is observed of a bank at each `as_of`.

    Args:
        customers: size of the bank.
        seed: another seed is another bank.
        months: observed months that are simulated.
        as_ofs: observed months, 1 = the first.
        workers: processes; the result does not depend on them.
        progress: called with blocks done and blocks in all.
    """
    size = load(BankSettings, BANK_FILE).block
    parts = [
        _Part(start, min(start + size, customers), seed, months, as_ofs)
        for start in range(0, customers, size)
    ]
    blocks: list[list[Observed]] = []
    with ProcessPoolExecutor(max_workers=workers) as pool:
        for done, seen in enumerate(pool.map(_observe, parts), 1):
            blocks.append(seen)
            progress(done, len(parts))
    return [join(same) for same in zip(*blocks, strict=True)]

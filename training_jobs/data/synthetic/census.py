"""Counting the hidden bank: prevalence, spells, causes and rates against what they must be.

`python -m training_jobs.data.synthetic.census` replays the latent paths of a bank (no card events)
and says how each planted rule came out.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from configs.settings.base import load
from configs.settings.dataset import Catalogue
from configs.settings.simulation import BankSettings
from training_jobs.data.synthetic.bank import begin
from training_jobs.data.synthetic.mechanisms import MECHANISMS
from training_jobs.data.synthetic.products import CAUSES, allowed
from training_jobs.data.synthetic.random import Draws, Ints
from training_jobs.data.synthetic.state import State
from training_jobs.data.synthetic.stepping import advance
from training_jobs.data.synthetic.writing import BANK_FILE, CATALOGUE_FILE

HORIZON = 3
CHURN_RATIO = 0.7
CHURN_MONTHS = 6


@dataclass(frozen=True)
class Path_:
    """The latent path of a block over its observed months.

    Attributes:
        state: the block after the last month.
        present: [months, n] joined.
        on: [months, n, mechanisms].
        held: [months, n, products].
        open: [months, n, products] eligible for and not held.
        caused: [months, targets, causes] events by cause; targets are groups, then closing.
    """

    state: State
    present: np.ndarray
    on: np.ndarray
    held: np.ndarray
    open: np.ndarray
    caused: Ints


def replay(settings: BankSettings, catalogue: Catalogue, *, seed: int, start: int, stop: int,
           months: int) -> Path_:  # fmt: skip
    """Return the latent path of customers `start`..`stop`-1."""
    state = begin(settings, catalogue, Draws(seed), start=start, stop=stop, months=months)
    groups = sorted(settings.targets)
    of = {product.product: product.group for product in catalogue.products}
    target = np.array([groups.index(group) for group in of.values()])
    seen: dict[str, list[np.ndarray]] = {"present": [], "on": [], "held": [], "open": []}
    caused = np.zeros((months, len(groups) + 1, len(CAUSES)), np.int64)
    for number in range(settings.burn_in_months + months):
        gained, lost = advance(state, number)
        at = number - settings.burn_in_months
        if at < 0:
            continue
        for event in gained:
            np.add.at(caused[at], (target[event.product], event.cause), 1)
        # A customer who leaves closes several products for one cause: counted once.
        leavers = np.unique(np.stack([lost.row, lost.cause], 1)[lost.left], axis=0)
        np.add.at(caused[at, -1], leavers[:, 1], 1)
        seen["present"].append(state.present)
        seen["on"].append(state.on.copy())
        seen["held"].append(state.held.copy())
        seen["open"].append(allowed(state) & ~state.held)
    stacked = {name: np.stack(parts) for name, parts in seen.items()}
    return Path_(state=state, caused=caused, **stacked)


def blocks(customers: int, size: int) -> Iterator[tuple[int, int]]:
    """Return start and stop of every block."""
    for start in range(0, customers, size):
        yield start, min(start + size, customers)


def _spell_lengths(on: np.ndarray) -> Ints:
    """Return lengths of spells that begin and end inside the observed months."""
    padded = np.concatenate([on[:1], on])
    starts = on & ~padded[:-1]
    ends = ~on & padded[:-1]
    lengths = []
    running = np.zeros(on.shape[1], np.int64)
    for month in range(len(on)):
        lengths.append(running[ends[month] & (running > 0)])
        running = np.where(starts[month], 1, np.where(running > 0, running + 1, 0))
        running = np.where(on[month], running, 0)
    return np.concatenate(lengths)


def count(customers: int, *, seed: int, months: int = 24) -> dict[str, Any]:
    """Return prevalence, spell lengths, causes and three-month rates of a bank."""
    settings, catalogue = load(BankSettings, BANK_FILE), load(Catalogue, CATALOGUE_FILE)
    groups = sorted(settings.targets)
    of = [product.group for product in catalogue.products]
    members = {group: [n for n, name in enumerate(of) if name == group] for group in groups}
    on_months, present_months = np.zeros(len(MECHANISMS)), 0
    lengths: list[list[Ints]] = [[] for _ in MECHANISMS]
    caused = np.zeros((len(groups) + 1, len(CAUSES)), np.int64)
    happened = {name: [0, 0] for name in (*groups, "churn")}
    for start, stop in blocks(customers, settings.block):
        path = replay(settings, catalogue, seed=seed, start=start, stop=stop, months=months)
        on_months += (path.on & path.present[:, :, None]).sum(axis=(0, 1))
        present_months += int(path.present.sum())
        for number in range(len(MECHANISMS)):
            lengths[number].append(_spell_lengths(path.on[:, :, number]))
        caused += path.caused.sum(axis=0)
        for month in range(CHURN_MONTHS, months - HORIZON):
            here = path.present[month - CHURN_MONTHS]
            before, window = path.held[month], path.held[month + 1 : month + HORIZON + 1]
            gained = (window & ~before[None]).any(axis=0)
            for group in groups:
                able = here & path.open[month][:, members[group]].any(axis=1)
                happened[group][0] += int((able & gained[:, members[group]].any(axis=1)).sum())
                happened[group][1] += int(able.sum())
            prior = path.held[month - CHURN_MONTHS + 1 : month + 1].sum(axis=2).mean(axis=0)
            able = here & before.any(axis=1)
            left = window[-1].sum(axis=1) < CHURN_RATIO * prior
            happened["churn"][0] += int((able & left).sum())
            happened["churn"][1] += int(able.sum())
    by_mechanism = caused[:, 1:].sum(axis=0)
    names = [mechanism.name for mechanism in MECHANISMS]
    return {
        "customers": customers,
        "seed": seed,
        "prevalence": dict(zip(names, (on_months / present_months).tolist(), strict=True)),
        "spell_months": {
            name: [int(x) for x in (np.concatenate(own).min(), np.concatenate(own).max())]
            for name, own in zip(names, lengths, strict=True)
        },
        "share_of_caused": dict(
            zip(names, (by_mechanism / by_mechanism.sum()).tolist(), strict=True)
        ),
        "share_by_target": {
            group: dict(zip(CAUSES, (row / row.sum()).tolist(), strict=True))
            for group, row in zip((*groups, "closing"), caused, strict=True)
        },
        "rates": {name: events / able for name, (events, able) in happened.items()},
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m training_jobs.data.synthetic.census", description=__doc__
    )
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="JSON artefact")
    given = parser.parse_args(arguments)
    result = count(given.customers, seed=given.seed)
    text = json.dumps(result, indent=1, sort_keys=True)
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(text + "\n")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

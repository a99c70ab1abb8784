"""The visibility matrix: which lens sees which planted mechanism.

`python -m training_jobs.data.synthetic.visibility` simulates a bank of a seed of its own, gives
every lens its own representation of the observed history, and measures out of sample how well a
reference learner tells from it which mechanism is on at `as_of`.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from configs.settings.base import CONFIGS, load
from configs.settings.dataset import Catalogue
from configs.settings.simulation import BankSettings
from configs.settings.simulation_proof import ProofSettings
from training_jobs.data.synthetic.lenses import (
    aggregates,
    causal,
    deepfm,
    hgcn,
    lightgcn,
    optimal_transport,
    perslay,
    surrogates,
    temporal,
)
from training_jobs.data.synthetic.lenses.base import Look, Matrix
from training_jobs.data.synthetic.lenses.gather import observe
from training_jobs.data.synthetic.lenses.learner import Jury, unseen_scores
from training_jobs.data.synthetic.lenses.observed import Observed
from training_jobs.data.synthetic.mechanisms import MECHANISMS
from training_jobs.data.synthetic.writing import BANK_FILE, CATALOGUE_FILE

NAMES = tuple(mechanism.name for mechanism in MECHANISMS)
PROOF_FILE = CONFIGS / "simulation" / "proof.yaml"
Represent = Callable[[Observed, Look], Matrix]


def _lightgcn(observed: Observed, look: Look) -> Matrix:
    merchants = int(observed.merchant.max(initial=0)) + 1
    messages = lightgcn.adopted(observed, look.parameters.months)
    return lightgcn.propagate(lightgcn.incidence(observed, merchants), messages, look)


LENSES: dict[str, tuple[Represent, str | None]] = {
    "deepfm": (deepfm.represent, "crosses"),
    "temporal": (temporal.represent, "rhythm"),
    "hgcn": (hgcn.represent, "tree_taste"),
    "perslay": (perslay.represent, "shape"),
    "lightgcn": (_lightgcn, "community"),
    "causal": (causal.represent, "cause"),
    "optimal_transport": (optimal_transport.represent, "drift"),
    "aggregates": (aggregates.represent, None),
}
"""Representation of each lens, and the mechanism that is planted for it."""

Robbed = Callable[[Observed, Look, np.random.Generator], Matrix]
ROBBED: dict[str, tuple[str, Robbed]] = {
    "temporal": (
        "events in another order",
        lambda one, look, rng: temporal.represent(surrogates.shuffle_order(one, rng), look),
    ),
    "hgcn": ("codes dealt to other branches", surrogates.shuffled_tree),
    "perslay": (
        "AR(2) surrogate series",
        lambda one, look, rng: perslay.represent(surrogates.autoregressive(one, rng), look),
    ),
    "lightgcn": (
        "merchants dealt to other customers",
        lambda one, look, rng: _lightgcn(surrogates.shuffle_merchants(one, rng), look),
    ),
}
"""Lens -> what is taken from its inputs, and how: it must lose its own mechanism with it."""


def stack(matrices: Sequence[Matrix]) -> Matrix:
    """Return the rows of all matrices as one."""
    first = matrices[0]
    values = np.concatenate([matrix.values for matrix in matrices])
    return Matrix(values, categorical=first.categorical, alone=first.alone)


def measure(
    observed: Sequence[Observed],
    represent: Represent,
    *,
    settings: BankSettings,
    proof: ProofSettings,
    juries: dict[str, tuple[np.ndarray, Jury]],
    mechanisms: Sequence[str] = NAMES,
) -> dict[str, dict[str, Any]]:
    """Return one line of the matrix: mechanism -> population -> estimate.

    Args:
        observed: the history at each `as_of`.
        represent: the lens.
        settings: the bank.
        proof: learner and parameters.
        juries: name of a population -> (rows, resamples of its customers).
        mechanisms: those to be told.
    """
    look = Look(settings, proof.representations, load(Catalogue, CATALOGUE_FILE))
    matrix = stack([represent(one, look) for one in observed])
    chosen = [NAMES.index(name) for name in mechanisms]
    labels = np.concatenate([one.on for one in observed])[:, chosen]
    customer = np.concatenate([one.customer for one in observed])
    scores = unseen_scores(matrix, labels, customer, proof.learner)
    line: dict[str, dict[str, Any]] = {}
    for place, mechanism in enumerate(mechanisms):
        line[mechanism] = {
            name: jury.metric("auc", labels[rows, place], scores[rows, place]).plain()
            for name, (rows, jury) in juries.items()
        }
    return line


def rob(
    observed: Sequence[Observed],
    lens: str,
    *,
    settings: BankSettings,
    proof: ProofSettings,
    juries: dict[str, tuple[np.ndarray, Jury]],
) -> dict[str, Any]:
    """Return how well a lens sees its own mechanism without the structure that it reads."""
    what, robbed = ROBBED[lens]
    rng = np.random.default_rng(proof.learner.seed)

    def represent(one: Observed, look: Look) -> Matrix:
        return robbed(one, look, rng)

    own = str(LENSES[lens][1])
    line = measure(
        observed, represent, settings=settings, proof=proof, juries=juries, mechanisms=(own,)
    )
    return {"without": what, "mechanism": own, **line[own]}


def populations(
    observed: Sequence[Observed], proof: ProofSettings
) -> dict[str, tuple[np.ndarray, Jury]]:
    """Return rows and resamples of the eligible and of all customers."""
    customer = np.concatenate([one.customer for one in observed])
    events = np.concatenate([one.events_within(proof.eligible.months) for one in observed])
    seen = np.flatnonzero(events >= proof.eligible.min_events)
    result = {}
    for name, rows in (("eligible", seen), ("all", np.arange(len(customer)))):
        result[name] = (
            rows,
            Jury.of(
                customer[rows],
                replicates=proof.replicates,
                level=proof.level,
                seed=proof.learner.seed,
            ),
        )
    return result


def verdicts(
    matrix: dict[str, dict[str, Any]], structure: dict[str, dict[str, Any]], proof: ProofSettings
) -> list[str]:
    """Return every bound that a cell of the eligible breaks; empty when the matrix meets them."""
    broken = []
    for lens, line in matrix.items():
        own = LENSES[lens][1]
        for mechanism, cell in line.items():
            value = cell["eligible"]["value"]
            if mechanism == own and not value >= proof.bounds.diagonal:
                broken.append(f"{lens} sees {mechanism} at {value:.3f} < {proof.bounds.diagonal}")
            limit = proof.bounds.aggregates if own is None else proof.bounds.elsewhere
            if mechanism != own and not value <= limit:
                broken.append(f"{lens} sees {mechanism} at {value:.3f} > {limit}")
    for lens, cell in structure.items():
        value = cell["eligible"]["value"]
        if not value <= proof.bounds.elsewhere:
            broken.append(f"{lens} sees {cell['mechanism']} at {value:.3f} without its structure")
    return broken


def build(
    observed: Sequence[Observed],
    *,
    settings: BankSettings,
    proof: ProofSettings,
    lenses: Sequence[str],
    progress: Callable[[str], None],
) -> dict[str, Any]:
    """Return the artefact: matrix, populations, prevalence and what breaks a bound."""
    juries = populations(observed, proof)
    matrix = {}
    for lens in lenses:
        matrix[lens] = measure(
            observed, LENSES[lens][0], settings=settings, proof=proof, juries=juries
        )
        progress(lens)
    structure = {}
    for lens in lenses:
        if lens in ROBBED:
            structure[lens] = rob(observed, lens, settings=settings, proof=proof, juries=juries)
            progress(f"{lens} without structure")
    labels = np.concatenate([one.on for one in observed])
    return {
        "bounds": proof.bounds.model_dump(),
        "eligible": proof.eligible.model_dump(),
        "as_ofs": list(proof.as_ofs),
        "rows": {name: len(rows) for name, (rows, _) in juries.items()},
        "positives": {
            population: dict(zip(NAMES, labels[rows].sum(axis=0).tolist(), strict=True))
            for population, (rows, _) in juries.items()
        },
        "matrix": matrix,
        "structure": structure,
        "broken": verdicts(matrix, structure, proof),
    }


def render(result: dict[str, Any], population: str = "eligible") -> str:
    """Return the matrix as text, intervals below the values."""
    lines = [f"{population} ({result['rows'][population]} rows)".ljust(20)]
    lines[0] += "".join(name.rjust(14) for name in NAMES)
    for lens, line in result["matrix"].items():
        values = "".join(f"{line[name][population]['value']:14.3f}" for name in NAMES)
        ranges = "".join(
            f"{line[name][population]['low']:.3f}-{line[name][population]['high']:.3f}".rjust(14)
            for name in NAMES
        )
        lines += [lens.ljust(20) + values, " " * 20 + ranges]
    for lens, cell in result["structure"].items():
        found = cell[population]
        lines.append(
            f"{lens} sees {cell['mechanism']} at {found['value']:.3f} "
            f"({found['low']:.3f}-{found['high']:.3f}) with {cell['without']}"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns 1 when a bound is broken."""
    parser = argparse.ArgumentParser(
        prog="python -m training_jobs.data.synthetic.visibility", description=__doc__
    )
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=9001, help="a bank that no evaluation uses")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--lens", action="append", choices=sorted(LENSES), help="only these")
    parser.add_argument("--out", type=Path, required=True, help="JSON artefact")
    given = parser.parse_args(arguments)
    started = time.monotonic()

    def show(what: str) -> None:
        print(f"[progress] visibility {what}, {time.monotonic() - started:.0f} s", flush=True)

    settings, proof = load(BankSettings, BANK_FILE), load(ProofSettings, PROOF_FILE)
    observed = observe(
        given.customers,
        seed=given.seed,
        months=max(24, *proof.as_ofs),
        as_ofs=proof.as_ofs,
        workers=given.workers,
        progress=lambda done, total: show(f"{done}/{total} blocks"),
    )
    result = build(
        observed,
        settings=settings,
        proof=proof,
        lenses=given.lens or list(LENSES),
        progress=show,
    )
    result |= {"customers": given.customers, "seed": given.seed}
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")
    for population in result["rows"]:
        print(render(result, population))
    print("\n".join(result["broken"]) or "every bound is met")
    return 1 if result["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())

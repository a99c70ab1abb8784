"""The state oracle: how well the label can be predicted by one who knows the latent state.

`python -m training_jobs.data.synthetic.oracle` makes the latent state of up to 20,000 test
customers at `as_of` again, runs at least 256 fresh futures from it, and scores the resulting
probabilities on what did happen. No honest model can be better; one that is has seen the label.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from configs.contracts.storage import ORACLE_ENDING, ORIGIN_FILE
from configs.settings.base import CONFIGS, load
from configs.settings.dataset import Catalogue, DatasetSettings
from configs.settings.months import month_range
from configs.settings.simulation import BankSettings
from configs.settings.simulation_proof import ProofSettings
from configs.settings.state_oracle import StateOracle
from configs.settings.tasks import CountDrop
from training_jobs.data.synthetic.ceilings import Predicted, measure, product_tasks
from training_jobs.data.synthetic.forward import actual, fork, futures
from training_jobs.data.synthetic.outcomes import classes_of, outcome
from training_jobs.data.synthetic.visibility import PROOF_FILE
from training_jobs.data.synthetic.writing import BANK_FILE, CATALOGUE_FILE, bank_digest

DATASET_FILE = CONFIGS / "datasets" / "synthetic.yaml"

_EXAMPLES = """examples:
  python -m training_jobs.data.synthetic.oracle --data build/data/synthetic-2000 --workers 2
  python -m training_jobs.data.synthetic.oracle --customers 20480 --out out/proof/oracle.json

With --data the artefact lies beside the folder, where a submission looks for it.
"""


@dataclass(frozen=True)
class _Part:
    start: int
    stop: int
    bank: "Bank"


@dataclass(frozen=True)
class Bank:
    """Which bank, and where its label window lies."""

    seed: int
    months: int
    as_of: int
    paths: int


def _predict(part: _Part) -> Predicted:
    settings, catalogue = load(BankSettings, BANK_FILE), load(Catalogue, CATALOGUE_FILE)
    dataset, proof = load(DatasetSettings, DATASET_FILE), load(ProofSettings, PROOF_FILE)
    tasks = product_tasks()
    prior = next(t.derivation.prior_months for t in tasks if isinstance(t.derivation, CountDrop))
    origin = fork(
        settings,
        catalogue,
        seed=part.bank.seed,
        start=part.start,
        stop=part.stop,
        months=part.bank.months,
        as_of=part.bank.as_of,
        horizon=dataset.horizon_months,
        prior_months=prior,
        min_observed=dataset.min_months_observed,
    )
    happened, size = actual(origin), len(origin.rows)
    sums, counts, labels = {}, {}, {}
    for task in tasks:
        labels[task.name] = outcome(task.derivation, happened, catalogue)
        classes = classes_of(task, catalogue)
        sums[task.name] = np.zeros((2, size) if classes is None else (2, size, classes))
        counts[task.name] = np.zeros((2, size))
    for number, course in enumerate(
        futures(origin, paths=part.bank.paths, seed=proof.paths.seed + part.bank.seed)
    ):
        half = number % 2
        for task in tasks:
            value = outcome(task.derivation, course, catalogue)
            seen = np.isfinite(value)
            counts[task.name][half] += seen
            if sums[task.name].ndim == 2:
                sums[task.name][half] += np.nan_to_num(value)
            else:
                rows = np.flatnonzero(seen)
                sums[task.name][half, rows, value[rows].astype(np.int64)] += 1
    return Predicted(origin.state.people.ids[origin.rows], labels, sums, counts)


def consult(
    customers: int,
    bank: Bank,
    *,
    proof: ProofSettings,
    workers: int,
    progress: Callable[[int, int], None],
) -> dict[str, Any]:
    """Return the artefact `oracle.json`; `bank` in it is the digest of the bank's settings.

    Args:
        customers: size of the bank.
        bank: seed, months and `as_of`.
        proof: number of paths and customers.
        workers: processes; the result does not depend on them.
        progress: called with blocks done and blocks in all.
    """
    size = load(BankSettings, BANK_FILE).block
    parts = [
        _Part(start, min(start + size, customers), bank) for start in range(0, customers, size)
    ]
    done: list[Predicted] = []
    with ProcessPoolExecutor(max_workers=workers) as pool:
        pending = (pool.submit(_predict, part) for part in parts)
        for future in pending if workers == 1 else list(pending):
            done.append(future.result())
            progress(len(done), len(parts))
            if sum(len(part.customer) for part in done) >= proof.paths.customers:
                pool.shutdown(cancel_futures=True)
                break
    return {
        "kind": "state_oracle",
        "bank": bank_digest(load(BankSettings, BANK_FILE)),
        "customers": customers,
        "months": bank.months,
        "seed": bank.seed,
        "as_of": bank.as_of,
        "paths": bank.paths,
        "rows": min(sum(len(part.customer) for part in done), proof.paths.customers),
        "level": proof.level,
        "tasks": measure(done, proof),
    }


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m training_jobs.data.synthetic.oracle",
        description="Tell what no honest model can score on a simulated bank.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, help="a generated folder: its bank, and beside it out")
    parser.add_argument("--customers", type=int, default=20_000, help="size of the bank")
    parser.add_argument("--seed", type=int, default=1, help="seed of the bank")
    parser.add_argument("--months", type=int, default=24, help="observed months of the bank")
    parser.add_argument("--paths", type=int, help="forward paths, at least 256")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path, help=f"JSON artefact (default: <data>{ORACLE_ENDING})")
    given = parser.parse_args(arguments)
    if given.paths is not None and given.paths < 256:
        parser.error("--paths is at least 256")
    if given.data is None and given.out is None:
        parser.error("name --data or --out")
    if given.data is not None:
        place = given.data / ORIGIN_FILE
        if not place.is_file():
            parser.error(f"{place} is missing: --data names a folder that was generated")
        origin = json.loads(place.read_text())
        if origin["bank"] != bank_digest(load(BankSettings, BANK_FILE)):
            parser.error(f"{given.data} was generated with other settings than {BANK_FILE}")
        given.customers, given.seed = origin["customers"], origin["seed"]
        given.months = origin["months"]
        given.out = given.out or given.data.with_name(given.data.name + ORACLE_ENDING)
    return given


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    given = _arguments(arguments)
    proof, dataset = load(ProofSettings, PROOF_FILE), load(DatasetSettings, DATASET_FILE)
    as_of = len(month_range(dataset.first, dataset.as_ofs("test")[-1]))
    started = time.monotonic()
    result = consult(
        given.customers,
        Bank(given.seed, given.months, as_of, given.paths or proof.paths.paths),
        proof=proof,
        workers=given.workers,
        progress=lambda done, total: print(
            f"[progress] oracle {done}/{total} blocks, {time.monotonic() - started:.0f} s",
            flush=True,
        ),
    )
    StateOracle.model_validate(result)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    draft = given.out.with_name(given.out.name + ".tmp")
    draft.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")
    draft.replace(given.out)
    for name, task in result["tasks"].items():
        for metric, cell in task["metrics"].items():
            print(
                f"{name:26}{metric:18}{cell['value']:8.4f} "
                f"[{cell['low']:.4f}, {cell['high']:.4f}] of {task['rows']} rows"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())

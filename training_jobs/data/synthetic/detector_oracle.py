"""The detector oracle: a reference learner on seven reference detectors of the observed history.

`python -m training_jobs.data.synthetic.detector_oracle` learns each product task on the train
`as_of`s from the detectors' readings and scores it at the test `as_of`.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np

from configs.settings.base import load
from configs.settings.dataset import Catalogue, DatasetSettings
from configs.settings.months import month_range
from configs.settings.simulation import BankSettings
from configs.settings.simulation_proof import ProofSettings
from configs.settings.tasks import CountDrop, SegmentAtEnd, Task
from training_jobs.data.synthetic.ceilings import CEILINGS, product_tasks
from training_jobs.data.synthetic.detectors import DETECTORS, attributes
from training_jobs.data.synthetic.lenses.base import Look, side_by_side
from training_jobs.data.synthetic.lenses.gather import observe
from training_jobs.data.synthetic.lenses.learner import Jury
from training_jobs.data.synthetic.lenses.observed import Observed
from training_jobs.data.synthetic.oracle import DATASET_FILE
from training_jobs.data.synthetic.outcomes import Course, classes_of, outcome
from training_jobs.data.synthetic.random import Floats
from training_jobs.data.synthetic.visibility import PROOF_FILE
from training_jobs.data.synthetic.writing import BANK_FILE, CATALOGUE_FILE

_OBJECTIVES = {"binary": "binary", "multiclass": "multiclass", "regression": "regression"}


def labels_at(observed: Observed, later: Observed, task: Task, catalogue: Catalogue,
              horizon: int) -> Floats:  # fmt: skip
    """Return [n] labels of customers seen at `observed`, from holdings up to `later`."""
    rows = np.searchsorted(later.customer, observed.customer)
    month = observed.held.shape[1]
    held = later.held[rows]
    rule = task.derivation
    prior = rule.prior_months if isinstance(rule, CountDrop) else 1
    course = Course(
        prior=held[:, month - prior : month].sum(axis=2).mean(axis=1),
        now=held[:, month - 1],
        window=held[:, month : month + horizon].transpose(1, 0, 2),
        segment=np.zeros(len(rows), np.int64),
    )
    return outcome(rule, course, catalogue)


def _fit_score(task: Task, classes: int | None, train: tuple[Floats, Floats], test: Floats,
               proof: ProofSettings) -> Floats:  # fmt: skip
    learner = proof.learner
    parameters = {
        "objective": _OBJECTIVES[task.type] if task.loss != "poisson" else "poisson",
        "learning_rate": learner.learning_rate,
        "num_leaves": learner.leaves,
        "min_data_in_leaf": learner.min_leaf_rows,
        "feature_fraction": learner.feature_share,
        "num_threads": 1,
        "seed": learner.seed,
        "deterministic": True,
        "force_col_wise": True,
        "verbosity": -1,
    }
    if classes is not None:
        parameters["num_class"] = classes
    model = lightgbm.train(
        parameters, lightgbm.Dataset(*train, params=parameters), num_boost_round=learner.rounds
    )
    scores: Floats = np.asarray(model.predict(test, num_threads=1))
    return scores


def measure(
    train: Sequence[Observed],
    test: Observed,
    later: Observed,
    *,
    settings: BankSettings,
    catalogue: Catalogue,
    dataset: DatasetSettings,
    proof: ProofSettings,
) -> dict[str, Any]:
    """Return task -> inputs -> metric -> estimate at the test `as_of`."""
    look = Look(settings, proof.representations, catalogue)

    def readings(observed: Observed) -> Floats:
        return side_by_side([detect(observed, look) for detect in DETECTORS.values()])

    first = [one for one in train if one.size]
    inputs = {
        "detectors": ([readings(one) for one in first], readings(test)),
        "attributes": ([attributes(one) for one in first], attributes(test)),
    }
    inputs["both"] = (
        [side_by_side(list(pair)) for pair in zip(*(inputs[n][0] for n in inputs), strict=True)],
        side_by_side([inputs["detectors"][1], inputs["attributes"][1]]),
    )
    kept = [np.flatnonzero(one.held.any(axis=2).sum(axis=1) >= dataset.min_months_observed)
            for one in (*first, test)]  # fmt: skip
    result: dict[str, Any] = {}
    for task in product_tasks():
        if isinstance(task.derivation, SegmentAtEnd):
            continue
        y = [labels_at(one, later, task, catalogue, dataset.horizon_months)[rows]
             for one, rows in zip((*first, test), kept, strict=True)]  # fmt: skip
        seen = np.isfinite(y[-1])
        target = y[-1][seen]
        jury = Jury.of(test.customer[kept[-1]][seen], replicates=proof.replicates,
                       level=proof.level, seed=proof.learner.seed)  # fmt: skip
        classes = classes_of(task, catalogue)
        base = np.full(len(target), target.mean())
        if classes is not None:
            shares = np.bincount(target.astype(int), minlength=classes) / len(target)
            base = np.tile(shares, (len(target), 1))
        result[task.name] = {"rows": len(target), "inputs": {}}
        for name, (values, test_values) in inputs.items():
            known = np.concatenate(y[:-1])
            use = np.isfinite(known)
            rows = np.concatenate([v[r] for v, r in zip(values, kept[:-1], strict=True)])
            scores = _fit_score(
                task, classes, (rows[use], known[use]), test_values[kept[-1]][seen], proof
            )
            result[task.name]["inputs"][name] = {
                metric: jury.metric(metric, target, scores, base).plain()
                for metric in task.metrics
                if metric in CEILINGS
            }
    return result


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m training_jobs.data.synthetic.detector_oracle", description=__doc__
    )
    parser.add_argument("--customers", type=int, default=20_000, help="size of the bank")
    parser.add_argument("--seed", type=int, default=1, help="seed of the bank")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="JSON artefact")
    given = parser.parse_args(arguments)
    settings, catalogue = load(BankSettings, BANK_FILE), load(Catalogue, CATALOGUE_FILE)
    dataset, proof = load(DatasetSettings, DATASET_FILE), load(ProofSettings, PROOF_FILE)
    test = dataset.as_ofs("test")[-1]
    numbers = [len(month_range(dataset.first, one)) for one in (*dataset.as_ofs("train"), test)]
    last = numbers[-1] + dataset.horizon_months
    started = time.monotonic()
    observed = observe(
        given.customers,
        seed=given.seed,
        months=last,
        as_ofs=(*numbers, last),
        workers=given.workers,
        progress=lambda done, total: print(
            f"[progress] detectors {done}/{total} blocks, {time.monotonic() - started:.0f} s",
            flush=True,
        ),
    )
    tasks = measure(
        observed[:-2],
        observed[-2],
        observed[-1],
        settings=settings,
        catalogue=catalogue,
        dataset=dataset,
        proof=proof,
    )
    result = {
        "kind": "detector_oracle",
        "customers": given.customers,
        "seed": given.seed,
        "train_as_ofs": numbers[:-1],
        "as_of": numbers[-1],
        "tasks": tasks,
    }
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")
    for name, task in tasks.items():
        for inputs, metrics in task["inputs"].items():
            for metric, cell in metrics.items():
                print(
                    f"{name:26}{inputs:12}{metric:18}{cell['value']:8.4f} "
                    f"[{cell['low']:.4f}, {cell['high']:.4f}]"
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())

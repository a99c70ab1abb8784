"""The reference learner: one gradient boosting for every cell, scored on unseen customers."""

from dataclasses import dataclass

import lightgbm
import numpy as np

from configs.settings.evaluation import Bootstrap
from configs.settings.simulation_proof import ReferenceLearner
from training_jobs.data.synthetic.lenses.base import Matrix
from training_jobs.data.synthetic.random import Floats, Ints, philox
from training_jobs.evaluation.bootstrap import Estimate, Resampler, number_customers, point
from training_jobs.evaluation.metrics import find_metric
from training_jobs.evaluation.sample import Sample


def fold_of(customer: Ints, learner: ReferenceLearner) -> Ints:
    """Return [n] the fold of each customer, by hash: rows of one customer stay together."""
    words = philox((customer, 0, 0, 0), learner.seed)[0]
    return np.asarray(words % np.uint64(learner.folds), np.int64)


def _parameters(matrix: Matrix, learner: ReferenceLearner) -> dict[str, object]:
    parameters: dict[str, object] = {
        "objective": "binary",
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
    if matrix.alone:
        rest = sorted(set(range(matrix.values.shape[1])) - set(matrix.alone))
        parameters["interaction_constraints"] = [rest, *([column] for column in matrix.alone)]
    return parameters


def unseen_scores(
    matrix: Matrix, labels: np.ndarray, customer: Ints, learner: ReferenceLearner
) -> Floats:
    """Return [n, labels] probabilities of each label, by a model of other customers.

    Args:
        matrix: [n, columns] inputs.
        labels: [n, labels] booleans; each is learned by itself on the same inputs.
        customer: [n] customer numbers.
        learner: its settings.
    """
    scores = np.full(labels.shape, np.nan)
    folds = fold_of(customer, learner)
    parameters = _parameters(matrix, learner)
    for fold in range(learner.folds):
        train, test = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        data = lightgbm.Dataset(
            matrix.values[train],
            labels[train, 0].astype(float),
            categorical_feature=list(matrix.categorical),
            params=parameters,
            free_raw_data=False,
        )
        for place in range(labels.shape[1]):
            data.set_label(labels[train, place].astype(float))
            model = lightgbm.train(parameters, data, num_boost_round=learner.rounds)
            scores[test, place] = model.predict(matrix.values[test], num_threads=1)
    return scores


@dataclass(frozen=True)
class Jury:
    """Areas under the curve with intervals by customer, on the same resamples."""

    resampler: Resampler

    @classmethod
    def of(cls, customer: Ints, *, replicates: int, level: float, seed: int) -> "Jury":
        """Draw the resamples of these customers."""
        settings = Bootstrap(replicates=replicates, level=level, seed=seed)
        return cls(Resampler(number_customers(customer), settings))

    def metric(
        self, name: str, labels: Floats, scores: Floats, reference: Floats | None = None
    ) -> Estimate:
        """Return a registered metric with its interval."""
        measure = find_metric(name)
        sample = Sample(
            y=np.asarray(labels, np.float64),
            p=scores,
            weights=np.ones((1, len(labels))),
            reference=reference,
        )
        low, high = self.resampler.interval(self.resampler.replicates(measure, sample))
        return Estimate(point(measure, sample), low, high)

"""Metrics of multiclass tasks, weighted by replicate."""

import numpy as np

from training_jobs.evaluation.sample import Array, Metric, Sample, mean, metric, ratio

CUTS = (1, 3, 5)


@metric("macro_f1")
def macro_f1(sample: Sample) -> Array:
    """Return [R], the plain mean of F1 over the classes labelled or predicted in a replicate."""
    guess, truth = sample.p.argmax(axis=1), sample.y.astype(np.int64)
    classes = np.union1d(guess, truth)
    guessed = (guess[:, None] == classes).astype(np.float64)
    true = (truth[:, None] == classes).astype(np.float64)
    both = sample.weights @ (guessed * true)
    either = sample.weights @ guessed + sample.weights @ true
    scores = np.where(either > 0, 2 * both / np.where(either > 0, either, 1), 0.0)
    return ratio(scores.sum(axis=1), (either > 0).sum(axis=1).astype(np.float64))


def _ndcg(cut: int) -> Metric:
    def ndcg(sample: Sample) -> Array:
        """Return [R], 1 / log2(1 + rank of the true class), 0 beyond the cut; ties by index."""
        truth = sample.y.astype(np.int64)
        own = sample.p[np.arange(len(truth)), truth][:, None]
        earlier = np.arange(sample.p.shape[1]) < truth[:, None]
        rank = 1 + (sample.p > own).sum(axis=1) + ((sample.p == own) & earlier).sum(axis=1)
        gain = np.where(rank <= cut, 1 / np.log2(1 + rank), 0.0)
        return mean(gain, sample.weights)

    return ndcg


for _cut in CUTS:
    metric(f"ndcg_at_{_cut}")(_ndcg(_cut))

"""`make bench-hmm`: one EM step and one filtering pass of our hidden Markov model and of hmmlearn.

Both read the same series from the same parameters in one process; `*.share_of_hmmlearn` is the
ratio of the medians, ours over hmmlearn's. Before anything is timed the two must agree, else the
comparison would be of different things.
"""

import argparse
from statistics import median

import numpy as np
from hmmlearn.hmm import GaussianHMM
from numpy.typing import NDArray

from benchmarks.record import Figure, publish, timed
from training_jobs.features.latent.markov import Chain, Sequences, em_step, sequences, smooth

MONTHS, SERIES, STATES = 12, 3, 5
RUNS = 5
SEED = 1
AGREE = 1e-8


def _chain(draw: np.random.Generator) -> Chain:
    return Chain(
        draw.dirichlet(np.full(STATES, 2.0)),
        draw.dirichlet(np.full(STATES, 2.0), size=STATES),
        draw.normal(size=(STATES, SERIES)),
        draw.uniform(0.5, 2, size=(STATES, SERIES)),
    )


def _peer(chain: Chain) -> GaussianHMM:
    model = GaussianHMM(
        STATES, "diag", n_iter=1, init_params="", covars_prior=0, covars_weight=1, min_covar=0
    )
    model.startprob_, model.transmat_ = chain.start, chain.transitions
    model.means_, model.covars_ = chain.means, chain.variances
    return model


def _step(chain: Chain, given: Sequences) -> Chain:
    return em_step(chain, given, pseudo_count=0.0, min_variance=1e-9)[0]


def _check(chain: Chain, given: Sequences, rows: NDArray[np.float64], lengths: list[int]) -> float:
    """Return the largest difference of posteriors and of parameters after a step.

    Raises:
        RuntimeError: it is larger than `AGREE`.
    """
    posterior = _peer(chain).predict_proba(rows, lengths)
    ours = smooth(chain, given).smoothed.transpose(2, 0, 1).reshape(-1, STATES)
    model, stepped = _peer(chain).fit(rows, lengths), _step(chain, given)
    off = max(
        float(np.abs(ours - posterior).max()),
        float(np.abs(stepped.transitions - model.transmat_).max()),
        float(np.abs(stepped.means - model.means_).max()),
    )
    if off > AGREE:
        raise RuntimeError(f"the two differ by {off}: nothing to compare")
    return off


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    draw = np.random.default_rng(SEED)
    chain = _chain(draw)
    values = draw.normal(size=(MONTHS, SERIES, given.customers))
    series = sequences(values, np.ones((MONTHS, given.customers), np.bool_))
    rows = np.ascontiguousarray(values.transpose(2, 0, 1).reshape(-1, SERIES))
    lengths = [MONTHS] * given.customers
    off = _check(chain, series, rows, lengths)
    figures = []
    for name, ours, theirs in (
        ("em_step", lambda: _step(chain, series), lambda: _peer(chain).fit(rows, lengths)),
        (
            "posteriors",
            lambda: smooth(chain, series),
            lambda: _peer(chain).predict_proba(rows, lengths),
        ),
    ):
        own, peer = timed(ours, runs=RUNS), timed(theirs, runs=RUNS)
        figures += [
            Figure(f"{name}.ours", "s", own),
            Figure(f"{name}.hmmlearn", "s", peer),
            Figure(f"{name}.share_of_hmmlearn", "ratio", (median(own) / median(peer),)),
        ]
    publish(
        "hidden_markov",
        figures,
        packages=("hmmlearn", "numpy"),
        seed=SEED,
        extra={"customers": given.customers, "largest_difference": off},
    )


if __name__ == "__main__":
    main()

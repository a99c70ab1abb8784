"""The hidden Markov model against hmmlearn, against every path by hand, and on planted truth."""

import itertools
import math

import numpy as np
import pytest
from hmmlearn.hmm import GaussianHMM

from configs.settings.generators.latent import ChainEstimation
from training_jobs.features.generators.hidden_states import transition_entropy
from training_jobs.features.latent.baum_welch import fit_chain
from training_jobs.features.latent.markov import (
    Chain,
    Sequences,
    em_step,
    moves,
    sequences,
    smooth,
)

MONTHS = 12
ESTIMATION = ChainEstimation(
    restarts=2,
    seed=7,
    start_rows=20_000,
    start_steps=50,
    start_stay=0.8,
    iterations=80,
    tolerance=1e-6,
    pseudo_count=1,
    min_variance=0.01,
)


def random_chain(draw: np.random.Generator, states: int, series: int) -> Chain:
    """Return a model without zeros."""
    return Chain(
        draw.dirichlet(np.full(states, 2.0)),
        draw.dirichlet(np.full(states, 2.0), size=states),
        draw.normal(size=(states, series)) * 1.5,
        draw.uniform(0.3, 2, size=(states, series)),
    )


def late_joiners(draw: np.random.Generator, customers: int, series: int) -> Sequences:
    """Return complete series whose first month differs from customer to customer."""
    values = draw.normal(size=(MONTHS, series, customers)) * 2
    first = draw.integers(0, MONTHS, size=customers)
    return sequences(values, np.arange(MONTHS)[:, None] >= first)


def peer(chain: Chain, given: Sequences) -> tuple[GaussianHMM, np.ndarray, list[int]]:
    """Return hmmlearn's model of equal parameters and the same data in its form."""
    model = GaussianHMM(
        chain.states,
        "diag",
        n_iter=1,
        init_params="",
        covars_prior=0,
        covars_weight=1,
        min_covar=0,
    )
    model.startprob_, model.transmat_ = chain.start, chain.transitions
    model.means_, model.covars_ = chain.means, chain.variances
    rows = [given.points.values[first:, :, lane] for lane, first in enumerate(given.first)]
    return model, np.concatenate(rows), [len(row) for row in rows]


@pytest.mark.parametrize(("states", "series"), [(5, 3), (6, 4), (2, 1)])
def test_likelihood_posteriors_and_an_em_step_are_those_of_hmmlearn(
    states: int, series: int
) -> None:
    draw = np.random.default_rng(states)
    chain = random_chain(draw, states, series)
    given = late_joiners(draw, 300, series)
    passed = smooth(chain, given)
    model, rows, lengths = peer(chain, given)
    likelihood, posterior = model.score_samples(rows, lengths)
    assert passed.log_likelihood.sum() == pytest.approx(likelihood, abs=1e-8)
    ours = np.concatenate(
        [passed.smoothed[first:, :, lane] for lane, first in enumerate(given.first)]
    )
    assert np.abs(ours - posterior).max() < 1e-12
    stepped, before = em_step(chain, given, pseudo_count=0, min_variance=1e-9)
    assert before == pytest.approx(likelihood, abs=1e-8)
    model.fit(rows, lengths)
    assert np.abs(stepped.start - model.startprob_).max() < 1e-10
    assert np.abs(stepped.transitions - model.transmat_).max() < 1e-10
    assert np.abs(stepped.means - model.means_).max() < 1e-10
    covariances = np.array([np.diag(row) for row in model.covars_])
    assert np.abs(stepped.variances - covariances).max() < 1e-10


def test_the_pseudo_count_is_the_dirichlet_prior_of_hmmlearn() -> None:
    draw = np.random.default_rng(8)
    chain, given = random_chain(draw, 3, 2), late_joiners(draw, 40, 2)
    stepped, _ = em_step(chain, given, pseudo_count=2.5, min_variance=1e-9)
    model, rows, lengths = peer(chain, given)
    model.startprob_prior = model.transmat_prior = 3.5
    model.fit(rows, lengths)
    assert np.abs(stepped.start - model.startprob_).max() < 1e-10
    assert np.abs(stepped.transitions - model.transmat_).max() < 1e-10


def by_every_path(chain: Chain, values: np.ndarray, first: int) -> tuple[float, np.ndarray, dict]:
    """Sum over all paths of one customer: log-likelihood, posteriors, expected moves.

    Args:
        chain: the model.
        values: (months, series), NaN = missing.
        first: first observed month.
    """

    def emitted(month: int, state: int) -> float:
        density = 1.0
        for place, value in enumerate(values[month]):
            if not math.isnan(value):
                variance = chain.variances[state, place]
                off = value - chain.means[state, place]
                density *= math.exp(-off * off / (2 * variance)) / math.sqrt(2 * math.pi * variance)
        return density

    months = range(first, len(values))
    total, posterior = 0.0, np.zeros((len(values), chain.states))
    moved: dict[tuple[int, int], float] = {}
    for path in itertools.product(range(chain.states), repeat=len(months)):
        weight = chain.start[path[0]] * emitted(first, path[0])
        for place in range(1, len(path)):
            weight *= chain.transitions[path[place - 1], path[place]]
            weight *= emitted(first + place, path[place])
        total += weight
        for place, state in enumerate(path):
            posterior[first + place, state] += weight
        for pair in itertools.pairwise(path):
            moved[pair] = moved.get(pair, 0.0) + weight
    return math.log(total), posterior / total, {pair: w / total for pair, w in moved.items()}


def test_missing_values_gaps_and_late_starts_against_every_path() -> None:
    draw = np.random.default_rng(4)
    chain = random_chain(draw, 3, 2)
    values = draw.normal(size=(5, 2, 8)) * 2
    observed = np.ones((5, 8), bool)
    values[1, 0, 0] = values[3, 1, 0] = np.nan
    values[2, :, 1] = np.nan
    observed[2:4, 2] = False
    observed[:3, 3] = False
    observed[:4, 4] = False
    observed[:2, 5] = observed[3, 5] = False
    values[4, :, 6] = np.nan
    given = sequences(values, observed)
    passed = smooth(chain, given)
    expected_moves = moves(chain, given, passed)
    assert list(given.first) == [0, 0, 0, 3, 4, 2, 0, 0]
    for lane in range(8):
        seen = np.where(observed[:, None, lane], values[:, :, lane], np.nan)
        first = int(given.first[lane])
        likelihood, posterior, moved = by_every_path(chain, seen, first)
        assert passed.log_likelihood[lane] == pytest.approx(likelihood, abs=1e-12)
        assert passed.smoothed[first:, :, lane] == pytest.approx(posterior[first:], abs=1e-12)
        for left, right in itertools.product(range(3), repeat=2):
            assert expected_moves[left, right, lane] == pytest.approx(
                moved.get((left, right), 0.0), abs=1e-12
            )
    # At the last month nothing lies ahead: filtering and smoothing agree.
    assert (passed.filtered[-1] == passed.smoothed[-1]).all()


def planted(customers: int, seed: int = 2) -> tuple[Chain, np.ndarray]:
    """Return a model of three regimes and series drawn from it, (months, 2, customers)."""
    chain = Chain(
        np.array([0.5, 0.3, 0.2]),
        np.array([[0.85, 0.1, 0.05], [0.05, 0.8, 0.15], [0.2, 0.1, 0.7]]),
        np.array([[-1.5, 1.0], [0.2, -1.0], [1.6, 1.2]]),
        np.array([[0.2, 0.3], [0.25, 0.15], [0.3, 0.4]]),
    )
    draw = np.random.default_rng(seed)
    state = draw.choice(3, size=customers, p=chain.start)
    values = np.empty((MONTHS, 2, customers))
    for month in range(MONTHS):
        if month:
            up_to = chain.transitions.cumsum(axis=1)[state]
            state = (draw.random((customers, 1)) > up_to).sum(axis=1)
        noise = draw.normal(size=(customers, 2)) * np.sqrt(chain.variances[state])
        values[month] = (chain.means[state] + noise).T
    return chain, values


def test_the_fit_recovers_planted_parameters_from_incomplete_series() -> None:
    chain, values = planted(1500)
    draw = np.random.default_rng(5)
    values[draw.random(values.shape) < 0.1] = np.nan
    first = draw.integers(0, 4, size=1500)
    given = sequences(values, np.arange(MONTHS)[:, None] >= first)
    found = fit_chain(given, 3, ESTIMATION)
    assert np.abs(found.means - chain.means).max() < 0.05
    assert np.abs(found.variances - chain.variances).max() < 0.05
    assert np.abs(found.transitions - chain.transitions).max() < 0.03


def test_states_are_numbered_by_their_first_mean_and_renumbering_changes_nothing() -> None:
    _, values = planted(200)
    given = sequences(values, np.ones((MONTHS, 200), bool))
    found = fit_chain(given, 3, ESTIMATION)
    assert (np.diff(found.means[:, 0]) > 0).all()
    order = np.array([2, 0, 1])
    other = smooth(found.ordered(order), given)
    passed = smooth(found, given)
    assert other.log_likelihood == pytest.approx(passed.log_likelihood, abs=1e-9)
    assert other.smoothed == pytest.approx(passed.smoothed[:, order], abs=1e-12)


def test_of_several_starts_the_likeliest_is_kept_and_ordered() -> None:
    """Six states for three regimes: starts differ, and EM leaves means in any order."""
    _, values = planted(60, seed=10)
    given = sequences(values, np.ones((MONTHS, 60), bool))

    def fitted(seed: int, restarts: int) -> tuple[Chain, float]:
        asked = ESTIMATION.model_copy(update={"seed": seed, "restarts": restarts, "iterations": 40})
        chain = fit_chain(given, 6, asked)
        return chain, float(smooth(chain, given).log_likelihood.sum())

    alone = [fitted(7 + start, 1) for start in range(4)]
    best, likelihood = fitted(7, 4)
    assert likelihood == pytest.approx(max(likely for _, likely in alone), abs=1e-6)
    assert likelihood > min(likely for _, likely in alone) + 1
    for chain in (best, *(chain for chain, _ in alone)):
        assert (np.diff(chain.means[:, 0]) > 0).all()


def test_no_em_step_lowers_the_likelihood() -> None:
    draw = np.random.default_rng(6)
    chain = random_chain(draw, 4, 3)
    given = late_joiners(draw, 200, 3)
    climbed = []
    for _ in range(15):
        chain, likelihood = em_step(chain, given, pseudo_count=0, min_variance=1e-9)
        climbed.append(likelihood)
    assert (np.diff(climbed) > 0).all()


@pytest.mark.parametrize("size", [1, 3, 100, 2048])
def test_a_customer_is_the_same_to_the_bit_in_any_company(size: int) -> None:
    draw = np.random.default_rng(9)
    chain = random_chain(draw, 6, 4)
    given = late_joiners(draw, 2500, 4)
    whole = smooth(chain, given)
    whole_moves = moves(chain, given, whole)
    for start in (0, 1, 2047, 2400):
        lanes = slice(start, start + size)
        part = given.take(lanes)
        passed = smooth(chain, part)
        assert passed.smoothed.tobytes() == whole.smoothed[..., lanes].tobytes()
        assert passed.log_likelihood.tobytes() == whole.log_likelihood[lanes].tobytes()
        assert moves(chain, part, passed).tobytes() == whole_moves[..., lanes].tobytes()


def test_extreme_values_underflow_nothing() -> None:
    chain = random_chain(np.random.default_rng(1), 4, 2)
    values = np.full((MONTHS, 2, 2), 1e4)
    values[..., 1] = -1e4
    passed = smooth(chain, sequences(values, np.ones((MONTHS, 2), bool)))
    assert np.isfinite(passed.log_likelihood).all()
    assert passed.smoothed.sum(axis=1) == pytest.approx(1.0)


def test_transition_entropy_of_known_moves() -> None:
    counts = np.zeros((2, 2, 5))
    counts[..., 0] = [[6, 0], [0, 5]]
    counts[..., 1] = [[0, 6], [5, 0]]
    counts[..., 2] = [[2, 2], [2, 2]]
    counts[..., 3] = [[3, 1], [0, 4]]
    entropy = transition_entropy(counts)
    half = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25)) / 2
    # To alternate without fail is as predictable as to stay.
    assert entropy[:4] == pytest.approx([0, 0, math.log(2), half])
    assert np.isnan(entropy[4])


def test_no_variance_falls_under_the_floor_and_no_move_becomes_impossible() -> None:
    values = np.repeat(np.array([-1.0, 1.0]), 20) * np.ones((MONTHS, 1, 40))
    given = sequences(values, np.ones((MONTHS, 40), bool))
    found = fit_chain(given, 2, ESTIMATION.model_copy(update={"min_variance": 0.3}))
    assert (found.variances == 0.3).all()
    assert found.means[:, 0] == pytest.approx([-1, 1], abs=0.05)
    # 220 months of staying and one pseudo-count for either move.
    assert found.transitions[0, 1] == pytest.approx(1 / 222, rel=0.5)
    assert found.transitions.min() > 0

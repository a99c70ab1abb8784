"""Hidden states, clusters, trials and the closed-form cell hold their promises on any input."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.settings.generators.latent import Bandit, ClosedForm
from training_jobs.features.generators.hidden_states import describe
from training_jobs.features.history import EventHistory
from training_jobs.features.latent.arrays import add_up, distinct
from training_jobs.features.latent.closed_form import draw_cell, step
from training_jobs.features.latent.gaussians import points
from training_jobs.features.latent.markov import Chain, moves, sequences, smooth
from training_jobs.features.latent.mixture import Mixture, assign
from training_jobs.features.latent.scaling import fit_scale
from training_jobs.features.latent.trials import posterior, trials

QUICK = settings(max_examples=60, deadline=None)
SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def chains(draw: st.DrawFn) -> tuple[Chain, np.ndarray, np.ndarray]:
    """Return a model, series with holes, and what is observed of them."""
    seed, states, series = draw(SEEDS), draw(st.integers(2, 6)), draw(st.integers(1, 4))
    months, customers = draw(st.integers(1, 12)), draw(st.integers(1, 40))
    scale, holes = draw(st.sampled_from([1e-3, 1.0, 50.0])), draw(st.floats(0, 1))
    random = np.random.default_rng(seed)
    chain = Chain(
        random.dirichlet(np.ones(states)),
        random.dirichlet(np.ones(states), size=states),
        random.normal(size=(states, series)) * scale,
        random.uniform(0.2, 3, size=(states, series)),
    )
    values = random.normal(size=(months, series, customers)) * scale
    values[random.random(values.shape) < holes] = np.nan
    return chain, values, random.random((months, customers)) >= holes


@QUICK
@given(chains())
def test_posteriors_are_probabilities_and_moves_are_one_a_month(
    case: tuple[Chain, np.ndarray, np.ndarray],
) -> None:
    chain, values, observed = case
    given = sequences(values, observed)
    passed = smooth(chain, given)
    assert np.isfinite(passed.log_likelihood).all()
    months = np.arange(len(values))[:, None]
    seen = months >= given.first
    assert np.allclose(passed.smoothed.sum(axis=1)[seen], 1, atol=1e-9)
    assert (passed.smoothed >= 0).all()
    expected = moves(chain, given, passed)
    steps = np.maximum(len(values) - 1 - given.first, 0)
    assert np.allclose(expected.sum(axis=(0, 1)), steps, atol=1e-9)
    # Who leaves a state in a month was in it: the moves have the posteriors as margins.
    left = np.where(seen[:-1, None], passed.smoothed[:-1], 0).sum(axis=0)
    assert np.allclose(expected.sum(axis=1), left, atol=1e-9)


@QUICK
@given(chains())
def test_a_description_is_within_its_bounds(case: tuple[Chain, np.ndarray, np.ndarray]) -> None:
    chain, values, observed = case
    given = sequences(values, observed)
    made = describe(chain, given)[:, given.first < len(values)]
    known = given.first[given.first < len(values)]
    states = chain.states
    assert ((made[states] >= 1) & (made[states] <= states)).all()
    assert ((made[states + 1] >= 1) & (made[states + 1] <= len(values) - known)).all()
    entropy = made[states + 2]
    alone = known == len(values) - 1
    assert (np.isnan(entropy) == alone).all()
    assert ((entropy >= 0) & (entropy <= math.log(states) + 1e-9))[~alone].all()


@QUICK
@given(chains(), st.data())
def test_one_customer_alone_has_the_bits_it_has_among_others(
    case: tuple[Chain, np.ndarray, np.ndarray], data: st.DataObject
) -> None:
    chain, values, observed = case
    lane = data.draw(st.integers(0, values.shape[2] - 1))
    whole = describe(chain, sequences(values, observed))[:, lane]
    alone = describe(chain, sequences(values[..., [lane]], observed[:, [lane]]))[:, 0]
    assert whole.tobytes() == alone.tobytes()


@QUICK
@given(SEEDS, st.integers(1, 50), st.sampled_from([1e-6, 1.0, 1e6]))
def test_responsibilities_are_shares_however_far_a_customer_is(
    seed: int, customers: int, scale: float
) -> None:
    random = np.random.default_rng(seed)
    mixture = Mixture(
        random.dirichlet(np.ones(7)), random.normal(size=(7, 3)), random.uniform(0.1, 2, (7, 3))
    )
    values = random.normal(size=(3, customers)) * scale
    shares, likely = assign(mixture, points(values))
    assert np.allclose(shares.sum(axis=0), 1)
    assert np.isfinite(likely).all()
    alone, _ = assign(mixture, points(values[:, :1]))
    assert alone[:, 0].tobytes() == shares[:, 0].tobytes()


@st.composite
def histories(draw: st.DrawFn) -> EventHistory:
    """Return the events of up to six customers over 400 days, days often shared."""
    rows = sorted(
        draw(
            st.lists(
                st.tuples(st.integers(0, 5), st.integers(-400, 0), st.integers(-1, 3)), max_size=60
            )
        )
    )
    row, back, category = (np.array([each[place] for each in rows], np.int64) for place in range(3))
    none = np.full(len(rows), -1)
    return EventHistory(
        offsets=np.concatenate([[0], np.cumsum(np.bincount(row, minlength=6))]).astype(np.int64),
        row=row,
        back=-back,
        month_back=-back // 30,
        microsecond=back * 86_400_000_000,
        hour=np.zeros(len(rows), np.int64),
        amount=np.ones(len(rows), np.int64),
        debit=np.ones(len(rows), np.bool_),
        category=category,
        channel=none,
        merchant=none,
        categories=("a", "b", "c", "d"),
        channels=(),
        merchants=(),
    )


@QUICK
@given(histories(), st.integers(0, 120), st.integers(1, 120))
def test_trials_are_those_counted_one_by_one(
    events: EventHistory, settle: int, reward: int
) -> None:
    bandit = Bandit(
        settle_days=settle, reward_days=reward, prior_successes=1, prior_failures=1, upper=0.95
    )
    tried, succeeded, known = trials(events, events.category >= 0, bandit)
    for customer in range(6):
        own = [
            (-int(back), int(category))
            for row, back, category in zip(events.row, events.back, events.category, strict=True)
            if row == customer and category >= 0
        ]
        assert known[customer] == bool(own)
        days: dict[int, list[int]] = {}
        for day, category in sorted(own):
            days.setdefault(category, []).append(day)
        counted = [
            any(0 < later - used[0] <= reward for later in used)
            for used in days.values()
            if used[0] - min(own)[0] > settle and -used[0] >= reward
        ]
        assert (tried[customer], succeeded[customer]) == (len(counted), sum(counted))


@QUICK
@given(st.integers(0, 500), st.data())
def test_the_bandit_stays_within_its_bounds_and_learns_from_success(
    tried: int, data: st.DataObject
) -> None:
    bandit = Bandit(settle_days=1, reward_days=1, prior_successes=1, prior_failures=1, upper=0.95)
    succeeded = data.draw(st.integers(0, tried))
    mean, deviation, upper, number = posterior(
        np.array([float(tried)]), np.array([float(succeeded)]), bandit
    )[:, 0]
    assert 0 < mean < upper < 1
    assert 0 < deviation < 0.3
    assert number == tried
    better = posterior(np.array([tried + 1.0]), np.array([succeeded + 1.0]), bandit)[:, 0]
    assert better[0] > mean
    assert better[2] > upper


@QUICK
@given(SEEDS, st.sampled_from([0.0, 1e-9, 1.0, 1e9]), st.integers(1, 30))
def test_the_cell_is_bounded_alone_and_in_company(seed: int, time: float, customers: int) -> None:
    network = ClosedForm(
        units=6, seed=seed, events=4, recurrent_scale=0.9, input_scale=0.7, days=7, limit=4
    )
    cell, random = draw_cell(network, 3), np.random.default_rng(seed)
    state, inputs = random.uniform(-1, 1, (6, customers)), random.normal(size=(3, customers)) * 9
    elapsed = np.full(customers, time)
    made = step(cell, state, inputs, elapsed)
    assert (np.abs(made) <= 1).all()
    alone = step(cell, state[:, :1], inputs[:, :1], elapsed[:1])
    assert alone[:, 0].tobytes() == made[:, 0].tobytes()


@QUICK
@given(
    st.lists(st.one_of(st.integers(-1000, 9 * 10**15), st.none()), min_size=1, max_size=40),
)
def test_a_scale_does_not_depend_on_order_and_stays_within_its_limit(
    given: list[int | None],
) -> None:
    values = np.array([np.nan if value is None else float(value) for value in given])
    scale = fit_scale({"spend": values}, money={"spend"}, counts=(), limit=3)
    other = fit_scale({"spend": values[::-1]}, money={"spend"}, counts=(), limit=3)
    assert scale.names == other.names
    if not scale.names:
        present = values[~np.isnan(values)]
        assert not len(present) or np.ptp(present) <= 1e-12 * np.abs(present).max()
        return
    assert scale.saved("x_").arrays["x_means"].tobytes() == other.means.tobytes()
    made = scale.filled(0, values)
    assert (np.abs(made) <= 3).all()
    assert (np.isnan(scale.apply(0, values)) == np.isnan(values)).all()


@QUICK
@given(st.lists(st.integers(-100, 100)))
def test_distinct_is_the_sorted_set(keys: list[int]) -> None:
    assert list(distinct(np.array(keys, np.int64))) == sorted(set(keys))


@QUICK
@given(SEEDS, st.integers(1, 12), st.integers(1, 30))
def test_sums_have_one_order(seed: int, rows: int, lanes: int) -> None:
    values = np.random.default_rng(seed).normal(size=(rows, lanes)) * 10.0 ** np.arange(lanes)
    total = add_up(values)
    for lane in range(lanes):
        expected = 0.0
        for place in range(rows):
            expected += values[place, lane]
        assert total[lane] == expected
        assert add_up(values[:, [lane]])[0] == expected

"""Properties of the synthetic bank's parts that hold whatever the numbers are."""

from typing import cast

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from configs.settings.base import load
from configs.settings.dataset import Catalogue
from configs.settings.simulation import BankSettings, CrossesTrace
from configs.settings.tasks import AcquiredAny, AcquiredCount, CountStability, FirstGroup
from training_jobs.data.synthetic.lenses.perslay import ranks
from training_jobs.data.synthetic.mechanisms.crosses import board_factors, sides
from training_jobs.data.synthetic.outcomes import Course, outcome
from training_jobs.data.synthetic.swing import control_of
from training_jobs.data.synthetic.writing import BANK_FILE, CATALOGUE_FILE

CATALOGUE = load(Catalogue, CATALOGUE_FILE)
BANK = load(BankSettings, BANK_FILE)
PRODUCTS = len(CATALOGUE.products)


@st.composite
def courses(draw: st.DrawFn) -> Course:
    customers = draw(st.integers(1, 6))
    held = draw(hnp.arrays(bool, (4, customers, PRODUCTS)))
    return Course(
        prior=held[0].sum(axis=1).astype(float),
        now=held[0],
        window=held[1:],
        segment=np.zeros(customers, np.int64),
    )


@given(courses())
@settings(max_examples=80, deadline=None)
def test_labels_of_one_course_agree_with_each_other(course: Course) -> None:
    count = outcome(AcquiredCount(method="acquired_count"), course, CATALOGUE)
    first = outcome(FirstGroup(method="first_group"), course, CATALOGUE)
    assert ((count == 0) == (first == 0)).all()
    assert (count <= PRODUCTS - course.now.sum(axis=1)).all()
    names = [group.group for group in CATALOGUE.groups]
    for number, name in enumerate(names, 1):
        rule = AcquiredAny(method="acquired_any", product_group=name)
        acquired = outcome(rule, course, CATALOGUE)
        # Who has the whole group already can acquire nothing of it.
        assert (first[np.isnan(acquired)] != number).all()
        assert (acquired[first == number] == 1).all()
    stability = outcome(CountStability(method="count_stability"), course, CATALOGUE)
    seen = np.isfinite(stability)
    assert ((stability[seen] >= 0) & (stability[seen] <= 1)).all()
    still = (course.window.sum(axis=2) == course.now.sum(axis=1)).all(axis=0) & seen
    assert (stability[still] == 1).all()


@given(
    hnp.arrays(np.float64, 4, elements=st.floats(0.05, 1)),
    hnp.arrays(np.float64, 4, elements=st.floats(0.05, 1)),
    st.floats(0.05, 0.5),
)
@settings(max_examples=60, deadline=None)
def test_a_board_centred_on_its_shares_has_no_main_effect(
    bands: np.ndarray, channels: np.ndarray, contrast: float
) -> None:
    bands, channels = bands / bands.sum(), channels / channels.sum()
    shipped = BANK.traces.crosses
    bounds = shipped.income_bounds
    income = np.array([bounds[0] - 1, bounds[0] + 1, bounds[1] + 1, bounds[2] + 1])
    row, column = (part.ravel() for part in np.indices((4, 4)))
    parts = {
        "income": income[row],
        "channel": column,
        "segment": np.zeros(16, int),
        "region": np.zeros(16, int),
    }
    side = sides(shipped, **parts)
    weight = bands[row] * channels[column]
    centres = dict(shipped.centres) | {
        "income": float((side["income"] * weight).sum()),
        "channel": float((side["channel"] * weight).sum()),
    }
    # Within this contrast no factor is cut off at zero, whatever the shares.
    trace = CrossesTrace(income_bounds=bounds, centres=centres, contrast=contrast / 2)
    first = board_factors(trace, **parts)[0].reshape(4, 4)
    assert np.allclose(first @ channels, 1)
    assert np.allclose(bands @ first, 1)
    assert np.ptp(first) > 0


@given(st.floats(5, 8), st.floats(0.05, 0.6))
@settings(max_examples=60, deadline=None)
def test_the_control_is_stationary_and_keeps_the_loops_autocorrelation(
    period: float, jitter: float
) -> None:
    root = complex(control_of(np.array([period]), jitter).root[0])
    assert abs(root) < 1
    first, second = 2 * root.real, -(abs(root) ** 2)
    control = [1.0, first / (1 - second)]
    for _ in range(7):
        control.append(first * control[-1] + second * control[-2])
    lags = np.arange(9)
    loop = np.exp(-0.5 * lags * jitter**2) * np.cos(2 * np.pi * lags / period)
    # The sine that an AR(2) adds is at most (1 - r^2) / (1 + r^2) cot(angle).
    worst = (1 + second) / (1 - second) / abs(np.tan(2 * np.pi / period)) + 1e-9
    assert (np.abs(np.array(control) - loop) <= worst).all()


@given(hnp.arrays(np.float64, st.integers(1, 40), elements=st.floats(1, 1e12)))
@settings(max_examples=60, deadline=None)
def test_ranks_do_not_depend_on_the_scale_of_the_amounts(amounts: np.ndarray) -> None:
    assert np.array_equal(ranks(amounts), ranks(amounts * 2))
    assert np.allclose(np.sort(ranks(amounts)), (np.arange(len(amounts)) + 0.5) / len(amounts))


def test_codes_of_favourites_are_one_tier_and_amount() -> None:
    taste = {code for codes in BANK.traces.tree_taste.codes for code in codes}
    kinds = {
        (cast(str, category.tier), category.amount, category.weight)
        for category in BANK.categories
        if category.code in taste
    }
    # Neither amounts nor tiers tell one favourite from another.
    assert len(kinds) == 1
    assert next(iter(kinds))[0] == "neutral"

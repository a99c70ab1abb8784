"""Properties of the hyperbolic layer and of the counts among neighbours, on generated input."""

import math
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import sparse

from training_jobs.features import hyperbolic
from training_jobs.features.circles import circles, favourites
from training_jobs.features.graph_counts import GraphCounts, Own, Sizes, counted, unpacked
from training_jobs.features.neighbours import circle_messages, density, item_messages
from training_jobs.features.visits import presence

coordinate = st.floats(-2.0, 2.0, allow_nan=False, width=32)
vector = st.lists(coordinate, min_size=3, max_size=3).map(
    lambda values: hyperbolic.exp_origin(np.array([values], np.float64))
)


@settings(max_examples=100, deadline=None)
@given(x=vector, y=vector, z=vector)
def test_the_ball_is_a_metric_space_that_translations_leave_alone(
    x: NDArray[np.float64], y: NDArray[np.float64], z: NDArray[np.float64]
) -> None:
    xy, yx = hyperbolic.distance(x, y)[0], hyperbolic.distance(y, x)[0]
    assert xy == pytest.approx(yx, rel=1e-6, abs=1e-6)
    assert hyperbolic.distance(x, x)[0] < 1e-6
    assert xy <= hyperbolic.distance(x, z)[0] + hyperbolic.distance(z, y)[0] + 1e-5
    moved = [hyperbolic.mobius_add(z, point) for point in (x, y)]
    assert hyperbolic.distance(*moved)[0] == pytest.approx(xy, rel=1e-3, abs=1e-3)
    np.testing.assert_allclose(hyperbolic.exp_origin(hyperbolic.log_origin(x)), x, atol=1e-9)


@settings(max_examples=100, deadline=None)
@given(points=st.lists(vector, min_size=1, max_size=6), data=st.data())
def test_the_midpoint_is_inside_and_does_not_depend_on_the_scale_of_weights(
    points: list[NDArray[np.float64]], data: st.DataObject
) -> None:
    weights = np.array([data.draw(st.integers(1, 9)) for _ in points], np.float64)
    lifted = hyperbolic.to_hyperboloid(np.concatenate(points))
    total = (weights[:, None] * lifted).sum(axis=0, keepdims=True) / weights.sum()
    middle, cosine = hyperbolic.midpoint(total)
    assert np.linalg.norm(middle) < 1
    assert cosine[0] >= 1
    widest = max(hyperbolic.distance(a, b)[0] for a in points for b in points)
    for point in points:
        assert hyperbolic.distance(middle, point)[0] <= widest + 1e-5


FAMILIES = np.array([0, 1, 0, 2, 1, 0])
SIZES = Sizes(items=6, circles=1 << 14, products=2, groups=1)
visit_rows = st.lists(
    st.lists(st.sampled_from([0, 0, 1, 2, 1_000]), min_size=6, max_size=6), min_size=1, max_size=6
)


def own_of(visits: list[list[int]], states: list[tuple[bool, ...]]) -> Own:
    """Return what customers bring: holdings of two products, recent uptake of two."""
    dense = np.array(visits, np.int64)
    counts = sparse.csr_array(dense)
    told = np.array(states, np.int64).reshape(len(visits), 4)
    one = np.ones((len(visits), 1), np.int64)
    lately = told[:, 2:].max(axis=1, keepdims=True)
    return Own(
        visits=counts,
        member=circles(favourites(counts, most=3), together=2, items=6, bits=14),
        at_items=np.concatenate([one, told], axis=1),
        in_circles=np.concatenate([one, lately, lately], axis=1),
    )


def messages(own: Own, counts: GraphCounts) -> NDArray[np.float64]:
    """Return all that a customer hears."""
    parts = (item_messages(own, counts, FAMILIES), circle_messages(own, counts, prior=5))
    return np.concatenate([*parts, density(own, counts)[:, None]], axis=1)


@settings(max_examples=150, deadline=None)
@given(visits=visit_rows, data=st.data())
def test_messages_are_exact_means_over_the_others(
    visits: list[list[int]], data: st.DataObject
) -> None:
    state = st.tuples(*[st.booleans()] * 4)
    states = [data.draw(state) for _ in visits]
    own = own_of(visits, states)
    counts = counted(own, presence(own.visits))
    again = unpacked(counts.flat(), SIZES)
    heard = messages(own, again)
    for number, row in enumerate(visits):
        others = [other for other in range(len(visits)) if other != number]
        among = {
            item: [other for other in others if visits[other][item]]
            for item in range(6)
            if row[item]
        }
        kin = {
            item: [
                other
                for other in others
                for another in range(6)
                if visits[other][another] and FAMILIES[another] == FAMILIES[item]
            ]
            for item in among
        }
        weight = sum(row[item] for item in among if among[item])
        for place in range(4):
            exact = sum(
                row[item]
                * (
                    Fraction(sum(states[v][place] for v in met), len(met))
                    - Fraction(sum(states[v][place] for v in kin[item]), len(kin[item]))
                )
                for item, met in among.items()
                if met
            )
            wanted = float(exact / weight) if weight else math.nan
            assert heard[number, place] == pytest.approx(wanted, rel=1e-9, abs=1e-9, nan_ok=True)
            assert not abs(heard[number, place]) > 1 + 1e-9
    # The own state turned over: nothing that this customer hears changes, to the last bit.
    turned = data.draw(st.integers(0, len(visits) - 1))
    flipped = [
        tuple(not value for value in one) if place == turned else one
        for place, one in enumerate(states)
    ]
    other = own_of(visits, flipped)
    after = messages(other, counted(other, presence(other.visits)))
    assert after[turned].tobytes() == heard[turned].tobytes()


@settings(max_examples=100, deadline=None)
@given(visits=visit_rows, data=st.data())
def test_a_customer_hears_the_same_in_any_batch(
    visits: list[list[int]], data: st.DataObject
) -> None:
    states = [data.draw(st.tuples(*[st.booleans()] * 4)) for _ in visits]
    own = own_of(visits, states)
    counts = counted(own, presence(own.visits))
    whole = messages(own, counts)
    order = data.draw(st.permutations(range(len(visits))))
    shuffled = own_of([visits[place] for place in order], [states[place] for place in order])
    assert messages(shuffled, counts).tobytes() == whole[list(order)].tobytes()
    flats = []
    for number in range(len(visits)):
        alone = own_of(visits[number : number + 1], states[number : number + 1])
        assert messages(alone, counts).tobytes() == whole[number : number + 1].tobytes()
        flats.append(counted(alone, presence(alone.visits)).flat())
    assert sum(flats).tobytes() == counts.flat().tobytes()


@settings(max_examples=100, deadline=None)
@given(visits=visit_rows, together=st.integers(2, 3))
def test_circles_are_the_choices_of_favourites(visits: list[list[int]], together: int) -> None:
    table = favourites(sparse.csr_array(np.array(visits, np.int64)), most=3)
    member = circles(table, together=together, items=6, bits=20)
    shared = (member @ member.T).toarray()
    chosen = []
    for row, found in zip(visits, table.tolist(), strict=True):
        best = sorted((-count, -item) for item, count in enumerate(row) if count)[:3]
        assert [item for item in found if item >= 0] == [-item for _, item in best]
        chosen.append({frozenset(c) for c in combinations([-item for _, item in best], together)})
    for one, mine in enumerate(chosen):
        for other, theirs in enumerate(chosen):
            assert shared[one, other] == len(mine & theirs)

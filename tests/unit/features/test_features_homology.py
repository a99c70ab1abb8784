"""Homology, embedding and statistics against other libraries and plain Python."""

import math
from collections.abc import Callable

import gudhi
import numpy as np
import pytest
from numpy.typing import NDArray
from ripser import ripser
from scipy.stats import rankdata

from configs.settings.generators.topology import Topology
from tests.unit.features.topology_reference import Interval, eight, line_intervals
from training_jobs.features.topology.embedding import delay_clouds, standard_ranks
from training_jobs.features.topology.homology import Pairs, line_pairs, loop_pairs
from training_jobs.features.topology.statistics import statistics

Floats = NDArray[np.float64]
ROUNDING = 1e-5
"""ripser.py works in float32: what it calls a pair of such a length is none."""

SHAPE = Topology(
    direction="debit",
    least_events=20,
    dimension=3,
    delay=1,
    most_points=60,
    least_lifetime=ROUNDING,
    category_events=1,
    block_customers=7,
)


def intervals(pairs: Pairs, row: int) -> list[Interval]:
    """Return the pairs of a customer, sorted."""
    own = pairs.row == row
    return sorted(zip(pairs.birth[own].tolist(), pairs.death[own].tolist(), strict=True))


def longer(diagram: Floats) -> list[Interval]:
    """Return the finite pairs of a library's diagram that are longer than rounding, sorted."""
    assert np.isfinite(diagram).all()
    return sorted((low, high) for low, high in diagram.tolist() if high - low > ROUNDING)


def by_simplex_tree(cloud: Floats) -> list[Interval]:
    """Return the H1 pairs by gudhi's explicit complex."""
    tree = gudhi.RipsComplex(points=cloud).create_simplex_tree(max_dimension=2)
    tree.compute_persistence(homology_coeff_field=2)
    return longer(tree.persistence_intervals_in_dimension(1))


def by_ripser(cloud: Floats) -> list[Interval]:
    """Return the H1 pairs by ripser.py."""
    return longer(ripser(cloud, maxdim=1, coeff=2)["dgms"][1])


def clouds() -> list[Floats]:
    """Return clouds of many kinds: random, on a grid, with copies, on a circle, of one place."""
    draw = np.random.default_rng(5)
    made: list[Floats] = [draw.normal(size=(int(n), 3)) for n in draw.integers(4, 26, 20)]
    made += [draw.integers(0, 4, size=(int(n), 3)).astype(float) for n in draw.integers(4, 26, 15)]
    made += [np.repeat(draw.normal(size=(8, 3)), 3, axis=0)]
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    made += [np.column_stack([np.cos(angle), np.sin(angle), 0 * angle])]
    sequence = standard_ranks(draw.integers(0, 9, 40), np.array([0, 40]))
    made += delay_clouds(sequence, np.array([0, 40]), SHAPE)
    return [*made, np.zeros((18, 3)), np.arange(12.0).reshape(4, 3)]


@pytest.mark.parametrize("oracle", [by_simplex_tree, by_ripser])
def test_loops_are_those_of_the_oracle(oracle: Callable[[Floats], list[Interval]]) -> None:
    made = clouds()
    found = loop_pairs(made, np.arange(len(made)), least=ROUNDING, threads=2)
    expected = [oracle(cloud) for cloud in made]
    assert sum(map(len, expected)) > 60
    for row, pairs in enumerate(expected):
        own = intervals(found, row)
        assert len(own) == len(pairs), row
        assert own == [pytest.approx(pair, abs=ROUNDING) for pair in pairs], row


def test_twelve_points_on_a_circle_have_one_loop_from_chord_to_inner_triangle() -> None:
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    circle = np.column_stack([np.cos(angle), np.sin(angle), 0 * angle])
    found = loop_pairs([circle], np.array([3]), least=ROUNDING, threads=1)
    assert found.row.tolist() == [3]
    # The first triangle around the centre has its corners four points apart.
    assert found.birth[0] == pytest.approx(2 * math.sin(math.pi / 12))
    assert found.death[0] == pytest.approx(2 * math.sin(math.pi / 3))


def test_a_line_has_the_swings_read_off_by_hand() -> None:
    series = np.array([[3.0, 1.0, 2.0, 0.0, 5.0, 0.0, 4.0]])
    valleys = [(1.0, 2.0), (0.0, 5.0)]
    peaks = [(1.0, 2.0), (0.0, 3.0), (0.0, 4.0)]
    assert intervals(line_pairs(series, np.array([0]), least=ROUNDING), 0) == sorted(
        valleys + peaks
    )


def test_swings_are_those_of_a_naive_union_find() -> None:
    draw = np.random.default_rng(8)
    for length in (1, 2, 3, 30, 90):
        for series in (
            draw.normal(size=(25, length)),
            draw.integers(0, 3, size=(25, length)).astype(float),
            np.zeros((2, length)),
            np.sort(draw.normal(size=(2, length)), axis=1),
        ):
            rows = np.arange(len(series)) * 2 + 1
            found = line_pairs(series, rows, least=ROUNDING)
            assert set(found.row) <= set(rows)
            for row, values in zip(rows, series, strict=True):
                expected = line_intervals(values.tolist())
                own = intervals(found, row)
                assert own == [pytest.approx(pair, abs=1e-6) for pair in expected]


def test_pairs_are_in_order_of_customer_then_persistence() -> None:
    draw = np.random.default_rng(2)
    found = line_pairs(draw.normal(size=(9, 40)), np.arange(9), least=ROUNDING)
    lifetime = found.death - found.birth
    assert (np.diff(found.row) >= 0).all()
    assert (np.diff(lifetime)[np.diff(found.row) == 0] <= 1e-6).all()
    assert (lifetime > 0).all()


def test_ranks_are_scipys_scaled_to_deviation_one() -> None:
    draw = np.random.default_rng(1)
    lengths = [2, 5, 20, 33, 64]
    values = [draw.integers(-5, 5, size=length) * 10**9 for length in lengths]
    values += [np.full(21, 7), draw.permutation(50)]
    offsets = np.cumsum([0, *map(len, values)])
    found = np.split(standard_ranks(np.concatenate(values), offsets), offsets[1:-1])
    for own, given in zip(found, values, strict=True):
        n = len(given)
        expected = (rankdata(given) - (n + 1) / 2) / math.sqrt((n * n - 1) / 12)
        assert own == pytest.approx(expected, abs=1e-12)
    assert (found[5] == 0).all()
    assert found[6].std() == pytest.approx(1)


def test_points_of_the_embedding_are_consecutive_events_spread_over_the_window() -> None:
    lengths = [20, 62, 63, 200, 1000]
    offsets = np.cumsum([0, *lengths])
    sequence = np.arange(float(offsets[-1]))
    for delay in (1, 2):
        shape = SHAPE.model_copy(update={"delay": delay})
        made = delay_clouds(sequence, offsets, shape)
        for cloud, length, start in zip(made, lengths, offsets[:-1], strict=True):
            points = length - 2 * delay
            assert cloud.shape == (min(points, 60), 3)
            first = cloud[:, 0] - start
            assert (cloud == start + first[:, None] + delay * np.arange(3)).all()
            assert (first[0], first[-1]) == (0, points - 1)
            gaps = np.diff(first)
            assert gaps.max() - gaps.min() <= 1
            assert gaps.min() >= 1


def test_statistics_are_those_of_the_formulas() -> None:
    draw = np.random.default_rng(4)
    series = np.concatenate([draw.normal(size=(6, 30)), np.zeros((1, 30))])
    series[5] = np.arange(30) == 7
    rows = np.array([0, 2, 3, 4, 6, 7, 8])
    found = statistics(line_pairs(series, rows, least=ROUNDING), 10)
    assert found.shape == (10, 8)
    for place, row in enumerate(rows):
        expected = eight(line_intervals(series[place].tolist()))
        assert found[row] == pytest.approx(expected, rel=1e-5, abs=1e-6, nan_ok=True), row
    # One spike: its own valley pair; a constant series and absent customers: nothing.
    assert found[7].tolist() == [1, 1, 1, 0, 0, 1, 0, 1]
    for row in (1, 5, 8, 9):
        assert found[row, :6].tolist() == [0] * 6
        assert np.isnan(found[row, 6:]).all()

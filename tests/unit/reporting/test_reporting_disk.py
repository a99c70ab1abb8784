"""The category tree in the Poincare disk: equal edges, right angles at the rim, true weights."""

import cmath
import math
import re
from pathlib import Path

import pytest

from tests.unit.reporting.test_reporting_statistics import inputs
from training_jobs.reporting.documents import NotAvailable
from training_jobs.reporting.figures.disk import MIDDLE, RADIUS, geodesic
from training_jobs.reporting.sarkar import distance, embed
from training_jobs.reporting.tree import branches, used_tree

TREE = [None, 0, 0, 0, 1, 1, 2, 4, 4, 4, 4, 5, 6, 6]


def test_sarkars_edges_are_equally_long_and_the_tree_keeps_its_distances() -> None:
    points = embed(TREE, edge_length=2.5, parent_share=0.6)
    assert points[0] == 0
    assert max(map(abs, points)) < 1
    steps = tree_distances()
    for child, parent in enumerate(TREE):
        if parent is not None:
            assert distance(points[child], points[parent]) == pytest.approx(2.5)
    for a in range(len(TREE)):
        for b in range(a):
            along = 2.5 * steps[a][b]
            found = distance(points[a], points[b])
            assert found <= along + 1e-9
            assert found > 0.55 * along or steps[a][b] == 2, "space is wide enough for a tree"


def tree_distances() -> list[list[int]]:
    """Return the edges between any two nodes."""

    def up(node: int) -> list[int]:
        path = [node]
        while (parent := TREE[path[-1]]) is not None:
            path.append(parent)
        return path

    found = []
    for a in range(len(TREE)):
        row = []
        for b in range(len(TREE)):
            shared = set(up(a)) & set(up(b))
            row.append(len(up(a)) + len(up(b)) - 2 * len(shared))
        found.append(row)
    return found


def test_longer_edges_come_nearer_to_the_tree() -> None:
    def worst(edge: float) -> float:
        points, steps = embed(TREE, edge_length=edge, parent_share=0.5), tree_distances()
        return min(
            distance(points[a], points[b]) / (edge * steps[a][b])
            for a in range(len(TREE))
            for b in range(a)
        )

    assert worst(1.0) < worst(2.0) < worst(3.5)


@pytest.mark.parametrize(("turn", "mirror"), [(0.3, 1), (2.0, 1), (4.4, -1), (5.9, -1)])
def test_lines_of_the_disk_meet_its_rim_at_right_angles(turn: float, mirror: int) -> None:
    first, second = (cmath.rect(0.8, turn), cmath.rect(0.7, turn + 1.1 * mirror))
    path = geodesic(first, second)
    x1, y1, radius, sweep, x2, y2 = map(
        float,
        re.fullmatch(r"M(\S+) (\S+)A(\S+) \S+ 0 0 (\d) (\S+) (\S+)", path).groups(),  # type: ignore[union-attr]
    )
    # The centre of an arc by the rules of SVG: right of the way for sweep 1, pixels downwards.
    chord = complex(x2 - x1, y2 - y1)
    away = math.sqrt(radius**2 - abs(chord) ** 2 / 4)
    side = 1j if sweep else -1j
    centre = complex(x1 + x2, y1 + y2) / 2 + side * chord / abs(chord) * away
    off = abs(centre - complex(MIDDLE, MIDDLE))
    assert off**2 == pytest.approx(RADIUS**2 + radius**2, rel=0.01)


def test_a_line_through_the_middle_is_straight() -> None:
    assert "A" not in geodesic(0j, 0.5 + 0.2j)
    assert "A" not in geodesic(-0.3 - 0.12j, 0.5 + 0.2j)


def test_the_tree_is_cut_to_what_was_used_and_weighed(run_folder: Path) -> None:
    nodes = used_tree(inputs(run_folder), {"5411": 3, "5812": 2, "salary": 4, "unheard": 9})
    assert {node.code: node.weight for node in nodes} == {
        "ROOT": 9, "R5": 5, "M": 4, "P541": 3, "P581": 2, "5411": 3, "5812": 2, "salary": 4,
    }  # fmt: skip
    for place, node in enumerate(nodes):
        assert node.parent is None if place == 0 else node.parent < place
    named = [nodes[place].code for place in branches(nodes)[1:]]
    assert set(named) == {"R5", "M"}
    with pytest.raises(NotAvailable, match="has 0 roots"):
        used_tree(inputs(run_folder), {"unheard": 9})

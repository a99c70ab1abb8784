"""Trees as arrays: the category tree of a data set, the product tree of a catalogue."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from training_jobs.features.errors import FeatureError


@dataclass(frozen=True)
class Tree:
    """A rooted tree of n nodes.

    Attributes:
        nodes: names, the root first, every parent before its children.
        parents: place of each node's parent, -1 of the root.
    """

    nodes: tuple[str, ...]
    parents: tuple[int, ...]

    @cached_property
    def place(self) -> Mapping[str, int]:
        """Return the place of each node."""
        return {node: number for number, node in enumerate(self.nodes)}

    @cached_property
    def ancestry(self) -> NDArray[np.bool_]:
        """Return [n, n] bool: row i marks node i and its ancestors, the root not among them."""
        marks = np.zeros((len(self.nodes), len(self.nodes)), bool)
        for node, parent in enumerate(self.parents):
            if parent >= 0:
                marks[node] = marks[parent]
                marks[node, node] = True
        return marks

    @cached_property
    def depth(self) -> NDArray[np.int64]:
        """Return [n] edges up to the root."""
        return np.asarray(self.ancestry.sum(axis=1), np.int64)

    @cached_property
    def distances(self) -> NDArray[np.int64]:
        """Return [n, n] edges between nodes."""
        marks = self.ancestry.astype(np.int64)
        shared = np.einsum("ik,jk->ij", marks, marks)
        return np.asarray(self.depth[:, None] + self.depth[None, :] - 2 * shared, np.int64)

    @property
    def edges(self) -> list[list[int]]:
        """Return [child, parent] of every node but the root."""
        return [[node, parent] for node, parent in enumerate(self.parents) if parent >= 0]


def path(parents: Mapping[str, str | None], node: str) -> list[str]:
    """Return the nodes from the root down to `node`; nothing where the tree does not have it.

    Raises:
        FeatureError: the parents run in a circle or end outside the tree.
    """
    steps: list[str] = []
    at: str | None = node if node in parents else None
    while at is not None:
        if at in steps or at not in parents:
            raise FeatureError(
                f"category tree: the parents of '{node}' lead through '{at}' and never to a root",
                remedy="mend the parents in the category table of the data set",
            )
        steps.append(at)
        at = parents[at]
    return steps[::-1]


def known_place(tree: Tree, parents: Mapping[str, str | None], node: str) -> int:
    """Return the place of `node`, or of its nearest ancestor in `tree`; of the root failing that.

    Args:
        tree: holds part of the nodes of `parents`.
        parents: the whole tree, node -> parent.
        node: any code, whether or not in the whole tree.
    """
    for step in reversed(path(parents, node)):
        if step in tree.place:
            return tree.place[step]
    return 0


def grown(parents: Mapping[str, str | None], nodes: Iterable[str]) -> Tree:
    """Return the tree of `nodes` with all their ancestors; a code that is in no tree is left out.

    Raises:
        FeatureError: `parents` has not exactly one root.
    """
    roots = [node for node, parent in parents.items() if parent is None]
    if len(roots) != 1:
        raise FeatureError(
            f"category tree: {len(roots)} nodes have no parent: {', '.join(sorted(roots)[:3])}",
            remedy="give the category table exactly one root",
        )
    paths = [path(parents, node) for node in nodes]
    depth = {roots[0]: 0} | {node: place for one in paths for place, node in enumerate(one)}
    names = sorted(depth, key=lambda node: (depth[node], node))
    place = {node: number for number, node in enumerate(names)}
    return Tree(
        tuple(names),
        tuple(-1 if (above := parents[node]) is None else place[above] for node in names),
    )

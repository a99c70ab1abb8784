"""The category tree, read from the canonical tables and cut to what a sample used."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow.parquet as pq

from configs.contracts.stages import Stage
from training_jobs.reporting.documents import Inputs, NotAvailable

CATEGORIES = "tables/categories/part-00000.parquet"


@dataclass(frozen=True)
class Node:
    """A node of the tree.

    Attributes:
        parent: place of the parent, which stands before its children; None at the root.
        weight: events of the sample at the node or below it.
    """

    code: str
    name: str
    parent: int | None
    weight: int


def used_tree(inputs: Inputs, events: Mapping[str, int]) -> list[Node]:
    """Return the nodes that events stand at or below, each parent before its children.

    Args:
        inputs: of the preparation.
        events: code -> events; codes outside the tree are left out.

    Raises:
        NotAvailable: there is no tree, or nothing of it was used.
    """
    rows = pq.read_table(
        inputs.file(Stage.PREFLIGHT, CATEGORIES), columns=["code", "parent", "name_en"]
    ).to_pylist()
    parents = {row["code"]: row["parent"] for row in rows}
    names = {row["code"]: row["name_en"] for row in rows}
    weights: dict[str, int] = {}
    for code, number in events.items():
        node: str | None = code if code in parents else None
        while node is not None:
            weights[node] = weights.get(node, 0) + number
            node = parents[node]
    children: dict[str | None, list[str]] = {}
    for code in sorted(weights):
        children.setdefault(parents[code], []).append(code)
    roots = children.get(None, [])
    if len(roots) != 1:
        raise NotAvailable(f"the tree of used categories has {len(roots)} roots, one is needed")
    nodes: list[Node] = []
    waiting: list[tuple[str, int | None]] = [(roots[0], None)]
    while waiting:
        code, parent = waiting.pop(0)
        waiting += [(child, len(nodes)) for child in children.get(code, [])]
        nodes.append(Node(code, names[code] or code, parent, weights[code]))
    return nodes


def branches(nodes: list[Node]) -> list[int]:
    """Return for each node the place of its ancestor below the root, its own at that level, 0."""
    found: list[int] = []
    for place, node in enumerate(nodes):
        if node.parent is None:
            found.append(0)
        else:
            found.append(place if node.parent == 0 else found[node.parent])
    return found

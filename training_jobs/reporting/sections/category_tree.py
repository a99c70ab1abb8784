"""The category tree in the Poincare disk, as large as the sampled customers use it."""

import math

import numpy as np

from configs.contracts.stages import Stage
from training_jobs.reporting.case import Case
from training_jobs.reporting.documents import NotAvailable
from training_jobs.reporting.figures.disk import Dot, disk, hue_class
from training_jobs.reporting.figures.svg import figure
from training_jobs.reporting.markup import Html, el
from training_jobs.reporting.sarkar import embed
from training_jobs.reporting.side_tensors import read_lists, require
from training_jobs.reporting.tree import Node, branches, used_tree
from training_jobs.reporting.words import count, plural, share

LARGEST, SMALLEST = 13.0, 1.6
"""Radius in pixels of a node with all events, and of one with hardly any."""


def _events(case: Case) -> dict[str, int]:
    """Return code -> events of the sampled train customers."""
    settings = case.settings.pictures.tree
    schema = case.inputs.document(Stage.PHASE0, "feature_schema.json")
    require(schema, settings.tensor)
    vocabulary = list(schema["vocabularies"][settings.vocabulary])
    sample = case.features()
    rows = sample.first_train_rows(settings.customers)
    table = read_lists(case.inputs, sample, settings.tensor, ["category"], rows)
    places = np.asarray(table["category"].combine_chunks().flatten())
    counts = np.bincount(places, minlength=len(vocabulary) + 1)
    # Place 0 is a category outside the vocabulary.
    return {
        code: int(number) for code, number in zip(vocabulary, counts[1:], strict=True) if number
    }


def _key(nodes: list[Node]) -> Html:
    """Return the branches below the root with their colours and shares."""
    below = [node for node in nodes if node.parent == 0]
    return el(
        "ul",
        [
            el(
                "li",
                el("span", "●", class_=f"hue {hue_class(hue)}"),
                f" {node.name} ({share(node.weight / nodes[0].weight)})",
            )
            for hue, node in enumerate(below)
        ],
        class_="key-list",
    )


def picture(case: Case) -> Html:
    """Return the tree. Raises NotAvailable with the reason where there is none."""
    settings = case.settings.pictures.tree
    nodes = used_tree(case.inputs, _events(case))
    if len(nodes) < 3:
        raise NotAvailable("the sampled customers use a single category")
    points = embed(
        [node.parent for node in nodes],
        edge_length=settings.edge_length,
        parent_share=settings.parent_share,
    )
    places = [place for place, node in enumerate(nodes) if node.parent == 0]
    hues = {place: hue for hue, place in enumerate(places)}
    root = nodes[0].weight
    dots = [
        Dot(
            point,
            max(LARGEST * math.sqrt(node.weight / root), SMALLEST),
            hues.get(branch),
            f"{node.name} ({node.code}): {count(node.weight)} events",
        )
        for node, point, branch in zip(nodes, points, branches(nodes), strict=True)
    ]
    edges = [(node.parent, place) for place, node in enumerate(nodes) if node.parent is not None]
    leaves = len(nodes) - len({node.parent for node in nodes} - {None})
    return figure(
        el(
            "div",
            disk(dots, edges, title="category tree in the Poincare disk"),
            _key(nodes),
            class_="row",
        ),
        f"{plural(leaves, 'category', 'categories')} that {plural(root, 'event')} of sampled train "
        "customers used, below the root in the middle. Every edge has the same hyperbolic length; "
        "it looks shorter towards the rim because space is wider there, which is why a "
        "tree fits. The area of a dot is its share of the events. Drawn by Sarkar's construction: "
        "it shows the tree itself, not what a model learnt.",
    )

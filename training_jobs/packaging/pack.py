"""Students as flat arrays, read from LightGBM's model text.

The text keeps thresholds and leaf values to the last bit; the JSON dump does not (it writes
infinite thresholds as 1e300).
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from configs.contracts.artefacts import canonical_json
from configs.contracts.packed_model import (
    ARRAYS_FILE,
    MISSING_SHIFT,
    TABLE_FILE,
    Array,
)
from configs.errors import ArtefactError

CATEGORICAL_BIT = 1
DEFAULT_LEFT_BIT = 2
TEXT_MISSING_SHIFT = 2
TYPES = {
    Array.THRESHOLD: np.float64,
    Array.LEAVES: np.float64,
    Array.FLAGS: np.uint8,
}


@dataclass
class _Arrays:
    """Lists that grow tree by tree."""

    rows: dict[Array, list[Any]] = field(default_factory=lambda: {name: [] for name in Array})

    def add(self, tree: Mapping[str, str], *, inputs: Sequence[int], output: int) -> None:
        leaves = [float(value) for value in tree["leaf_value"].split()]
        first_split, first_leaf = len(self.rows[Array.FEATURE]), len(self.rows[Array.LEAVES])
        self.rows[Array.LEAVES] += leaves
        self.rows[Array.OUTPUTS].append(output)
        if int(tree["num_leaves"]) == 1:
            self.rows[Array.ROOTS].append(~first_leaf)
            return
        self.rows[Array.ROOTS].append(first_split)
        kinds = [int(value) for value in tree["decision_type"].split()]
        if any(kind & CATEGORICAL_BIT for kind in kinds):
            raise ArtefactError(
                "a student splits on a category", remedy="train students on numbers only"
            )
        self.rows[Array.FLAGS] += [
            int(bool(kind & DEFAULT_LEFT_BIT)) | (kind >> TEXT_MISSING_SHIFT) << MISSING_SHIFT
            for kind in kinds
        ]
        self.rows[Array.FEATURE] += [inputs[int(value)] for value in tree["split_feature"].split()]
        self.rows[Array.THRESHOLD] += [float(value) for value in tree["threshold"].split()]
        for name, side in ((Array.LEFT, "left_child"), (Array.RIGHT, "right_child")):
            self.rows[name] += [
                first_split + child if child >= 0 else ~(first_leaf + ~child)
                for child in (int(value) for value in tree[side].split())
            ]

    def content(self) -> bytes:
        buffer = io.BytesIO()
        arrays = {
            name.value: np.array(values, dtype=TYPES.get(name, np.int32))
            for name, values in self.rows.items()
        }
        np.savez(buffer, allow_pickle=False, **arrays)  # type: ignore[arg-type]
        return buffer.getvalue()


def parse_trees(text: str) -> tuple[int, list[dict[str, str]]]:
    """Return (trees an iteration, trees in order) of a LightGBM model text.

    Raises:
        ArtefactError: the text is no model.
    """
    header, _, rest = text.partition("\nTree=")
    fields = dict(line.split("=", 1) for line in header.splitlines() if "=" in line)
    if "num_tree_per_iteration" not in fields:
        raise ArtefactError("not a LightGBM model text", remedy="run the stage `distill` again")
    body = rest.partition("\nend of trees")[0]
    trees = [
        dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        for block in ("0\n" + body.partition("\n")[2]).split("\nTree=")
        if body
    ]
    return int(fields["num_tree_per_iteration"]), trees


def pack(
    students: Mapping[str, Mapping[str, Any]],
    texts: Mapping[str, str],
    decision_inputs: Sequence[str],
) -> dict[str, bytes]:
    """Return the packed files of all served students.

    Args:
        students: entries of `students.json` of the served tasks.
        texts: task -> LightGBM model text.
        decision_inputs: the columns of a record's features, in order.
    """
    place = {name: position for position, name in enumerate(decision_inputs)}
    arrays = _Arrays()
    outputs: list[dict[str, Any]] = []
    tasks: dict[str, Any] = {}
    for task in sorted(students):
        entry = students[task]
        width, trees = parse_trees(texts[task])
        inputs = [place[name] for name in entry["features"]]
        start = len(outputs)
        outputs += [{"task": task, "class": row if width > 1 else None} for row in range(width)]
        for position, tree in enumerate(trees):
            arrays.add(tree, inputs=inputs, output=start + position % width)
        tasks[task] = {"link": entry["link"], "sigmoid": 1.0, "calibrator": entry["calibrator"]}
    return {
        ARRAYS_FILE: arrays.content(),
        TABLE_FILE: canonical_json({"outputs": outputs, "tasks": tasks}),
    }

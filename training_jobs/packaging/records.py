"""Serving records: one JSON line a customer, everything an answer needs."""

import base64
import json
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from configs.contracts.serving_record import attribution_key
from configs.errors import ArtefactError
from training_jobs.distillation.rows import Rows, row_keys

Attributed = dict[str, list[list[tuple[str, float]]]]


def strongest(shap: NDArray[np.float64], names: NDArray[Any], *, top: int) -> list[Any]:
    """Return the `top` strongest contributions for and the `top` strongest against, for first.

    A reason tells what speaks for a product, so those must not be crowded out of the list of a
    customer for whom most speaks against.
    """
    order = np.argsort(-shap, kind="stable")
    positive = [place for place in order[:top] if shap[place] > 0]
    negative = [place for place in order[::-1][:top] if shap[place] < 0]
    return [(str(names[place]), round(float(shap[place]), 6)) for place in positive + negative]


@dataclass(frozen=True)
class Telling:
    """Which attributions a reason can be made of.

    Attributes:
        columns: those that may be told. Coordinates of an embedding say nothing to a reader, and
            must not crowd out what does.
        classes: multiclass task -> its classes, in score order.
        groups: product groups. A class speaks for a product when it is the product's group.
        top: the most that are kept each way.
    """

    columns: Container[str]
    classes: Mapping[str, Sequence[str]]
    groups: Container[str]
    top: int

    def heads(self, task: str) -> dict[str, int]:
        """Return the key in the record -> place of the score it is about; empty for no product."""
        if task not in self.classes:
            return {attribution_key(task): 0}
        return {
            attribution_key(task, label): place
            for place, label in enumerate(self.classes[task])
            if label in self.groups
        }


def contributions(
    booster: lightgbm.Booster, features: NDArray[np.float32], *, threads: int
) -> NDArray[np.float64]:
    """Return TreeSHAP contributions to the raw scores, shape (rows, scores, columns).

    Softmax does not change when one amount is added to the raw scores of all classes, so that what
    a column adds to all of them alike says nothing about any: of several scores the mean over them
    is taken out (Lundberg et al., 2020, for the contributions).
    """
    scores = booster.num_model_per_iteration()
    shap = np.asarray(booster.predict(features, pred_contrib=True, num_threads=threads))
    shap = shap.reshape(len(features), scores, features.shape[1] + 1)[:, :, :-1]
    return shap - shap.mean(axis=1, keepdims=True) if scores > 1 else shap


def attributions(
    students: Mapping[str, Mapping[str, Any]],
    texts: Mapping[str, str],
    rows: Rows,
    places: NDArray[np.int64],
    *,
    telling: Telling,
    batch: int,
    threads: int,
) -> Attributed:
    """Return `attribution_key` -> customer -> its strongest (column, contribution) each way.

    Args:
        batch: customers whose contributions are held at once.

    Raises:
        ArtefactError: a student does not have one raw score a class of its task.
    """
    found: Attributed = {}
    where = {name: place for place, name in enumerate(rows.columns)}
    for task, entry in students.items():
        heads = telling.heads(task)
        if not heads:
            continue
        found |= {key: [] for key in heads}
        columns = [where[name] for name in entry["features"]]
        booster = lightgbm.Booster(model_str=texts[task])
        scores, classes = booster.num_model_per_iteration(), len(telling.classes.get(task, (task,)))
        if scores != classes:
            raise ArtefactError(
                f"the student of {task} has {scores} raw scores for {classes} classes",
                remedy="run the stage `distill` again",
            )
        names = np.array(entry["features"])
        kept = np.array([name in telling.columns for name in names], bool)
        for start in range(0, len(places), batch):
            features = rows.features[places[start : start + batch]][:, columns]
            shap = contributions(booster, features, threads=threads)[:, :, kept]
            for key, head in heads.items():
                found[key] += [
                    strongest(row, names[kept], top=telling.top) for row in shap[:, head]
                ]
    return found


def lens_shares(teacher: Path, rows: Rows, places: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Return one {task: shares} a customer, from the gates that the teacher recorded.

    Raises:
        ArtefactError: the gates do not hold these customers in this order.
    """
    table = pq.read_table(teacher / "gates" / "score.parquet")
    position = {key: row for row, key in enumerate(row_keys(table).to_pylist())}
    keys = rows.keys.take(places).to_pylist()
    missing = [key for key in keys if key not in position]
    if missing:
        raise ArtefactError(
            f"the teacher recorded no gates for {len(missing)} of {len(keys)} customers",
            remedy="run the stage `teacher` again",
        )
    order = [position[key] for key in keys]
    tasks = [name for name in table.column_names if name not in ("customer_id", "as_of", "cold")]
    columns = {
        name: np.round(
            np.array(table.column(name).to_pylist(), dtype=np.float64)[order], 6
        ).tolist()
        for name in tasks
    }
    return [{name: columns[name][row] for name in tasks} for row in range(len(keys))]


@dataclass(frozen=True)
class RecordParts:
    """What records are assembled from; lists run over the scored customers."""

    rows: Rows
    places: NDArray[np.int64]
    shares: list[dict[str, Any]]
    attributed: Attributed
    owned: Mapping[str, list[str]]
    attributes: Mapping[str, Mapping[str, Any]]


def records(parts: RecordParts) -> Iterator[tuple[str, bytes]]:
    """Yield (customer, JSON line without line end) for each scored customer.

    `facts` holds raw values of the attributed columns.
    """
    columns = {name: place for place, name in enumerate(parts.rows.columns)}
    for number, place in enumerate(parts.places):
        customer = parts.rows.customers[int(place)].as_py()
        features = parts.rows.features[place]
        told = {task: by_customer[number] for task, by_customer in parts.attributed.items()}
        names = sorted({name for pairs in told.values() for name, _ in pairs})
        facts = {
            name: float(features[columns[name]])
            for name in names
            if np.isfinite(features[columns[name]])
        }
        record = {
            "customer_id": customer,
            "as_of": parts.rows.as_of[int(place)].as_py().isoformat(),
            "features": base64.b64encode(features.astype("<f4").tobytes()).decode(),
            "shares": parts.shares[number],
            "attributions": told,
            "owned": parts.owned.get(customer, []),
            "facts": facts,
            "attributes": dict(parts.attributes.get(customer, {})),
            "cold": bool(parts.rows.cold[place]),
            "consent": {"opt_out": False},
        }
        yield customer, json.dumps(record, ensure_ascii=False, sort_keys=True).encode()

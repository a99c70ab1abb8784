"""`make bench-serving`: one answer of the deployed API, its evaluator beside LightGBM, its size.

`answer.after_smoke_test` is the first request over HTTP: the smoke test has started the function
and loaded the model; `answer.warm` are requests for other customers after it.
`evaluator.share_of_lightgbm` is the time of the packed evaluator for one customer and
all tasks over that of LightGBM's own predictor for the same, in the same process, students loaded.
"""

import argparse
import itertools
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import lightgbm
import numpy as np

from benchmarks.prepared import Prepared, prepared
from benchmarks.record import ROOT, Figure, publish, timed
from configs.contracts.stages import Stage
from lambdas.decision.record import parse_record
from lambdas.decision.students import NEEDED_FILES, load_students
from operations.call import call
from operations.standing import run_ledger

WARM = 100
REPEATS = 50
CUSTOMERS_EVALUATED = 20


def _package(ready: Prepared, run_id: str) -> Path:
    """Return a local copy of the run's package."""
    uri = urlparse(str(run_ledger(ready.access, run_id).uri(Stage.PACKAGE)))
    s3 = ready.access.client("s3")
    folder = ready.scratch / "package"
    prefix = uri.path.lstrip("/")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=uri.netloc, Prefix=prefix):
        for row in page["Contents"]:
            path = folder / row["Key"].removeprefix(prefix)
            path.parent.mkdir(parents=True, exist_ok=True)
            s3.download_file(uri.netloc, row["Key"], str(path))
    return folder


def _answers(ready: Prepared, customers: list[str]) -> list[float]:
    seconds = []
    for customer in customers:
        begun = time.perf_counter()
        status, answer = call(
            ready.access, "/v1/recommendations", method="POST", body={"customer_id": customer}
        )
        if status != 200:
            raise RuntimeError(f"the API answered {status}: {answer}")
        seconds.append(time.perf_counter() - begun)
    return seconds


def _evaluators(package: Path, records: list[dict[str, Any]]) -> list[Figure]:
    model = package / "model"
    inputs = json.loads((model / "feature_schema.json").read_text())["decision_inputs"]
    packed = load_students(
        {name: (model / name).read_bytes() for name in NEEDED_FILES}, inputs=len(inputs)
    )
    place = {name: position for position, name in enumerate(inputs)}
    boosters = [
        lightgbm.Booster(model_file=str(path)) for path in sorted((model / "students").glob("*"))
    ]
    columns = [[place[name] for name in one.feature_name()] for one in boosters]
    rows = [
        parse_record(json.dumps(row), inputs=len(inputs), version="any").features
        for row in records[:CUSTOMERS_EVALUATED]
    ]
    turn = itertools.cycle(rows)

    def ours() -> None:
        packed.raw(next(turn))

    def theirs() -> None:
        row = next(turn)
        for booster, chosen in zip(boosters, columns, strict=True):
            booster.predict(row[chosen][np.newaxis, :], num_threads=1, raw_score=True)

    own, peer = timed(ours, runs=REPEATS), timed(theirs, runs=REPEATS)
    return [
        Figure("evaluator.packed", "ms", tuple(1e3 * value for value in own)),
        Figure("evaluator.lightgbm", "ms", tuple(1e3 * value for value in peer)),
        Figure(
            "evaluator.share_of_lightgbm",
            "ratio",
            tuple(a / b for a, b in zip(own, peer, strict=True)),
        ),
    ]


def _bundle_bytes() -> list[Figure]:
    newest: dict[str, Path] = {}
    for folder in sorted(
        (ROOT / "build" / "bundles").iterdir(), key=lambda row: row.stat().st_mtime
    ):
        newest[folder.name.rsplit("-", 1)[0]] = folder
    return [
        Figure(
            f"bundle.{name}",
            "bytes",
            (float(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())),),
        )
        for name, folder in sorted(newest.items())
    ]


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=2000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with prepared(given.customers) as ready:
        run_id, _ = ready.run()
        package = _package(ready, run_id)
        records = [
            json.loads(line)
            for part in sorted((package / "records").iterdir())
            for line in part.read_text().splitlines()
        ]
        customers = [str(row["customer_id"]) for row in records[:WARM]]
        first, *warm = _answers(ready, [customers[0], *customers])
        evaluators = _evaluators(package, records)
    publish(
        "serving",
        [
            Figure("answer.after_smoke_test", "ms", (1e3 * first,)),
            Figure("answer.warm", "ms", tuple(1e3 * value for value in warm)),
            Figure("answer.warm_p95", "ms", (1e3 * float(np.quantile(warm, 0.95)),)),
            *evaluators,
            *_bundle_bytes(),
        ],
        packages=("lightgbm", "numpy", "ministack"),
        extra={"customers": given.customers},
    )


if __name__ == "__main__":
    main()

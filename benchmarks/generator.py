"""`make bench-generator CUSTOMERS=N`: rows a second, seconds and memory of the synthetic bank."""

import argparse
import sys
import tempfile
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks.memory import Cost, measured
from benchmarks.record import Figure, publish
from training_jobs.data.synthetic.bank import DATA_TABLES, TRUTH_TABLES

SEED = 1
MONTHS = 24
REFERENCE = 1_000_000
"""Customers of the reference scale, to which seconds are projected in proportion."""


def _generate(folder: Path, customers: int, workers: int) -> Cost:
    return measured(
        [
            *(sys.executable, "-m", "training_jobs.data.synthetic"),
            *("--customers", str(customers), "--months", str(MONTHS), "--seed", str(SEED)),
            *("--workers", str(workers)),
            *("--out", str(folder / "raw"), "--truth", str(folder / "truth")),
        ]
    )


def _rows(folder: Path) -> dict[str, int]:
    places = [("raw", table) for table in DATA_TABLES] + [("truth", t) for t in TRUTH_TABLES]
    return {
        table: sum(
            pq.read_metadata(path).num_rows for path in (folder / place / table).glob("*.parquet")
        )
        for place, table in places
    }


def main() -> None:
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3, help="medians are over these")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    costs: list[Cost] = []
    for _ in range(given.runs):
        with tempfile.TemporaryDirectory(prefix="sevenlens-bench-") as temporary:
            folder = Path(temporary)
            costs.append(_generate(folder, given.customers, given.workers))
            rows = _rows(folder)
            written = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    data_rows = sum(rows[table] for table in DATA_TABLES)
    scale = REFERENCE / given.customers
    publish(
        "generator",
        [
            Figure("seconds", "s", tuple(cost.seconds for cost in costs)),
            Figure("cpu", "s", tuple(cost.cpu_seconds for cost in costs)),
            Figure("rows_per_second", "rows/s", tuple(data_rows / c.seconds for c in costs)),
            Figure("peak_rss", "bytes", tuple(float(cost.peak_rss) for cost in costs)),
            Figure("bytes_written", "bytes", (float(written),)),
            # A projection, and named so: memory does not grow with customers, time does in line.
            Figure("projected_1m.seconds", "s", tuple(c.seconds * scale for c in costs)),
        ],
        packages=("numpy", "pyarrow"),
        seed=SEED,
        extra={
            "customers": given.customers,
            "months": MONTHS,
            "workers": given.workers,
            "rows": rows,
            "bytes_written": written,
        },
    )


if __name__ == "__main__":
    main()

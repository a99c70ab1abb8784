"""Command line of the generator: `python -m training_jobs.data.synthetic`."""

import argparse
import sys
import time
from pathlib import Path

from training_jobs.data.synthetic.writing import WHOLE, Order, Shard, generate

_EXAMPLES = """examples:
  python -m training_jobs.data.synthetic --customers 2000 --out build/data/synthetic-2000
  python -m training_jobs.data.synthetic --customers 50000 --months 24 --seed 7 --workers 2 \\
      --out /data/bank --truth /elsewhere/truth
  python -m training_jobs.data.synthetic --customers 1000000 --shard 2/8 --out /data/bank

The same call after an interruption goes on behind the last whole file. The folders of all shards
laid over each other are the folder of the whole.
"""


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m training_jobs.data.synthetic",
        description="Generate a synthetic bank: customers, months, holdings, transactions.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--customers", type=int, default=2000, help="at least 200")
    parser.add_argument("--months", type=int, default=24, help="observed months, at least 24")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1, help="processes; the bytes do not change")
    parser.add_argument(
        "--shard", type=Shard.parse, default=WHOLE, metavar="K/N", help="only shard K of N"
    )
    parser.add_argument("--out", type=Path, required=True, help="data folder")
    parser.add_argument(
        "--truth", type=Path, help="folder of latent paths and causes (default: <out>.truth)"
    )
    given = parser.parse_args(arguments)
    if given.customers < 200 or given.months < 24 or given.workers < 1:
        parser.error("--customers is at least 200, --months at least 24, --workers at least 1")
    return given


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    given = _arguments(arguments)
    started = time.monotonic()
    found: list[int] = []

    def show(done: int, total: int, rows: int) -> None:
        # What an interrupted call left counts for nothing in the estimate.
        found.append(done)
        spent = time.monotonic() - started
        left = spent / max(done - found[0] + 1, 1) * (total - done)
        print(
            f"[progress] synthetic {done}/{total} files, {rows:,} rows, "
            f"{spent:.0f} s, about {left:.0f} s left",
            flush=True,
        )

    truth = given.truth or given.out.with_name(given.out.name + ".truth")
    order = Order(given.customers, given.months, given.seed)
    rows = generate(
        order,
        out=given.out,
        truth=truth,
        workers=given.workers,
        progress=show,
        shard=given.shard,
    )
    print(f"{rows:,} rows in {given.out} (ground truth in {truth})")
    return 0


if __name__ == "__main__":
    sys.exit(main())

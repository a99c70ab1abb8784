"""Processes that work on shards side by side, each held to the memory it may have."""

import multiprocessing
import resource
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Protocol, TypeVar

from training_jobs.features.errors import FeatureError

T = TypeVar("T")
_UNITS = {"MB": 1024**2, "GB": 1024**3}
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


def memory_bytes(text: str) -> int:
    """Return the bytes of a setting such as `2GB`."""
    return int(text[:-2]) * _UNITS[text[-2:]]


def held_memory(most: str) -> None:
    """Hold the largest memory this process has had against the setting.

    Raises:
        FeatureError: it was more.
    """
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT
    if peak > memory_bytes(most):
        raise FeatureError(
            f"the process needed {peak / 1024**3:.2f} GB, process_memory allows {most}",
            remedy="lower batch_customers or memory in feature_groups.yaml, or raise "
            "process_memory on a larger instance",
        )


class Workers(Protocol):
    """Does a job for each of some shards."""

    def __call__(self, job: Callable[[int], T], shards: Sequence[int]) -> Iterator[T]:
        """Yield what the job returns for each shard, in the order in which they are done.

        Raises:
            FeatureError: a process needed too much memory.
        """


@contextmanager
def shard_workers(count: int, *, process_memory: str) -> Iterator[Workers]:
    """Give `count` processes or, if 1, this one; a job must then be picklable.

    Args:
        count: processes.
        process_memory: what each may need.
    """

    def alone(job: Callable[[int], T], shards: Sequence[int]) -> Iterator[T]:
        for shard in shards:
            yield _one(job, shard, process_memory)

    if count == 1:
        yield alone
        return
    # Threads of DuckDB and Arrow do not survive a fork.
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"))

    def together(job: Callable[[int], T], shards: Sequence[int]) -> Iterator[T]:
        given = [pool.submit(_one, job, shard, process_memory) for shard in shards]
        for future in as_completed(given):
            yield future.result()

    try:
        yield together
    finally:
        pool.shutdown(cancel_futures=True)


def _one(job: Callable[[int], T], shard: int, process_memory: str) -> T:
    done = job(shard)
    held_memory(process_memory)
    return done

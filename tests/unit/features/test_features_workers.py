"""Processes side by side: every shard once, and none with more memory than it may have."""

import pytest

from training_jobs.features.errors import FeatureError
from training_jobs.features.workers import memory_bytes, shard_workers


@pytest.mark.parametrize("count", [1, 2])
def test_every_shard_is_done_once(count: int) -> None:
    with shard_workers(count, process_memory="64GB") as workers:
        assert sorted(workers(str, (3, 1, 2))) == ["1", "2", "3"]
        assert sorted(workers(float, (5, 4))) == [4.0, 5.0], "a second job by the same processes"


@pytest.mark.parametrize("count", [1, 2])
def test_a_process_that_needs_too_much_memory_ends_the_work(count: int) -> None:
    with (
        pytest.raises(FeatureError, match=r"needed .* GB, process_memory allows 1MB"),
        shard_workers(count, process_memory="1MB") as workers,
    ):
        list(workers(str, (1, 2)))


@pytest.mark.parametrize("count", [1, 2])
def test_what_a_job_raises_reaches_the_caller(count: int) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        shard_workers(count, process_memory="64GB") as workers,
    ):
        list(workers((1).__mod__, (0,)))


def test_sizes_are_read_as_written() -> None:
    assert memory_bytes("256MB") == 256 * 1024**2
    assert memory_bytes("4GB") == 4 * 1024**3

"""Feature tests work on one small bank written by hand; it never varies between runs."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.features import features_bank as bank
from training_jobs.features.examples import Examples
from training_jobs.features.model import Clock, Tallies
from training_jobs.features.run import Made
from training_jobs.features.shards import tally
from training_jobs.features.workers import shard_workers


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The canonical tables of the bank, two shards."""
    folder = tmp_path_factory.mktemp("bank") / "tables"
    return bank.write_tables(folder, bank.make_bank(), shards=2)


@dataclass(frozen=True)
class Clean:
    """An untouched run of all groups on the bank, and the state of everyone at each date."""

    output: Path
    made: Made
    tallies: Tallies


@pytest.fixture(scope="session")
def clean(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Clean:
    """All groups and side tensors of the bank, made once."""
    output = bank.write_examples(tmp_path_factory.mktemp("clean"), bank.standard())
    made = bank.run(tables, output, bank.features())
    with shard_workers(1, process_memory="64GB") as workers:
        tallies = tally(
            made.model,
            bank.sources(tables),
            Examples(output / "examples"),
            batch_customers=20_000,
            limits=bank.LIMITS,
            workers=workers,
            clock=Clock(),
        )
    return Clean(output, made, tallies)

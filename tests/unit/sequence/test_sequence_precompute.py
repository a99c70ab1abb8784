"""What is learnt ahead of Phase 0 is what Phase 0 would learn, byte for byte on one machine."""

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from configs.errors import SettingsError
from configs.settings.features import FeaturesSettings
from tests.unit.features import features_bank as bank
from training_jobs.features.model import Clock
from training_jobs.features.shards import transform
from training_jobs.features.store import fitted_files, read_fitted
from training_jobs.sequence.machine import Machine
from training_jobs.sequence.precompute import EMBEDDINGS, FITTED, GENERATOR, Precompute, group_of
from training_jobs.training.checkpoint import CheckpointStore


class Cut(Exception):
    """The process dies here."""


def only_mamba() -> FeaturesSettings:
    raw = bank.features().model_dump(mode="json")
    raw["groups"] = [row for row in raw["groups"] if row["generator"] == GENERATOR]
    # Several measurements, so that there is a place to be cut off at.
    raw["groups"][0]["parameters"]["pretraining"] |= {"epochs": 6, "evaluate_steps": 4}
    raw["tensors"], raw["private_groups"] = [], []
    return FeaturesSettings.model_validate(raw)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bank.write_tables(tmp_path_factory.mktemp("b") / "tables", bank.standard(), shards=2)


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bank.write_examples(tmp_path_factory.mktemp("e"), bank.standard()) / "examples"


def work(tables: Path, examples: Path, machine: Machine | None = None) -> Precompute:
    return Precompute(
        tables,
        examples,
        dataset=bank.dataset(),
        features=only_mamba(),
        machine=machine or Machine(),
    )


def test_files_and_embeddings_are_those_of_phase_0(
    tables: Path, examples: Path, tmp_path: Path
) -> None:
    made = work(tables, examples)
    fitted, reason = made.learn(tmp_path)
    assert fitted is not None
    assert reason == ""
    model = bank.fitted(tables, only_mamba())
    expected = {k: v for k, v in fitted_files(model).items() if k.startswith(GENERATOR)}
    written = {path.name: path.read_bytes() for path in (tmp_path / FITTED).iterdir()}
    assert written == expected
    read = read_fitted(tmp_path / FITTED, made.group.name)
    for shard in (0, 1):
        assert made.embed(read, shard, tmp_path) > 50
        table = pq.read_table(tmp_path / EMBEDDINGS / f"part-{shard:05d}.parquet")
        (batch,) = made.examples.batches(shard, 1000)
        phase0 = transform(
            model,
            bank.sources(tables).shard(shard),
            batch,
            limits=bank.LIMITS,
            tallies={},
            clock=Clock(),
        )["features"]
        assert table.equals(phase0)
        assert np.isfinite(table["event_state_1"].drop_null().to_numpy()).all()


def test_rows_after_the_fit_cut_off_change_no_byte(
    tables: Path, examples: Path, tmp_path: Path
) -> None:
    rows = bank.make_bank()
    end = dt.datetime.combine(bank.CUTOFF + dt.timedelta(days=1), dt.time())
    rows.transactions[:] = [row for row in rows.transactions if row["ts"] < end]
    shorter = bank.write_tables(tmp_path / "tables", rows, shards=2)
    for name, where in (("whole", tables), ("short", shorter)):
        work(where, examples).learn(tmp_path / name)
    whole, short = (
        {path.name: path.read_bytes() for path in (tmp_path / name / FITTED).iterdir()}
        for name in ("whole", "short")
    )
    assert whole == short


def test_a_job_cut_off_resumes_to_the_same_bytes(
    tables: Path, examples: Path, tmp_path: Path
) -> None:
    def report(done: int, total: int, what: str) -> None:
        if done >= total // 2:
            raise Cut

    store = CheckpointStore(tmp_path / "checkpoints", identity="this", keep=2)
    with pytest.raises(Cut):
        work(tables, examples, Machine(store=store, checkpoint_steps=2, report=report)).learn(
            tmp_path / "cut"
        )
    assert not (tmp_path / "cut").exists()
    assert store.newest() is not None
    work(tables, examples).learn(tmp_path / "whole")
    steps: list[int] = []
    machine = Machine(
        store=store, checkpoint_steps=2, report=lambda done, total, what: steps.append(done)
    )
    work(tables, examples, machine).learn(tmp_path / "resumed")
    assert steps[0] > 4, "it began anew"
    for path in (tmp_path / "whole" / FITTED).iterdir():
        assert path.read_bytes() == (tmp_path / "resumed" / FITTED / path.name).read_bytes()


def test_a_bank_without_categories_says_why_and_leaves_nothing(
    examples: Path, tmp_path: Path
) -> None:
    tables = bank.write_tables(
        tmp_path / "tables", bank.standard(), shards=2, tables=("customers", "holdings")
    )
    fitted, reason = work(tables, examples).learn(tmp_path / "output")
    assert fitted is None
    assert "needs transactions.category" in reason
    assert not (tmp_path / "output").exists()


def test_one_group_exactly_is_made_by_the_encoder() -> None:
    raw = only_mamba().model_dump(mode="json")
    twice = raw["groups"] + [raw["groups"][0] | {"name": "another"}]
    with pytest.raises(SettingsError, match="2 feature groups"):
        group_of(FeaturesSettings.model_validate(raw | {"groups": twice}))

"""Resuming gives the bytes of a run that was never interrupted, or says why it cannot."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from safetensors import SafetensorError
from torch import Tensor

from configs.contracts.artefacts import list_files
from configs.errors import ArtefactError
from tests.fixtures.phase0_output import write_phase0
from tests.fixtures.training_stages import rewrite, teach, teacher_settings
from tests.unit.teacher.teaching import rows_of
from training_jobs import teacher
from training_jobs.ple.gates import Phase
from training_jobs.runtime import Interrupted
from training_jobs.training.checkpoint import CheckpointStore, read_tensors, write_tensors
from training_jobs.training.crossfit import rows_digest
from training_jobs.training.trainer import Trainer

CUSTOMERS = 60
SETTINGS = teacher_settings(checkpoint_steps=3)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_phase0(tmp_path_factory.mktemp("bank"), customers=CUSTOMERS)


@pytest.fixture(scope="module")
def whole(bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of a run that nothing interrupted."""
    return teach(bank, tmp_path_factory.mktemp("whole"), SETTINGS)


def same_bytes(one: Path, other: Path) -> bool:
    return list_files(one) == list_files(other)


def counted(monkeypatch: pytest.MonkeyPatch, *, stop_before: int | None = None) -> list[int]:
    """Count optimisation steps from here on; the one numbered `stop_before` is interrupted."""
    taken: list[int] = []
    step = Trainer.step

    def counting(self: Trainer, index: Tensor, phase: Phase) -> None:
        if len(taken) == stop_before:
            raise Interrupted("the job was asked to stop", remedy="submit again: it resumes")
        taken.append(self.progress.step)
        step(self, index, phase)

    monkeypatch.setattr(Trainer, "step", counting)
    return taken


def steps_of(bank: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    with monkeypatch.context() as patch:
        taken = counted(patch)
        teach(bank, folder, SETTINGS)
    return len(taken)


def interrupt(bank: Path, folder: Path, at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        counted(patch, stop_before=at)
        with pytest.raises(Interrupted):
            teach(bank, folder, SETTINGS)


# 3 epochs of 2 steps for the full model, then 3 of 1 step for each fold; a checkpoint every 3.
@pytest.mark.parametrize(
    ("at", "left"),
    [
        pytest.param(1, 12, id="before the first checkpoint"),
        pytest.param(4, 9, id="inside an epoch, phase joint"),
        pytest.param(6, 6, id="between the full model and the first fold"),
        pytest.param(8, 6, id="inside the first fold"),
    ],
)
def test_interrupted_and_resumed_equals_uninterrupted(
    bank: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int, left: int
) -> None:
    interrupt(bank, tmp_path, at, monkeypatch)
    # Whatever used random numbers in between must not matter.
    torch.randn(17)
    assert steps_of(bank, tmp_path, monkeypatch) == left
    assert same_bytes(tmp_path / "model", whole)


def test_interrupted_while_scoring_trains_no_step_again(
    bank: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise Interrupted("the job was asked to stop", remedy="submit again: it resumes")

    with monkeypatch.context() as patch:
        patch.setattr(teacher, "_score", stopped)
        with pytest.raises(Interrupted):
            teach(bank, tmp_path, SETTINGS)
    assert steps_of(bank, tmp_path, monkeypatch) == 0
    assert same_bytes(tmp_path / "model", whole)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def flip_a_bit(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[-40] ^= 1
    path.write_bytes(raw)


@pytest.mark.parametrize("spoil", [cut_short, flip_a_bit])
def test_an_altered_checkpoint_is_passed_over_for_the_one_before_and_not_in_silence(
    bank: Path,
    whole: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Path], None],
) -> None:
    interrupt(bank, tmp_path, 7, monkeypatch)
    first, second = sorted((tmp_path / "checkpoints" / "full").glob("*.safetensors"))
    assert (first.name, second.name) == ("step-000000003.safetensors", "step-000000006.safetensors")
    spoil(second)
    capsys.readouterr()
    # 3 steps of the full model again, and both folds.
    assert steps_of(bank, tmp_path, monkeypatch) == 3 + 6
    assert "step-000000006.safetensors passed over" in capsys.readouterr().out
    assert same_bytes(tmp_path / "model", whole)


def test_when_every_checkpoint_is_altered_training_starts_afresh_and_says_so(
    bank: Path,
    whole: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    interrupt(bank, tmp_path, 7, monkeypatch)
    for path in (tmp_path / "checkpoints" / "full").glob("*.safetensors"):
        flip_a_bit(path)
    assert steps_of(bank, tmp_path, monkeypatch) == 12
    assert capsys.readouterr().out.count("passed over: ArtefactError") == 2
    assert same_bytes(tmp_path / "model", whole)


def test_a_checkpoint_of_other_code_is_not_resumed(
    bank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(bank, tmp_path, 7, monkeypatch)
    with monkeypatch.context() as patch:
        taken = counted(patch)
        teach(bank, tmp_path, SETTINGS, code_version="2")
    assert len(taken) == 12


def test_whatever_a_training_reads_of_a_row_is_part_of_its_identity(
    bank: Path, tmp_path: Path
) -> None:
    rows = rows_of(bank, "train")
    index = torch.arange(len(rows))
    digests = {rows_digest(rows, index), rows_digest(rows, index[1:])}
    for kind, name in (
        ("features", "channel"),
        ("features", "recency_days"),
        ("events", "category"),
        ("events", "gap_days"),
        ("incidence", "weights"),
        ("examples", "y_churn_signal"),
    ):
        changed = write_phase0(tmp_path / name, customers=CUSTOMERS)

        def reverse(table: pa.Table, name: str = name) -> pa.Table:
            # Numbers of the first train row alone: an average over all would hide it.
            at = table.column_names.index(name)
            values = table[name].to_pylist()
            train = values[0]
            # 2 becomes 1 and 1 becomes 2: a channel's code must stay one.
            values[0] = train[::-1] if isinstance(train, list) else 3 - (train or 0)
            return table.set_column(at, name, pa.array(values, type=table.schema.field(at).type))

        rewrite(changed / kind, reverse)
        digests.add(rows_digest(rows_of(changed, "train"), index))
    assert len(digests) == 2 + 6


def store(folder: Path, identity: str = "ours", keep: int = 2) -> CheckpointStore:
    return CheckpointStore(folder, identity=identity, keep=keep)


def test_checkpoints_of_another_training_do_not_crowd_out_ours(tmp_path: Path) -> None:
    theirs = store(tmp_path, "theirs")
    for step in (100, 200):
        theirs.save(step, {"x": torch.zeros(1)}, {})
    ours = store(tmp_path)
    assert ours.newest() is None
    ours.save(1, {"x": torch.ones(1)}, {"at": 1})
    found = ours.newest()
    assert found is not None
    assert found.state["at"] == 1


def test_the_newest_checkpoints_are_kept(tmp_path: Path) -> None:
    ours = store(tmp_path)
    for step in (9, 10, 11):
        ours.save(step, {"x": torch.full((1,), float(step))}, {})
    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        "step-000000010.safetensors",
        "step-000000011.safetensors",
    ]
    found = ours.newest()
    assert found is not None
    assert float(found.tensors["x"]) == 11


def test_a_half_written_file_is_no_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = store(tmp_path)
    ours.save(1, {"x": torch.ones(1)}, {})
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        ours.save(2, {"x": torch.zeros(1)}, {})
    found = ours.newest()
    assert found is not None
    assert float(found.tensors["x"]) == 1


def test_tensors_come_back_as_they_were(tmp_path: Path) -> None:
    tensors = {
        "scalar": torch.tensor(3.0),
        "empty": torch.zeros(0, 3),
        "flags": torch.tensor([True, False]),
        "bytes": torch.get_rng_state(),
        "transposed": torch.arange(6.0).reshape(2, 3).t(),
    }
    write_tensors(tmp_path / "x.safetensors", tensors, {"log": [1.5, None]})
    found = read_tensors(tmp_path / "x.safetensors")
    assert found.state == {"log": [1.5, None]}
    assert all(torch.equal(found.tensors[name], value) for name, value in tensors.items())
    assert set(found.tensors) == set(tensors)


def test_reading_an_altered_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    write_tensors(path, {"x": torch.arange(40.0)}, {})
    flip_a_bit(path)
    with pytest.raises(ArtefactError, match="not what was written"):
        read_tensors(path)
    cut_short(path)
    with pytest.raises(SafetensorError):
        read_tensors(path)
    path.write_bytes(b"")
    with pytest.raises(SafetensorError):
        read_tensors(path)


def test_two_runs_give_the_same_bytes(bank: Path, whole: Path, tmp_path: Path) -> None:
    torch.manual_seed(999)
    np.random.default_rng(1).random(3)
    assert same_bytes(teach(bank, tmp_path, SETTINGS), whole)


def test_another_seed_gives_another_teacher(bank: Path, whole: Path, tmp_path: Path) -> None:
    other = teach(bank, tmp_path, {**SETTINGS, "seed": SETTINGS["seed"] + 17})
    assert not same_bytes(other, whole)
    names = {entry.path for entry in list_files(whole)}
    assert names == {entry.path for entry in list_files(other)}

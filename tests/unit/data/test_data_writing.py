"""Writing a bank: one set of bytes for any workers and shards, and interruptions leave no trace."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from configs.contracts.storage import TRUTH_MARK
from configs.settings.base import load
from configs.settings.simulation import BankSettings
from training_jobs.data.synthetic import writing
from training_jobs.data.synthetic.__main__ import main
from training_jobs.data.synthetic.bank import DATA_TABLES, TRUTH_TABLES
from training_jobs.data.synthetic.claim import claimed
from training_jobs.data.synthetic.writing import BANK_FILE, WHOLE, Order, Shard, generate

SMALL = load(BankSettings, BANK_FILE).model_copy(
    update={"block": 32, "community": 16, "blocks_per_file": 2, "merchants": 300}
)
ORDER = Order(customers=150, months=24, seed=3)
FILES = 3  # of 64 customers, the last of 22 in one block

SCRIPT = """
import sys
from pathlib import Path
from tests.unit.data.test_data_writing import ORDER, SMALL
from training_jobs.data.synthetic.writing import generate

def show(done, total, rows):
    print(done, flush=True)

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    generate(
        ORDER, out=folder / "raw", truth=folder / "truth", workers=int(sys.argv[2]),
        progress=show, settings=SMALL,
    )
"""


def _silent(done: int, total: int, rows: int) -> None:
    del done, total, rows


def _generate(folder: Path, *, order: Order = ORDER, workers: int = 1, shard: Shard = WHOLE) -> int:
    return generate(
        order,
        out=folder / "raw",
        truth=folder / "truth",
        workers=workers,
        progress=_silent,
        shard=shard,
        settings=SMALL,
    )


def _bytes(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bank generated in one go by one process."""
    folder = tmp_path_factory.mktemp("whole")
    _generate(folder)
    return folder


def test_a_file_holds_whole_blocks_as_row_groups_and_all_customers_are_there(whole: Path) -> None:
    for table in DATA_TABLES:
        assert len(list((whole / "raw" / table).glob("*.parquet"))) == FILES
    files = sorted((whole / "raw" / "customers").glob("*.parquet"))
    assert [path.name for path in files] == [f"part-{n:05d}.parquet" for n in range(FILES)]
    groups = [pq.read_metadata(path).num_row_groups for path in files]
    assert groups == [2, 2, 1]
    ids = [name for path in files for name in pq.read_table(path)["customer_id"].to_pylist()]
    assert ids == [f"C{number:07d}" for number in range(150)]


def test_bytes_do_not_depend_on_the_number_of_workers(whole: Path, tmp_path: Path) -> None:
    _generate(tmp_path, workers=3)
    assert _bytes(tmp_path) == _bytes(whole)


@pytest.mark.parametrize("count", [2, 3])
def test_shards_laid_over_each_other_are_the_whole(whole: Path, tmp_path: Path, count: int) -> None:
    rows = 0
    united: dict[str, bytes] = {}
    for number in range(1, count + 1):
        folder = tmp_path / str(number)
        rows += _generate(folder, shard=Shard(number, count))
        mine = _bytes(folder)
        shared = set(united) & set(mine)
        assert shared <= {"raw/origin.json", f"truth/{TRUTH_MARK}"}, "two shards made one file"
        united |= mine
    assert united == _bytes(whole)
    assert rows == sum(
        pq.read_metadata(path).num_rows for path in (whole / "raw").rglob("*.parquet")
    )


def test_a_shard_is_k_of_n() -> None:
    assert Shard.parse("2/8") == Shard(2, 8)
    for text in ("0/2", "3/2", "1", "a/b", "-1/2"):
        with pytest.raises(ValueError):  # noqa: PT011 - int() and we say different things
            Shard.parse(text)


def test_more_shards_than_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="fewer than 9 files"):
        _generate(tmp_path, shard=Shard(9, 9))
    assert not list(tmp_path.iterdir())


def _started(folder: Path, workers: int) -> "subprocess.Popen[str]":
    """Start a generation in a process of its own and return when its first file is done."""
    script = folder / "bank.py"
    script.write_text(SCRIPT)
    root = Path(writing.__file__).parents[3]
    process = subprocess.Popen(
        [sys.executable, str(script), str(folder), str(workers)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "1"
    return process


@pytest.mark.parametrize(("workers", "how"), [(1, signal.SIGTERM), (2, signal.SIGKILL)])
def test_a_killed_generation_goes_on_and_ends_with_the_same_bytes(
    whole: Path, tmp_path: Path, workers: int, how: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = _started(tmp_path, workers)
    process.send_signal(how)
    process.wait(timeout=30)
    assert process.returncode != 0
    # Nothing looks finished, and what stands under a final name is whole.
    assert not (tmp_path / "raw").exists()
    assert not (tmp_path / "truth").exists()
    wanted = _bytes(whole)
    kept = set()
    for place in ("raw", "truth"):
        for path in (tmp_path / f"{place}.partial").rglob("*.parquet"):
            name = f"{place}/{path.relative_to(tmp_path / f'{place}.partial').as_posix()}"
            assert path.read_bytes() == wanted[name]
            kept.add(name)
    assert kept
    made: list[int] = []
    make = writing._make

    def noting(part: writing._Part) -> int:
        made.append(part.number)
        return make(part)

    monkeypatch.setattr(writing, "_make", noting)
    _generate(tmp_path)
    (tmp_path / "bank.py").unlink()
    assert _bytes(tmp_path) == wanted
    assert not list(tmp_path.glob("*.partial"))
    done = {
        number
        for number in range(FILES)
        if all(
            f"{place}/{table}/part-{number:05d}.parquet" in kept
            for place, tables in (("raw", DATA_TABLES), ("truth", TRUTH_TABLES))
            for table in tables
        )
    }
    assert set(made) == set(range(FILES)) - done
    assert done


def test_the_workers_of_a_killed_generation_end_too(tmp_path: Path) -> None:
    process = _started(tmp_path, workers=2)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    assert len(children) >= 2
    process.kill()
    process.wait(timeout=30)
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{child}").exists() for child in children):
        assert time.monotonic() < deadline, "a worker lives on"
        time.sleep(0.05)


def test_another_order_does_not_go_on_with_files_of_the_last(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="stop here"):
        _interrupted(tmp_path, Order(customers=150, months=24, seed=4))
    assert list((tmp_path / "raw.partial" / "holdings").glob("*.parquet"))
    _generate(tmp_path)
    assert _bytes(tmp_path) == _bytes(whole)


def _interrupted(folder: Path, order: Order) -> None:
    def stop(done: int, total: int, rows: int) -> None:
        del done, total, rows
        raise RuntimeError("stop here")

    generate(
        order,
        out=folder / "raw",
        truth=folder / "truth",
        workers=1,
        progress=stop,
        settings=SMALL,
    )


def test_changed_code_does_not_go_on_with_files_of_the_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RuntimeError, match="stop here"):
        _interrupted(tmp_path, ORDER)
    code = tmp_path / "code"
    code.mkdir()
    (code / "changed.py").write_text("")
    monkeypatch.setattr(writing, "_CODE", code)
    calls: list[int] = []
    generate(
        ORDER,
        out=tmp_path / "raw",
        truth=tmp_path / "truth",
        workers=1,
        progress=lambda done, _total, _rows: calls.append(done),
        settings=SMALL,
    )
    assert calls == [1, 2, 3]


def test_two_generations_do_not_work_on_one_folder(tmp_path: Path) -> None:
    with claimed(tmp_path / "raw"), pytest.raises(BlockingIOError, match="another generation"):
        _generate(tmp_path)
    assert not list(tmp_path.iterdir())
    _generate(tmp_path, order=Order(200, 24, 1))


def test_the_command_makes_one_shard(tmp_path: Path) -> None:
    command = ["--customers", "200", "--out", str(tmp_path / "bank")]
    assert main([*command, "--shard", "1/1"]) == 0
    assert (tmp_path / "bank" / "holdings" / "part-00000.parquet").is_file()
    with pytest.raises(SystemExit):
        main([*command, "--shard", "2/1"])

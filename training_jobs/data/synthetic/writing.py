"""Writing a bank: files by worker processes, resumable, complete or absent, truth kept apart.

A bank is a row of blocks (customers simulated together) and a file of a table holds a fixed
number of them, so neither the workers nor the shards decide over any byte. Files appear by
renaming when they are whole, folders when all of their files are there; an interrupted generation
goes on behind the last whole file.
"""

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread

import pyarrow as pa
import pyarrow.parquet as pq

from configs.contracts.artefacts import canonical_json, digest, file_sha256
from configs.contracts.storage import ORIGIN_FILE, TRUTH_MARK
from configs.settings.base import CONFIGS, load
from configs.settings.dataset import Catalogue
from configs.settings.simulation import BankSettings
from training_jobs.data.synthetic.bank import DATA_TABLES, TRUTH_TABLES, simulate
from training_jobs.data.synthetic.claim import claimed

BANK_FILE = CONFIGS / "simulation" / "bank.yaml"
CATALOGUE_FILE = CONFIGS / "products" / "synthetic.yaml"
UNFINISHED = ".tmp"
_CODE = Path(__file__).parent

Progress = Callable[[int, int, int], None]


@dataclass(frozen=True)
class Order:
    """A bank to generate."""

    customers: int
    months: int
    seed: int


@dataclass(frozen=True)
class Shard:
    """A share of a bank's files: number 1..count of `count` shards."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Return the shard in `k/n`. Raises ValueError where it is none."""
        number, _, count = text.partition("/")
        shard = cls(int(number), int(count))
        if not 1 <= shard.number <= shard.count:
            raise ValueError(f"shard {text}: k/n with k from 1 to n")
        return shard


WHOLE = Shard(1, 1)


@dataclass(frozen=True)
class _Part:
    """The files of one number: which customers, of what, and where they go."""

    number: int
    start: int
    stop: int
    order: Order
    settings: BankSettings
    data: Path
    truth: Path

    def files(self) -> dict[str, Path]:
        """Return table -> path of its file."""
        name = f"part-{self.number:05d}.parquet"
        places = [(self.data, DATA_TABLES), (self.truth, TRUTH_TABLES)]
        return {table: folder / table / name for folder, tables in places for table in tables}

    def rows(self) -> int | None:
        """Return the data rows of finished files, None where a file is missing."""
        files = self.files()
        if not all(path.is_file() for path in files.values()):
            return None
        return sum(int(pq.read_metadata(files[table]).num_rows) for table in DATA_TABLES)


def _make(part: _Part) -> int:
    """Write the files of one part, block by block; return the rows of the data tables."""
    catalogue = load(Catalogue, CATALOGUE_FILE)
    files = part.files()
    drafts = {table: path.with_name(path.name + UNFINISHED) for table, path in files.items()}
    writers: dict[str, pq.ParquetWriter] = {}
    rows = 0
    try:
        for start in range(part.start, part.stop, part.settings.block):
            block = simulate(
                part.settings,
                catalogue,
                seed=part.order.seed,
                start=start,
                stop=min(start + part.settings.block, part.stop),
                months=part.order.months,
            )
            for table, content in sorted((block.tables | block.truth).items()):
                if table not in writers:
                    writers[table] = pq.ParquetWriter(
                        drafts[table], content.schema, compression="zstd"
                    )
                writers[table].write_table(content, row_group_size=max(content.num_rows, 1))
                rows += content.num_rows if table in DATA_TABLES else 0
    finally:
        for writer in writers.values():
            writer.close()
    for table, path in files.items():
        drafts[table].replace(path)
    return rows


def bank_digest(settings: BankSettings) -> str:
    """Return what tells one simulation's settings from another's."""
    return digest(settings.model_dump(mode="json"))


def _identity(order: Order, settings: BankSettings, shard: Shard) -> bytes:
    """Return what an unfinished folder must agree with to be gone on with: all that makes bytes."""
    code = {
        path.relative_to(_CODE).as_posix(): file_sha256(path) for path in _CODE.rglob("*.py")
    } | {"products": file_sha256(CATALOGUE_FILE), "pyarrow": pa.__version__}
    return canonical_json(
        {
            "order": [order.customers, order.months, order.seed],
            "shard": [shard.number, shard.count],
            "settings": bank_digest(settings),
            "code": digest(code),
        }
    )


def _unfinished(folder: Path, tables: tuple[str, ...], identity: bytes) -> Path:
    """Return the folder of an unfinished generation: an earlier one's, or a new one."""
    partial = folder.with_name(folder.name + ".partial")
    mark = partial / "identity.json"
    if not mark.is_file() or mark.read_bytes() != identity:
        shutil.rmtree(partial, ignore_errors=True)
    for table in tables:
        (partial / table).mkdir(parents=True, exist_ok=True)
        for draft in (partial / table).glob(f"*{UNFINISHED}"):
            draft.unlink()
    mark.write_bytes(identity)
    return partial


def _finish(partial: Path, final: Path) -> None:
    (partial / "identity.json").unlink()
    shutil.rmtree(final, ignore_errors=True)
    partial.rename(final)


def _end_with_the_parent() -> None:
    """Let this worker end when the process that asked does, however that ends."""

    def watch() -> None:
        parent = parent_process()
        assert parent is not None, "called in a worker"
        parent.join()
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def _work(parts: list[_Part], workers: int, progress: Progress) -> int:
    """Make the parts that are not there yet; return the data rows of all."""
    there = {part.number: part.rows() for part in parts}
    rows = sum(found for found in there.values() if found is not None)
    open_ = [part for part in parts if there[part.number] is None]
    done = len(parts) - len(open_)
    if done:
        progress(done, len(parts), rows)
    if workers == 1:
        for part in open_:
            done, rows = done + 1, rows + _make(part)
            progress(done, len(parts), rows)
        return rows
    # Spawned: a worker inherits no lock and no thread of the process that asks.
    with ProcessPoolExecutor(
        max_workers=workers, mp_context=get_context("spawn"), initializer=_end_with_the_parent
    ) as pool:
        try:
            for future in as_completed([pool.submit(_make, part) for part in open_]):
                done, rows = done + 1, rows + future.result()
                progress(done, len(parts), rows)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return rows


def generate(
    order: Order,
    *,
    out: Path,
    truth: Path,
    workers: int,
    progress: Progress,
    shard: Shard = WHOLE,
    settings: BankSettings | None = None,
) -> int:
    """Generate a bank, or one shard of its files; return the rows of `out`.

    Both folders appear only when complete; until then files collect in `<folder>.partial`, and the
    same call goes on there. The bytes of a file depend on the order and the settings alone: the
    folders of all shards laid over each other are the folder of the whole.

    Args:
        order: size, months, seed.
        out: data folder, replaced if present.
        truth: folder for latent paths and causes; must not lie inside `out`.
        workers: processes.
        progress: called with files done, files in all, rows so far (a file: one of each table).
        shard: which files.
        settings: the bank; by default the shipped one.

    Raises:
        ValueError: `truth` lies inside `out`, or the bank has fewer files than shards.
        BlockingIOError: another generation is at work on the same folder.
    """
    if truth.resolve().is_relative_to(out.resolve()):
        raise ValueError("the ground truth must not lie inside the data folder")
    bank = settings or load(BankSettings, BANK_FILE)
    size = bank.block * bank.blocks_per_file
    starts = list(enumerate(range(0, order.customers, size)))[shard.number - 1 :: shard.count]
    if not starts:
        raise ValueError(f"the bank has fewer than {shard.count} files of {size} customers")
    with claimed(out):
        identity = _identity(order, bank, shard)
        data_partial = _unfinished(out, DATA_TABLES, identity)
        truth_partial = _unfinished(truth, TRUTH_TABLES, identity)
        parts = [
            _Part(
                number=number,
                start=start,
                stop=min(start + size, order.customers),
                order=order,
                settings=bank,
                data=data_partial,
                truth=truth_partial,
            )
            for number, start in starts
        ]
        rows = _work(parts, workers, progress)
        origin = {
            "customers": order.customers,
            "months": order.months,
            "seed": order.seed,
            "bank": bank_digest(bank),
        }
        (data_partial / ORIGIN_FILE).write_bytes(canonical_json(origin) + b"\n")
        (truth_partial / TRUTH_MARK).write_bytes(canonical_json(origin) + b"\n")
        # The truth first: where the data are, all is.
        _finish(truth_partial, truth)
        _finish(data_partial, out)
    return rows

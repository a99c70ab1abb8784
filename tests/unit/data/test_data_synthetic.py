"""The synthetic bank: reproducible however it is divided, causal in time, truth kept apart."""

import shutil
from pathlib import Path

import duckdb
import numpy as np
import pytest

from configs.contracts.storage import TRUTH_MARK
from configs.settings.base import CONFIGS, load
from configs.settings.dataset import Catalogue, DatasetSettings
from configs.settings.simulation import BankSettings
from training_jobs.data.canonical import convert
from training_jobs.data.synthetic.__main__ import main
from training_jobs.data.synthetic.bank import Block, simulate
from training_jobs.data.synthetic.mechanisms import MECHANISMS
from training_jobs.data.synthetic.random import Draws, Stream, philox, pick, pick_rows
from training_jobs.data.synthetic.writing import BANK_FILE, CATALOGUE_FILE, Order, generate
from training_jobs.data.violations import render

SETTINGS = load(BankSettings, BANK_FILE)
CATALOGUE = load(Catalogue, CATALOGUE_FILE)
MONTHS = 24
FOUR = [
    0.881541084, 0.12015764, 0.365705917, 0.857849693, 0.004490045, 0.314841636,
    0.081862901, 0.641413888, 0.728375662, 0.049231141, 0.048837983, 0.587376551,
]  # fmt: skip
NORMALS = [1.017392454, 1.351520181, -0.69785846, -0.001234857, 0.577156819, -1.659665923]


def _simulate(
    *, start: int = 0, stop: int = 256, seed: int = 3, settings: BankSettings = SETTINGS
) -> Block:
    return simulate(settings, CATALOGUE, seed=seed, start=start, stop=stop, months=MONTHS)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated bank of 1,100 customers (two blocks) in `raw`, its truth in `truth`."""
    folder = tmp_path_factory.mktemp("bank")
    order = Order(customers=1100, months=MONTHS, seed=3)
    generate(order, out=folder / "raw", truth=folder / "truth", workers=1, progress=lambda *_: None)
    return folder


def _query(bank: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect() as connection:
        for place in ("raw", "truth"):
            for folder in (bank / place).iterdir():
                if folder.is_dir():
                    connection.execute(
                        f"CREATE VIEW {folder.name} AS SELECT * FROM '{folder}/*.parquet'"
                    )
        return connection.execute(sql).fetchall()


def test_philox_answers_the_published_test_vectors() -> None:
    # Known answers of Random123 for philox4x32-10.
    assert [int(word) for word in philox((0, 0, 0, 0), 0)] == [
        0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8,
    ]  # fmt: skip
    ones = 0xFFFFFFFF
    assert [int(word) for word in philox((ones, ones, ones, ones), (ones << 32) | ones)] == [
        0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD,
    ]  # fmt: skip


def test_draws_depend_on_the_key_alone_and_look_uniform() -> None:
    draws = Draws(9)
    ids = np.arange(20_000)
    whole = draws.uniform(Stream.EVENT, ids, month=4)
    assert np.array_equal(whole[777:778], draws.uniform(Stream.EVENT, ids[777:778], month=4))
    assert abs(whole.mean() - 0.5) < 0.01
    assert abs(np.corrcoef(whole[:-1], whole[1:])[0, 1]) < 0.03
    for other in (
        draws.uniform(Stream.EVENT, ids, month=5),
        draws.uniform(Stream.CLOSE, ids, month=4),
        Draws(10).uniform(Stream.EVENT, ids, month=4),
        draws.uniform(Stream.EVENT, ids, month=4, index=1),
    ):
        assert abs(np.corrcoef(whole, other)[0, 1]) < 0.03
    counts = draws.poisson(Stream.COUNT, ids, np.full(len(ids), 7.0), month=1)
    assert counts.mean() == pytest.approx(7, abs=0.1)
    assert counts.var() == pytest.approx(7, abs=0.3)
    normals = draws.normal(Stream.VALUE, ids)
    assert normals.mean() == pytest.approx(0, abs=0.03)
    assert normals.std() == pytest.approx(1, abs=0.02)


def test_draws_stay_the_ones_of_earlier_versions() -> None:
    # Another number here is another bank for everybody's seed.
    draws = Draws(20_261)
    who = np.array([0, 7, 999_999])
    four = draws.four(Stream.EVENT, who, month=35, index=np.array([0, 1, 100_000]))
    assert [round(float(value), 9) for values in four for value in values] == FOUR
    normals = draws.normal(Stream.VALUE, who[:, None], index=np.arange(2))
    assert [round(float(value), 9) for value in normals.ravel()] == NORMALS
    assert draws.uniform(Stream.EVENT, 7, month=35, index=1).shape == ()


def test_picking_follows_the_weights() -> None:
    uniform = Draws(1).uniform(Stream.EVENT, np.arange(30_000))
    shares = np.bincount(pick(np.cumsum([1.0, 0.0, 3.0]), uniform), minlength=3) / 30_000
    assert shares == pytest.approx([0.25, 0, 0.75], abs=0.01)
    rows = np.tile([2.0, 0.0, 2.0], (30_000, 1))
    assert np.bincount(pick_rows(rows, uniform), minlength=3)[1] == 0


def test_a_customer_does_not_depend_on_other_blocks_or_on_the_size_of_the_bank() -> None:
    whole, part = _simulate(stop=512), _simulate(start=256, stop=512)
    wanted = set(part.tables["customers"]["customer_id"].to_pylist())
    for name, table in part.tables.items():
        rows = [row for row in whole.tables[name].to_pylist() if row["customer_id"] in wanted]
        assert rows == table.to_pylist(), name


def test_another_seed_is_another_bank() -> None:
    first, second = _simulate().tables["transactions"], _simulate(seed=4).tables["transactions"]
    assert first["amount"].to_pylist()[:50] != second["amount"].to_pylist()[:50]


def test_the_bank_keeps_the_contract(bank: Path, tmp_path: Path) -> None:
    dataset = load(DatasetSettings, CONFIGS / "datasets" / "synthetic.yaml")
    faults, profile = convert(dataset, raw=bank / "raw", output=tmp_path, progress=lambda *_: None)
    assert not faults, render(faults, show_identifying=True)
    assert profile is not None
    assert profile["tables"]["customers"]["rows"] == 1100
    assert profile["merchants"] > 1500


def test_truth_lies_outside_the_data_and_nothing_of_it_inside(bank: Path, tmp_path: Path) -> None:
    names = {path.name for path in (bank / "raw").iterdir()}
    assert names == {
        "customers", "customer_months", "holdings", "transactions", "origin.json",
    }  # fmt: skip
    assert {path.name for path in (bank / "truth").iterdir()} == {"latent", "causes", TRUTH_MARK}
    columns = {
        str(row[0])
        for table in ("customers", "customer_months", "holdings", "transactions")
        for row in _query(bank, f"DESCRIBE {table}")
    }
    assert not any(
        word in column for column in columns for word in ("on_", "cause", "engage", "value")
    )
    with pytest.raises(ValueError, match="must not lie inside"):
        generate(
            Order(200, MONTHS, 1),
            out=tmp_path / "raw",
            truth=tmp_path / "raw" / "truth",
            workers=1,
            progress=lambda *_: None,
        )
    assert not (tmp_path / "raw").exists()


def test_every_acquisition_has_its_cause_on_record(bank: Path) -> None:
    missing = _query(
        bank,
        """
        WITH gained AS (
          SELECT now.customer_id, now.month, now.product FROM holdings AS now
          ANTI JOIN holdings AS before ON before.customer_id = now.customer_id
            AND before.product = now.product
            AND before.month = last_day(CAST(now.month - INTERVAL 1 MONTH AS DATE))
          WHERE now.month > (SELECT min(month) FROM holdings)
        )
        SELECT count(*), count(cause) FROM gained LEFT JOIN causes
          ON causes.customer_id = gained.customer_id AND causes.month = gained.month
          AND causes.product = gained.product AND causes.event = 'acquire'
        JOIN customer_months AS earlier ON earlier.customer_id = gained.customer_id
          AND earlier.month = last_day(CAST(gained.month - INTERVAL 1 MONTH AS DATE))
        """,
    )[0]
    assert missing[0] == missing[1]
    assert int(str(missing[0])) > 500


def test_causes_are_on_when_they_act(bank: Path) -> None:
    for mechanism in MECHANISMS:
        acted, on = _query(
            bank,
            f"SELECT count(*), count(*) FILTER (latent.on_{mechanism.name}) FROM causes "
            "JOIN latent USING (customer_id, month) "
            f"WHERE cause = '{mechanism.name}'",
        )[0]
        assert acted == on, mechanism.name
        assert int(str(acted)) > 0, mechanism.name


def test_the_dormant_share_is_near_its_target(bank: Path) -> None:
    dormant = float(str(_query(bank, "SELECT avg((engagement = 0)::INT) FROM latent")[0][0]))
    assert dormant == pytest.approx(SETTINGS.dormant_share, abs=0.05)


def test_hazards_are_on_record_and_higher_where_a_mechanism_is_on(bank: Path) -> None:
    for target in (*SETTINGS.targets, "closing"):
        lowest, mean = _query(
            bank, f"SELECT min(hazard_{target}), avg(hazard_{target}) FROM latent"
        )[0]
        assert float(str(lowest)) > 0
        assert 0.2 < float(str(mean)) * 3 / SETTINGS.targets.get(target, SETTINGS.closing).rate < 3
    off, on = _query(bank, "SELECT avg(hazard_accounts) FROM latent GROUP BY on_rhythm ORDER BY "
                     "on_rhythm")  # fmt: skip
    assert float(str(on[0])) > 2 * float(str(off[0]))


def test_rhythm_orders_the_outings(bank: Path) -> None:
    motif = ", ".join(f"'{code}'" for code in SETTINGS.motif)
    order = " ".join(f"WHEN '{code}' THEN {place}" for place, code in enumerate(SETTINGS.motif))
    rows = _query(
        bank,
        f"""
        WITH visits AS (
          SELECT customer_id, ts, CASE category {order} END AS place,
            lead(ts, 1) OVER mine AS next_ts, lead(CASE category {order} END, 1) OVER mine AS next
          FROM transactions WHERE category IN ({motif})
          WINDOW mine AS (PARTITION BY customer_id ORDER BY ts)
        )
        SELECT latent.on_rhythm, avg((next = place + 1)::INT), count(*)
        FROM visits JOIN latent ON latent.customer_id = visits.customer_id
          AND latent.month = last_day(visits.ts)
        WHERE epoch(next_ts) - epoch(ts) = 1500
        GROUP BY 1 ORDER BY 1
        """,
    )
    follows = {bool(on): float(str(share)) for on, share, _ in rows}
    assert follows[True] > 0.95
    assert follows[False] < 0.4


def test_communities_share_merchants(bank: Path) -> None:
    rows = _query(
        bank,
        f"""
        WITH seen AS (
          SELECT DISTINCT customer_id, merchant,
            CAST(substr(customer_id, 2) AS INT) // {SETTINGS.community} AS community
          FROM transactions WHERE merchant IS NOT NULL
        ), pairs AS (
          SELECT a.community = b.community AS same, count(*) AS shared
          FROM seen AS a JOIN seen AS b ON a.merchant = b.merchant AND a.customer_id < b.customer_id
          GROUP BY a.customer_id, b.customer_id, same
        )
        SELECT same, avg(shared) FROM pairs GROUP BY same ORDER BY same
        """,
    )
    shared = {bool(same): float(str(mean)) for same, mean in rows}
    assert shared[True] > 1.5 * shared[False]


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--customers", "200", "--out", str(tmp_path / "bank")]) == 0
    out = capsys.readouterr().out
    assert "[progress] synthetic 1/1 files" in out
    assert (tmp_path / "bank.truth" / "causes").is_dir()
    assert not list(tmp_path.glob("*.partial"))
    with pytest.raises(SystemExit):
        main(["--customers", "10", "--out", str(tmp_path / "bank")])
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "examples:" in capsys.readouterr().out


def test_data_with_ground_truth_inside_break_the_contract(bank: Path, tmp_path: Path) -> None:
    dataset = load(DatasetSettings, CONFIGS / "datasets" / "synthetic.yaml")
    raw = tmp_path / "raw"
    shutil.copytree(bank / "raw", raw)
    shutil.copytree(bank / "truth", raw / "truth")
    faults, profile = convert(dataset, raw=raw, output=tmp_path, progress=lambda *_: None)
    assert profile is None
    assert "truth (table ground truth): lies inside the data folder" in render(
        faults, show_identifying=False
    )

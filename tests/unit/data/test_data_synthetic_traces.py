"""What each mechanism leaves in the events, and what it must not touch."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from scipy.stats import kstest

from configs.settings.base import load
from configs.settings.dataset import Catalogue
from configs.settings.simulation import BankSettings
from training_jobs.data.synthetic.bank import Block, begin, simulate
from training_jobs.data.synthetic.couplings_table import FAVOURITE
from training_jobs.data.synthetic.favourites import favourites
from training_jobs.data.synthetic.random import Draws
from training_jobs.data.synthetic.state import State
from training_jobs.data.synthetic.swing import control_of, initial_swing, levels
from training_jobs.data.synthetic.writing import BANK_FILE, CATALOGUE_FILE

SETTINGS = load(BankSettings, BANK_FILE)
CATALOGUE = load(Catalogue, CATALOGUE_FILE)
CUSTOMERS = 512


def _without(*names: str) -> Block:
    """Return the bank with some mechanisms never on; all other random numbers are the same."""
    spells = {
        name: spell.model_copy(update={"prevalence": 1e-9}) if name in names else spell
        for name, spell in SETTINGS.spells.items()
    }
    settings = SETTINGS.model_copy(update={"spells": spells})
    return simulate(settings, CATALOGUE, seed=3, start=0, stop=CUSTOMERS, months=24)


@pytest.fixture(scope="module")
def bank() -> Block:
    return _without()


@pytest.fixture(scope="module")
def state() -> State:
    return begin(SETTINGS, CATALOGUE, Draws(3), start=0, stop=20_480, months=24)


def _cards(block: Block) -> pa.Table:
    table = block.tables["transactions"]
    return table.filter(pc.is_valid(table["merchant"]))


def _counts(table: pa.Table, days: int, end: str) -> dict[tuple[str, str], int]:
    last = np.datetime64(end) + np.timedelta64(1, "D")
    stamp = table["ts"].to_numpy()
    chosen = (stamp < last) & (stamp >= last - np.timedelta64(days, "D"))
    counted = table.filter(pa.array(chosen)).group_by(["customer_id", "category"]).aggregate(
        [("amount", "count")]
    )  # fmt: skip
    return {
        (row["customer_id"], row["category"]): row["amount_count"] for row in counted.to_pylist()
    }


@pytest.mark.parametrize("days", [7, 30, 90])
def test_the_motif_leaves_the_counts_of_every_window_as_they_were(bank: Block, days: int) -> None:
    calm = _without("rhythm")
    first, second = _cards(bank), _cards(calm)
    # The same outings at the same times ...
    assert first.select(["customer_id", "ts"]) == second.select(["customer_id", "ts"])
    moved = pc.sum(pc.not_equal(first["category"], second["category"])).as_py()
    assert moved > 500
    for end in ("2024-12-31", "2025-03-31", "2025-09-30"):
        ours, theirs = _counts(first, days, end), _counts(second, days, end)
        differing = {key for key in {*ours, *theirs} if ours.get(key) != theirs.get(key)}
        # ... so that only one that straddles the first midnight of a window can count elsewhere.
        assert len(differing) <= 0.002 * len(ours), differing


def _swing(*, steady: bool, customers: int = 400, events: int = 300) -> tuple[Any, Any]:
    """Return [customers, events] ranks of a long month, and the periods."""
    draws, ids = Draws(8), np.arange(customers)
    period = 5.0 + 3.0 * draws.uniform(cast(Any, 5), ids)
    state = SimpleNamespace(
        settings=SETTINGS,
        people=SimpleNamespace(ids=ids, period=period),
        draws=draws,
        month=3,
        size=customers,
        phase=2 * np.pi * draws.uniform(cast(Any, 5), ids, index=1),
        swing=initial_swing(period, SETTINGS, draws.four(cast(Any, 5), ids, index=2)),
    )
    batch = SimpleNamespace(
        row=np.repeat(ids, events),
        index=np.tile(np.arange(events), customers),
        steady=np.full(customers * events, steady),
    )
    return levels(cast(Any, state), cast(Any, batch)).reshape(customers, events), period


def _autocorrelation(levels_: Any, lag: int) -> float:
    centred = levels_ - 0.5
    return float((centred[:, lag:] * centred[:, :-lag]).mean() / (centred**2).mean())


def test_loop_and_control_have_one_marginal_and_one_autocorrelation() -> None:
    loop, control = _swing(steady=True)[0], _swing(steady=False)[0]
    for series in (loop, control):
        # One event a customer: independent draws.
        assert kstest(series[:, 150], "uniform").pvalue > 0.01
    # The same amounts, dealt out in another order.
    assert np.array_equal(np.sort(loop, axis=1), np.sort(control, axis=1))
    for lag in range(1, 9):
        assert _autocorrelation(loop, lag) == pytest.approx(
            _autocorrelation(control, lag), abs=0.06
        ), lag


def test_only_the_loop_has_a_fixed_amplitude() -> None:
    def spread(steady: bool) -> float:
        level, period = _swing(steady=steady)
        side = np.sin(np.pi * (level - 0.5))
        turn = 2 * np.sin(2 * np.pi / period)[:, None]
        size = side[:, 1:-1] ** 2 + ((side[:, 2:] - side[:, :-2]) / turn) ** 2
        return float(np.abs(size - 1).mean())

    assert spread(True) < 0.6 * spread(False)


def test_the_control_is_an_autoregression_of_order_two() -> None:
    period = np.array([5.0, 6.5, 8.0])
    control = control_of(period, SETTINGS.traces.shape_jitter)
    first, second = 2 * control.root.real, -(np.abs(control.root) ** 2)
    noise = np.random.default_rng(4).standard_normal((4000, 200, 3))
    swing, plain = np.zeros((4000, 3), complex), np.zeros((2, 4000, 3))
    for step in range(noise.shape[1]):
        swing = control.root * swing + noise[:, step]
        plain = np.stack([first * plain[0] + second * plain[1] + noise[:, step], plain[0]])
    value = (control.root * swing).imag / control.root.imag
    assert value == pytest.approx(plain[0], rel=1e-9, abs=1e-9)
    assert value.std(axis=0) == pytest.approx(control.deviation, rel=0.04)


def test_drift_moves_categories_between_amounts_and_no_amount(bank: Block) -> None:
    calm = _without("drift")
    first, second = _cards(bank), _cards(calm)
    assert first.select(["customer_id", "ts", "amount"]) == second.select(
        ["customer_id", "ts", "amount"]
    )
    assert pc.sum(pc.not_equal(first["category"], second["category"])).as_py() > 500


def test_both_couplings_have_the_same_category_shares(state: State) -> None:
    tables = state.couplings
    chance = np.diff(tables.chance, axis=3, prepend=0.0)
    usual, leaning = chance.mean(axis=2)
    assert usual == pytest.approx(leaning, abs=1e-6)
    assert usual[:, -1] == pytest.approx(SETTINGS.traces.tree_taste.share, abs=1e-3)
    tier = np.append(state.market.tier[tables.category[:-1]], 0)
    assert tables.category[-1] == FAVOURITE
    rank = np.linspace(-1, 1, chance.shape[2])
    covariance = np.einsum("labk,k,b->la", chance, tier, rank) / len(rank)
    assert (covariance[1] > covariance[0] + 0.05).all()


def test_favourites_are_equally_frequent_codes_below_one_branch_or_several(state: State) -> None:
    spread, together = favourites(state)
    codes = state.couplings.favourites
    branch = np.full(len(state.market.codes), -1)
    branch[codes] = np.arange(len(codes))[:, None]
    for chosen in (spread, together):
        shares = np.bincount(chosen.ravel(), minlength=len(branch))[codes] / chosen.size
        assert shares == pytest.approx(np.full(codes.shape, 1 / codes.size), rel=0.08)
        assert all(len(set(row)) == chosen.shape[1] for row in chosen[:500].tolist())
    several = np.sort(branch[spread], axis=1)
    assert (1 + (np.diff(several, axis=1) > 0).sum(axis=1) == 2).all()
    assert (branch[together] == branch[together][:, :1]).all()
    # Favourites and branches differ between customers.
    assert len(np.unique(together, axis=0)) > 100


def test_mobile_payments_follow_the_cause_and_then_no_longer() -> None:
    block = simulate(SETTINGS, CATALOGUE, seed=4, start=0, stop=1024, months=24)
    cards, latent = _cards(block), block.truth["latent"]
    keys = pa.table(
        {
            "customer_id": cards["customer_id"],
            "month": pc.cast(pc.floor_temporal(cards["ts"], unit="month"), pa.date32()),
            "mobile": pc.equal(cards["channel"], "mobile"),
        }
    )
    months = pc.cast(pc.floor_temporal(latent["month"], unit="month"), pa.date32())
    truth = latent.set_column(1, "month", months).select(["customer_id", "month", "on_cause"])
    joined = keys.join(truth, ["customer_id", "month"])
    stamp = joined["month"].to_numpy().astype("datetime64[M]")
    mobile, on = joined["mobile"].to_numpy(), joined["on_cause"].to_numpy()

    def link(first: str, last: str) -> float:
        chosen = (stamp >= np.datetime64(first)) & (stamp <= np.datetime64(last))
        return float(mobile[chosen & on].mean() - mobile[chosen & ~on].mean())

    early, late, broken = (
        link("2024-01", "2024-06"),
        link("2025-01", "2025-06"),
        link("2025-07", "2025-12"),
    )
    assert early > late + 0.08
    assert late > 0.15
    assert abs(broken) < 0.04

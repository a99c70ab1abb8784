"""The card of a bank: what it counts is what the files say, and the page needs nothing else."""

import json
import re
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from configs.settings.base import load
from configs.settings.dataset import Catalogue
from training_jobs.data.synthetic.card.__main__ import main
from training_jobs.data.synthetic.card.page import page
from training_jobs.data.synthetic.card.spending import percent
from training_jobs.data.synthetic.mechanisms import MECHANISMS
from training_jobs.data.synthetic.writing import CATALOGUE_FILE, Order, generate

CATALOGUE = load(Catalogue, CATALOGUE_FILE)
GROUP = {product.product: product.group for product in CATALOGUE.products}


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bank")
    generate(
        Order(250, 24, 5),
        out=folder / "raw",
        truth=folder / "raw.truth",
        workers=1,
        progress=lambda *_: None,
    )
    assert main(["--data", str(folder / "raw"), "--out", str(folder / "out" / "card.html")]) == 0
    return folder


@pytest.fixture(scope="module")
def found(bank: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((bank / "out" / "card.json").read_text())
    return content


def _rows(bank: Path, table: str) -> list[dict[str, Any]]:
    place = "raw.truth" if table in ("causes", "latent") else "raw"
    return [
        row
        for path in sorted((bank / place / table).glob("*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]


def _cards(bank: Path) -> list[dict[str, Any]]:
    return [
        row
        for row in _rows(bank, "transactions")
        if row["direction"] == "debit" and row["merchant"] is not None
    ]


def test_spending_is_counted_by_time_channel_category_and_merchant(
    bank: Path, found: dict[str, Any]
) -> None:
    cards = _cards(bank)
    week = Counter((row["ts"].isoweekday(), row["ts"].hour) for row in cards)
    assert {(row["weekday"], row["hour"]): row["events"] for row in found["week"]} == week
    assert sum(row["won"] for row in found["week"]) == sum(row["amount"] for row in cards)
    assert {row["day"]: row["events"] for row in found["days"]} == Counter(
        row["ts"].day for row in cards
    )
    channels = Counter((row["ts"].strftime("%Y-%m"), row["channel"]) for row in cards)
    counted = {(row["month"][:7], row["channel"]): row["events"] for row in found["channels"]}
    assert counted == channels
    for table, column in (("categories", "category"), ("merchants", "merchant")):
        counted = {row["name"]: row["events"] for row in found[table]}
        assert counted == Counter(row[column] for row in cards)
        events = [row["events"] for row in found[table]]
        assert events == sorted(events, reverse=True)


def test_amounts_fall_into_the_bin_of_their_logarithm(bank: Path, found: dict[str, Any]) -> None:
    rows = _rows(bank, "transactions")
    for flow, count in (
        ("credits", sum(row["direction"] == "credit" for row in rows)),
        ("card", len(_cards(bank))),
    ):
        bins = [row for row in found["amounts"] if row["flow"] == flow]
        assert sum(row["events"] for row in bins) == count
    most = max(row["amount"] for row in _cards(bank))
    highest = max(row["bin"] for row in found["amounts"] if row["flow"] == "card")
    assert 10 ** (highest / 10) <= most < 10 ** ((highest + 1) / 10)


def test_activity_counts_those_without_an_event_too(bank: Path, found: dict[str, Any]) -> None:
    months = defaultdict(set)
    for row in _rows(bank, "customer_months"):
        if row["month"] > date(2024, 12, 31):
            months[row["customer_id"]].add(row["month"])
    there = {who for who, seen in months.items() if len(seen) == 12}
    spent = Counter(row["customer_id"] for row in _cards(bank) if row["ts"].year == 2025)
    wanted = Counter(spent[who] for who in there)
    assert {row["events"]: row["customers"] for row in found["activity"]} == wanted
    assert wanted[0]


def test_product_events_and_holdings_are_counted_by_group(
    bank: Path, found: dict[str, Any]
) -> None:
    wanted = Counter(
        (row["month"].isoformat(), row["event"], GROUP[row["product"]], row["cause"])
        for row in _rows(bank, "causes")
    )
    keys = ("month", "event", "group", "cause")
    counted = {tuple(row[k] for k in keys): row["events"] for row in found["product_events"]}
    assert counted == wanted
    held = Counter(
        (row["month"].isoformat(), GROUP[row["product"]]) for row in _rows(bank, "holdings")
    )
    assert {(row["month"], row["group"]): row["held"] for row in found["held"]} == held


def test_co_holding_counts_customers_of_the_last_month(bank: Path, found: dict[str, Any]) -> None:
    baskets = defaultdict(set)
    for row in _rows(bank, "holdings"):
        if row["month"] == date(2025, 12, 31):
            baskets[row["customer_id"]].add(row["product"])
    wanted = Counter((a, b) for held in baskets.values() for a in held for b in held)
    assert {(r["one"], r["other"]): r["customers"] for r in found["co_holding"]} == wanted


def test_segments_move_over_three_months(bank: Path, found: dict[str, Any]) -> None:
    at = {
        (row["customer_id"], row["month"]): row["segment"] for row in _rows(bank, "customer_months")
    }
    ends = sorted({month for _, month in at})
    wanted: Counter[tuple[str, str]] = Counter()
    for (who, month), segment in at.items():
        place = ends.index(month) + 3
        if month.month % 3 == 0 and place < len(ends) and (who, ends[place]) in at:
            wanted[segment, at[who, ends[place]]] += 1
    counted = {(r["before"], r["after"]): r["customers"] for r in found["transitions"]}
    assert counted == wanted


def test_spells_of_the_ground_truth_are_counted_by_month(bank: Path, found: dict[str, Any]) -> None:
    latent = _rows(bank, "latent")
    for row in found["hidden"]:
        month = [one for one in latent if one["month"].isoformat() == row["month"]]
        assert row["customers"] == len(month)
        assert row["dormant"] == sum(one["engagement"] == 0 for one in month)
        for mechanism in MECHANISMS:
            assert row[mechanism.name] == sum(one[f"on_{mechanism.name}"] for one in month)


def test_people_are_those_of_the_last_month(bank: Path, found: dict[str, Any]) -> None:
    last = [row for row in _rows(bank, "customer_months") if row["month"] == date(2025, 12, 31)]
    people = found["people"]
    assert sum(row["customers"] for row in people["ages"]) == len(last)
    assert {r["region"]: r["customers"] for r in people["regions"]} == Counter(
        row["region"] for row in last
    )
    assert sum(row["customers"] for row in people["incomes"]) == sum(
        row["income"] is not None for row in last
    )


def test_the_page_stands_alone_and_shows_every_picture(bank: Path) -> None:
    text = (bank / "out" / "card.html").read_text(encoding="utf-8")
    assert not re.findall(r"(?:src|href)=|url\(|@import|<script", text)
    titles = re.findall(r"<svg [^>]*><title>([^<]+)</title>", text)
    assert len(titles) == len(set(titles)) == text.count("<svg") == 24
    for anchor in ("bank", "spending", "products", "customers", "truth"):
        assert f'<section id="{anchor}">' in text
    assert "NaN" not in text
    assert "None" not in text
    for product in CATALOGUE.products:
        assert product.names.en in text


def test_the_same_bank_has_the_same_card(bank: Path, tmp_path: Path) -> None:
    assert main(["--data", str(bank / "raw"), "--out", str(tmp_path / "card.html")]) == 0
    for name in ("card.html", "card.json"):
        assert (tmp_path / name).read_bytes() == (bank / "out" / name).read_bytes()


def test_a_category_that_a_customer_can_read_is_named(bank: Path, found: dict[str, Any]) -> None:
    top = found["categories"][0]["name"]
    origin = found["origin"]
    shown = page(found, origin=origin, catalogue=CATALOGUE, categories={top: "Named <so>"})
    assert "Named &lt;so&gt;" in shown
    assert "250 customers" in shown


def test_without_the_ground_truth_there_is_no_card(
    bank: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "card.html"
    command = ["--data", str(bank / "raw"), "--truth", str(tmp_path), "--out", str(out)]
    assert main(command) == 1
    assert "has no table 'causes'" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.0, "0%"), (1.0, "100%"), (0.025, "2.5%"), (0.07, "7%"), (1e-7, "0.00001%"), (0.2, "20%")],
)
def test_shares_are_shown_without_powers_of_ten(share: float, shown: str) -> None:
    assert percent(share) == shown

"""The embedded writer against the gate: good replies are cached, planted ones never are."""

import json
from typing import Any

import pytest

from lambdas.decision.facts import FactSheet
from local_cloud.emulator.writer import MISBEHAVIOUR, write
from tests.fixtures import serving
from tests.fixtures.reason_orders import Bench, order


def reply(mode: str) -> Any:
    def answer(document: dict[str, Any], _call: int) -> str:
        planted = mode if document["task"] == "write_reason" else ""
        return write(json.dumps(document, ensure_ascii=False), planted)

    return answer


def sheets() -> dict[str, FactSheet]:
    """One sheet for each form a fact can take."""
    found = {}
    for columns in (
        [("txn_count", 1.0), ("night_share", 0.5)],
        [("hold_card", 1.0), ("txn_count", 0.5)],
        [("diversity", 1.0), ("tenure", 0.5)],
        [("spend_total", 1.0)],
    ):
        found["+".join(name for name, _ in columns)] = serving.sheet(columns=columns)
    return found


@pytest.mark.parametrize("name", sorted(sheets()))
def test_good_replies_pass_the_gate(name: str) -> None:
    bench = Bench(reply(""))
    result = bench.worker.work(order(sheets()[name]))
    assert (result.written, result.why) == (2, ())
    assert all("{" not in text for text in bench.guardrail.texts)


@pytest.mark.parametrize("mode", sorted(MISBEHAVIOUR))
@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_planted_reply_is_refused(mode: str, language: str) -> None:
    if (mode, language) == ("wrong_particle", "en"):
        pytest.skip("English has no particles")
    bench = Bench(reply(mode))
    result = bench.worker.work(order(languages=[language]))
    assert bench.cache.kept == {}, f"{mode} reached the cache: {bench.guardrail.texts}"
    assert result.refused == 1
    assert result.why

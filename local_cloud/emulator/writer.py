"""A deterministic writer in place of a language model, which can misbehave on demand.

It answers one JSON document with one JSON document: by task, in Korean or English, figures as
slots only. Planted replies are wrong in one way each, so that every check of the caller can be
seen to hold.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Request = dict[str, Any]

FIRST = {
    "ko": {
        "directed": "고객님의 {{{f}.label}}이/가 {{{f}}}으로/로 {{{f}.direction}} 편이라는 점을 "
        "살펴 {{product}}을/를 안내해 드립니다.",
        "plain": "고객님의 {{{f}.label}}이/가 {{{f}}}인 점을 살펴 {{product}}을/를 "
        "안내해 드립니다.",
        "worded": "고객님의 {{{f}.label}}이/가 {{{f}.direction}} 편이라는 점을 살펴 "
        "{{product}}을/를 안내해 드립니다.",
        "held": "고객님의 기록에서 {{{f}.label}}이/가 확인되어 {{product}}을/를 안내해 드립니다.",
        "not_held": "고객님의 기록에서 {{{f}.label}}이/가 확인되지 않아 {{product}}을/를 "
        "안내해 드립니다.",
    },
    "en": {
        "directed": "We are showing you {{product}} because your {{{f}.label}} is "
        "{{{f}.direction}}, at {{{f}}}.",
        "plain": "We are showing you {{product}} because your {{{f}.label}} is {{{f}}}.",
        "worded": "We are showing you {{product}} because your {{{f}.label}} is {{{f}.direction}}.",
        "held": "We are showing you {{product}} because your records show {{{f}.label}}.",
        "not_held": "We are showing you {{product}} because your records show no {{{f}.label}}.",
    },
}
"""Sentences by language and form of the fact; a fact whose form is not told is plain."""
LATER = {
    "ko": {
        "directed": "{{{f}.label}}이/가 {{{f}}}으로/로 {{{f}.direction}} 편인 점도 "
        "함께 고려했습니다.",
        "plain": "{{{f}.label}} {{{f}}}도 함께 고려했습니다.",
        "worded": "{{{f}.label}}이/가 {{{f}.direction}} 편인 점도 함께 고려했습니다.",
        "held": "{{{f}.label}}이/가 확인되는 점도 함께 고려했습니다.",
        "not_held": "{{{f}.label}}이/가 확인되지 않는 점도 함께 고려했습니다.",
    },
    "en": {
        "directed": "We also took into account that your {{{f}.label}} is {{{f}.direction}}, "
        "at {{{f}}}.",
        "plain": "We also took into account your {{{f}.label}} of {{{f}}}.",
        "worded": "We also took into account that your {{{f}.label}} is {{{f}.direction}}.",
        "held": "We also took into account that your records show {{{f}.label}}.",
        "not_held": "We also took into account that your records show no {{{f}.label}}.",
    },
}


def select_facts(request: Request) -> Request:
    """Choose the first facts that are allowed."""
    return {"facts": [fact["id"] for fact in request["facts"][: request["max_facts"]]]}


def write_reason(request: Request) -> Request:
    """Write one sentence a fact."""
    sentences = []
    for number, fact in enumerate(request["facts"][: request.get("max_sentences", 3)]):
        forms = FIRST if number == 0 else LATER
        usual = "plain" if fact.get("direction", "none") == "none" else "directed"
        form = forms[request["language"]][fact.get("form", usual)]
        sentences.append({"text": form.format(f=fact["id"]), "facts": [fact["id"]]})
    return {"sentences": sentences}


def review_narrative(request: Request) -> Request:
    """Say what needs attention and what could not be measured."""
    forms = {
        "FAIL": "{title} needs attention: measured {{value}}, expected {{bound}}.",
        "UNKNOWN": "{title} could not be measured, so nothing is claimed about it.",
    }
    return {
        "findings": [
            {"check": check["id"], "text": forms[check["status"]].format(title=check["title"])}
            for check in request["checks"]
            if check["status"] in forms
        ]
    }


def review_vote(request: Request) -> Request:
    """Vote by the worst status."""
    for status in ("FAIL", "UNKNOWN"):
        because = [check["id"] for check in request["checks"] if check["status"] == status]
        if because:
            return {"verdict": "attention", "because": because}
    return {"verdict": "healthy", "because": []}


TASKS: dict[str, Callable[[Request], Request]] = {
    "select_facts": select_facts,
    "write_reason": write_reason,
    "review_narrative": review_narrative,
    "review_vote": review_vote,
}


def _added(ko: str, en: str) -> Callable[[Request, Request], Any]:
    def planted(request: Request, reply: Request) -> Any:
        korean = request.get("language") == "ko"
        for sentence in reply.get("sentences", [])[:1]:
            sentence["text"] += f" {ko if korean else en}"
        return reply

    return planted


def _swapped(*pairs: tuple[str, str]) -> Callable[[Request, Request], Any]:
    def planted(_request: Request, reply: Request) -> Any:
        for sentence in reply.get("sentences", [])[:1]:
            for good, bad in pairs:
                sentence["text"] = sentence["text"].replace(good, bad)
        return reply

    return planted


def _unknown_fact(_request: Request, reply: Request) -> Any:
    for sentence in reply.get("sentences", [])[:1]:
        sentence["text"] += " {f99}"
        sentence["facts"].append("f99")
    if "facts" in reply:
        reply["facts"] = ["f99"]
    return reply


def _wrong_direction(request: Request, reply: Request) -> Any:
    opposite = {
        ("ko", "up"): "낮은",
        ("ko", "down"): "높은",
        ("en", "up"): "lower",
        ("en", "down"): "higher",
    }
    for fact, sentence in zip(request.get("facts", []), reply.get("sentences", []), strict=False):
        word = opposite.get((request["language"], fact.get("direction", "none")), "")
        sentence["text"] = sentence["text"].replace(f"{{{fact['id']}.direction}}", word)
    return reply


def _missing_fact(_request: Request, reply: Request) -> Any:
    for key in ("sentences", "facts", "findings", "because"):
        if key in reply:
            reply[key] = reply[key][1:]
    return reply


MISBEHAVIOUR: dict[str, Callable[[Request, Request], Any]] = {
    "made_up_number": _added("수익률은 연 7.5%입니다.", "It brings a 7.5% return."),
    "banned_promise": _added("원금을 보장합니다.", "Returns are guaranteed."),
    "protected": _added("여성이시라서 권해 드립니다.", "This is because you are a woman."),
    "other_product": _added("골드 슈퍼 예금이 더 낫습니다.", "Gold Super Deposit is better."),
    "plain_style": _swapped(("안내해 드립니다.", "추천한다."), ("We are showing you", "Take")),
    "wrong_particle": _swapped(("{product}을/를", "{product}을를"), ("이/가", "는")),
    "unknown_fact": _unknown_fact,
    "wrong_direction": _wrong_direction,
    "missing_fact": _missing_fact,
    "empty": lambda _request, _reply: {"sentences": []},
    "not_json": lambda _request, _reply: "Sure! Here is what you asked for:",
    "fenced": lambda _request, reply: f"```json\n{json.dumps(reply, ensure_ascii=False)}\n```",
}
"""Planted reply -> how it is made of the good one; a text is sent as it stands."""
FAULTS = ("throttle", "unavailable", "slow")
"""Planted behaviours of the service itself."""


def write(text: str, mode: str = "") -> str:
    """Return the reply to one request document.

    Args:
        text: the last user message.
        mode: a key of MISBEHAVIOUR, or empty for the good reply.
    """
    try:
        request = json.loads(text)
        reply: Any = TASKS[request["task"]](request)
    except (ValueError, KeyError, TypeError):
        return "{}"
    if mode:
        reply = MISBEHAVIOUR[mode](request, reply)
    return reply if isinstance(reply, str) else json.dumps(reply, ensure_ascii=False)


@dataclass
class Behaviour:
    """How the next replies will be; safe to change while requests are answered.

    Attributes:
        planted: modes still to come, first first.
    """

    planted: list[str] = field(default_factory=list)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def plant(self, mode: str, *, times: int = 1) -> None:
        """Add a misbehaviour; mode `good` takes all away. Raises LookupError for an unknown one."""
        with self._guard:
            if mode == "good":
                self.planted.clear()
            elif mode in MISBEHAVIOUR or mode in FAULTS:
                self.planted.extend([mode] * times)
            else:
                known = ", ".join(["good", *FAULTS, *MISBEHAVIOUR])
                raise LookupError(f"unknown mode '{mode}' (allowed: {known})")

    def next(self) -> str:
        """Take the next planted mode, empty when there is none."""
        with self._guard:
            return self.planted.pop(0) if self.planted else ""

"""Guardrails that hold offline: denied topics, and denied words inside Korean words.

The emulator knows custom words (as whole words) and patterns. AWS judges topics by a model; here
a topic is met when the text contains its name or one of its examples, which is deterministic and
errs on the strict side for our own planted texts. Korean joins particles to words, so a Korean
word is looked for inside words as well.
"""

import re
from typing import Any

from local_cloud.emulator.internals import part

HANGUL = re.compile("[\uac00-\ud7a3]")


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().casefold()


def topics_met(record: dict[str, Any], text: str) -> list[str]:
    """Return the names of denied topics of a guardrail that `text` meets, in their order."""
    given = _plain(text)
    found = []
    for topic in (record.get("TopicPolicy") or {}).get("topicsConfig") or []:
        phrases = [topic["name"], *(topic.get("examples") or [])]
        if any(_plain(phrase) in given for phrase in phrases if _plain(phrase)):
            found.append(str(topic["name"]))
    return found


def korean_words_met(record: dict[str, Any], text: str) -> list[str]:
    """Return denied words in Hangul that stand anywhere in `text`."""
    words = (record.get("WordPolicy") or {}).get("wordsConfig") or []
    return [
        word["text"]
        for word in words
        if HANGUL.search(word.get("text") or "") and _plain(word["text"]) in _plain(text)
    ]


def install() -> None:
    """Add topics and Korean words to what the emulator's guardrails find."""
    runtime = part("services.bedrock_runtime")
    before = runtime._evaluate_guardrail

    def evaluate_guardrail(record: dict[str, Any], source: str, text: str) -> dict[str, Any]:
        result: dict[str, Any] = before(record, source, text)
        assessment = result["assessment"]
        known = {row["match"] for row in assessment.get("wordPolicy", {}).get("customWords", [])}
        words = [word for word in korean_words_met(record, text) if word not in known]
        if words:
            assessment.setdefault("wordPolicy", {}).setdefault("customWords", []).extend(
                {"match": word, "action": "BLOCKED", "detected": True} for word in words
            )
        topics = topics_met(record, text)
        if topics:
            assessment["topicPolicy"] = {
                "topics": [
                    {"name": name, "type": "DENY", "action": "BLOCKED", "detected": True}
                    for name in topics
                ]
            }
        result["blocked"] = bool(result["blocked"] or words or topics)
        return result

    runtime._evaluate_guardrail = evaluate_guardrail

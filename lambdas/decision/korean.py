"""Korean particles: which form follows a word depends on the sound the word ends in.

The last character that is spoken decides: a Hangul syllable by its final consonant, a digit by
its Sino-Korean reading (10 ends in 십, 3 in 삼), a Latin letter by its Korean letter name.
"""

import re
from enum import Enum

HANGUL_FIRST, HANGUL_LAST = 0xAC00, 0xD7A3
FINALS = 28
FINAL_RIEUL = 8
DIGIT_CLOSED = "013678"
"""영 일 삼 육 칠 팔 end in a consonant; 이 사 오 구 do not."""
DIGIT_RIEUL = "178"
LATIN_CLOSED = "lmnr"
LATIN_RIEUL = "lr"
SILENT = "\"'”’)]}>»」』 "
SYMBOLS_OPEN = "%"
"""퍼센트 ends in a vowel."""

PAIRS = {
    "은/는": ("은", "는"),
    "이/가": ("이", "가"),
    "을/를": ("을", "를"),
    "과/와": ("과", "와"),
}
TOWARDS = "으로/로"
PAIRED = re.compile(r"(은/는|이/가|을/를|과/와|으로/로)")
SINGLE = re.compile(r"(으로|은|는|이|가|을|를|과|와|로)(?=[\s.,]|$)")


class Ending(Enum):
    """How a word sounds at its end."""

    OPEN = "vowel"
    CLOSED = "consonant"
    RIEUL = "consonant rieul"
    UNKNOWN = "not known"


def ending(word: str) -> Ending:
    """Return how `word` ends when read aloud in Korean; closing quotes and brackets are silent."""
    spoken = word.rstrip(SILENT)
    if not spoken:
        return Ending.UNKNOWN
    last = spoken[-1].lower()
    code = ord(last)
    if HANGUL_FIRST <= code <= HANGUL_LAST:
        final = (code - HANGUL_FIRST) % FINALS
        if final == 0:
            return Ending.OPEN
        return Ending.RIEUL if final == FINAL_RIEUL else Ending.CLOSED
    if last in "0123456789":
        if last not in DIGIT_CLOSED:
            return Ending.OPEN
        return Ending.RIEUL if last in DIGIT_RIEUL else Ending.CLOSED
    if last in SYMBOLS_OPEN:
        return Ending.OPEN
    if "a" <= last <= "z":
        if last not in LATIN_CLOSED:
            return Ending.OPEN
        return Ending.RIEUL if last in LATIN_RIEUL else Ending.CLOSED
    return Ending.UNKNOWN


def choose(pair: str, word: str) -> str:
    """Return the form of a paired particle (such as `은/는`) that follows `word`.

    A word whose ending is not known keeps the written pair as `은(는)`, which is correct prose.
    """
    how = ending(word)
    if pair == TOWARDS:
        if how is Ending.UNKNOWN:
            return "(으)로"
        return "으로" if how is Ending.CLOSED else "로"
    closed, opened = PAIRS[pair]
    if how is Ending.UNKNOWN:
        return f"{closed}({opened})"
    return opened if how is Ending.OPEN else closed


def agrees(particle: str, word: str) -> bool:
    """Tell whether a single particle written after `word` is the right form."""
    how = ending(word)
    if how is Ending.UNKNOWN:
        return True
    if particle in ("으로", "로"):
        return (particle == "으로") == (how is Ending.CLOSED)
    for closed, opened in PAIRS.values():
        if particle in (closed, opened):
            return (particle == opened) == (how is Ending.OPEN)
    return True

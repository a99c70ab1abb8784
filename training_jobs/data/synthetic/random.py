"""Counter-based random numbers: a value depends on (seed, stream, customer, month, index) alone.

Philox4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), written
over arrays, so that any division of the customers into shards draws the same numbers.
"""

from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
ArrayLike = Any
"""An int or an integer array; all arguments of one draw broadcast together."""

_ROUNDS = 10
_MULTIPLY = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


class Stream(IntEnum):
    """What a number is for; each purpose has its own stream."""

    PERSONA = 1
    TRAITS = 2
    DEMOGRAPHICS = 3
    JOIN = 4
    HABITS = 5
    ENGAGEMENT = 6
    LIFECYCLE = 7
    VALUE = 8
    CONSUMPTION = 9
    ATTRIBUTES = 10
    SHOCK = 11
    SPELL = 12
    SPELL_LENGTH = 13
    ACQUIRE = 14
    CLOSE = 15
    INITIAL = 16
    COUNT = 17
    EVENT = 18
    EVENT_TIME = 19
    EVENT_AMOUNT = 20
    EVENT_PLACE = 21
    OUTING = 22
    OUTING_EVENT = 23
    CREDIT = 24
    WAVE = 25


def philox(counter: tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike], seed: int) -> list[Any]:
    """Return four uint64 arrays of 32-bit words for four 32-bit counter words and a 64-bit seed."""
    words = np.broadcast_arrays(*(np.asarray(word).astype(np.uint64) for word in counter))
    # Copies, since the rounds work in place: their time is that of passing over memory.
    zero, one, two, three = (np.atleast_1d(word).copy() for word in words)
    first, second = np.empty_like(zero), np.empty_like(zero)
    key = [seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF]
    for _ in range(_ROUNDS):
        np.multiply(zero, _MULTIPLY[0], out=first)
        np.multiply(two, _MULTIPLY[1], out=second)
        np.right_shift(second, _HALF, out=zero)
        np.bitwise_xor(zero, one, out=zero)
        np.bitwise_xor(zero, np.uint64(key[0]), out=zero)
        np.bitwise_and(second, _LOW, out=one)
        np.right_shift(first, _HALF, out=two)
        np.bitwise_xor(two, three, out=two)
        np.bitwise_xor(two, np.uint64(key[1]), out=two)
        np.bitwise_and(first, _LOW, out=three)
        key = [(key[0] + _WEYL[0]) & 0xFFFFFFFF, (key[1] + _WEYL[1]) & 0xFFFFFFFF]
    return [word.reshape(words[0].shape) for word in (zero, one, two, three)]


def _unit(word: Any) -> Floats:
    """Return a 32-bit word as a uniform in (0, 1)."""
    uniform: Floats = (word.astype(np.float64) + 0.5) / 2.0**32
    return uniform


class Draws:
    """Random numbers of one bank."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def four(
        self, stream: Stream, who: ArrayLike, *, month: int = 0, index: ArrayLike = 0
    ) -> list[Floats]:
        """Return four arrays of uniforms in (0, 1), shaped as `who` and `index` broadcast.

        Args:
            stream: the purpose.
            who: customer (or community) numbers below 2**32.
            month: month number, burn-in included, from 0.
            index: number of the draw or of the event within the month.
        """
        return [_unit(word) for word in self._words(stream, who, month, index)]

    def _words(self, stream: Stream, who: ArrayLike, month: int, index: ArrayLike) -> list[Any]:
        return philox((who, index, month, int(stream)), self.seed)

    def uniform(
        self, stream: Stream, who: ArrayLike, *, month: int = 0, index: ArrayLike = 0
    ) -> Floats:
        """Return uniforms in (0, 1): the first of the four."""
        return _unit(self._words(stream, who, month, index)[0])

    def normal(
        self, stream: Stream, who: ArrayLike, *, month: int = 0, index: ArrayLike = 0
    ) -> Floats:
        """Return standard normals (Box-Muller)."""
        first, second = (_unit(word) for word in self._words(stream, who, month, index)[:2])
        return np.sqrt(-2.0 * np.log(first)) * np.cos(2.0 * np.pi * second)

    def poisson(self, stream: Stream, who: ArrayLike, mean: Floats, *, month: int) -> Ints:
        """Return Poisson counts by inversion; `mean` is shaped as `who` and stays below 200."""
        uniform = self.uniform(stream, who, month=month)
        count = np.zeros(uniform.shape, np.int64)
        term = np.exp(-mean)
        total = term.copy()
        step = 0
        while (open_ := uniform > total).any() and step < 400:
            step += 1
            count[open_] += 1
            term = term * mean / step
            total = total + term
        return count


def pick(cumulative: Floats, uniform: Floats) -> Ints:
    """Return class indices drawn from one distribution, given as cumulative shares."""
    last = len(cumulative) - 1
    hit = np.searchsorted(cumulative, uniform * cumulative[-1])
    chosen: Ints = np.minimum(hit, last).astype(np.int64)
    return chosen


def pick_rows(weights: Floats, uniform: Floats) -> Ints:
    """Return one class index a row; `weights` is (rows, classes), not all zero in a row."""
    cumulative = np.cumsum(weights, axis=1)
    hit: Ints = (cumulative < (uniform * cumulative[:, -1])[:, None]).sum(axis=1)
    chosen: Ints = np.minimum(hit, weights.shape[1] - 1).astype(np.int64)
    return chosen

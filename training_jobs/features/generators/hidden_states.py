"""Group 7: in which hidden state the customer's own months are, after which path.

Per mode a Gaussian hidden Markov model of the population, fitted once, is run over the customer's
observed months of the look-back. At `as_of`, the last month, filtering and smoothing agree.
"""

import numpy as np
from numpy.typing import NDArray

from configs.settings.generators.latent import HiddenMarkovParameters, Mode
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Column, Fitted, FloatArray, Generator
from training_jobs.features.latent.arrays import CHUNK, Array, add_up, by_id, chunks
from training_jobs.features.latent.baum_welch import fit_chain
from training_jobs.features.latent.markov import Chain, Sequences, moves, sequences, smooth
from training_jobs.features.latent.monthly import COUNTS, MONEY, Months, monthly
from training_jobs.features.latent.scaling import Scale, fit_scale, read_scale
from training_jobs.features.registry import GENERATORS

CHAIN = ("start", "transitions", "means", "variances")
MISSING = 0


@GENERATORS.register("hidden_markov")
class HiddenMarkov(Generator[HiddenMarkovParameters]):
    """Posterior of each state at `as_of`, the likeliest one, months in it, entropy of the path.

    The state of a month is the one of the largest smoothed posterior; `dwell` counts the latest
    months in a row of the present one. The entropy, in nats, is that of the customer's next state
    given the present one, under the customer's own expected moves: 0 for who always moves alike.
    A customer without an observed month has state 0 and otherwise missing values.
    """

    def fit(self, view: CutView) -> Fitted:
        """Learn scale and model of every mode whose series vary."""
        months = self.months(view)
        values: dict[str, object] = {}
        arrays: dict[str, NDArray[np.float64]] = {}
        for mode in self.parameters.modes:
            scale = self._scale(months, mode)
            saved = scale.saved(_scale_prefix(mode))
            values |= saved.values
            arrays |= saved.arrays
            if len(scale.names) < mode.least_series:
                continue
            chain = fit_chain(
                _sequences(months, scale).take(self.fit_lanes(view, months)),
                mode.states,
                self.parameters.estimation,
            )
            arrays |= {f"{mode.name}_{name}": getattr(chain, name) for name in CHAIN}
        return Fitted(values, arrays)

    def columns(self, fitted: Fitted) -> tuple[Column, ...]:
        """Declare states + 3 columns a mode."""
        del fitted
        return tuple(column for mode in self.parameters.modes for column in _columns(mode))

    def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
        """Return shape (view.rows, columns)."""
        months = self.months(view)
        blocks = [self._block(months, mode, fitted) for mode in self.parameters.modes]
        return np.concatenate(blocks, axis=0).T.astype(np.float32)

    def months(self, view: CutView) -> Months:
        """Read the monthly series of a view."""
        return monthly(
            view,
            self.bank,
            remote_channels=self.parameters.remote_channels,
            share_payments=self.parameters.share_payments,
        )

    def _scale(self, months: Months, mode: Mode) -> Scale:
        observed = {
            str(name): np.where(months.observed, months.series[name], np.nan)
            for name in mode.series
        }
        return fit_scale(observed, money=MONEY, counts=COUNTS, limit=self.parameters.limit)

    def fit_lanes(self, view: CutView, months: Months) -> NDArray[np.int64]:
        """Return the places of the customers EM looks at: observed ones, evenly spaced by id."""
        ordered = by_id(view.customers)
        ordered = ordered[np.asarray(months.observed.any(axis=0))[ordered]]
        return ordered[:: max(1, -(-len(ordered) // self.parameters.fit_customers))]

    def _block(self, months: Months, mode: Mode, fitted: Fitted) -> Array:
        """Return the columns of a mode, (states + 3, n)."""
        count = months.observed.shape[1]
        block = np.full((mode.states + 3, count), np.nan)
        block[mode.states] = MISSING
        if f"{mode.name}_start" not in fitted.arrays:
            return block
        scale = read_scale(fitted, _scale_prefix(mode), limit=self.parameters.limit)
        chain = Chain(*(fitted.arrays[f"{mode.name}_{name}"] for name in CHAIN))
        for lanes in chunks(count, CHUNK):
            given = _sequences(months, scale, lanes)
            known = given.first < len(months.observed)
            block[:, lanes][:, known] = describe(chain, given)[:, known]
        return block


def _scale_prefix(mode: Mode) -> str:
    return f"{mode.name}_scale_"


def _columns(mode: Mode) -> tuple[Column, ...]:
    posteriors = (Column(f"{mode.name}_posterior_{state}") for state in range(1, mode.states + 1))
    return (
        *posteriors,
        Column(f"{mode.name}_state", kind="categorical", cardinality=mode.states + 1),
        Column(f"{mode.name}_dwell_months"),
        Column(f"{mode.name}_transition_entropy"),
    )


def _sequences(months: Months, scale: Scale, lanes: slice = slice(None)) -> Sequences:
    scaled = [
        scale.apply(place, months.series[name][:, lanes])  # type: ignore[index]
        for place, name in enumerate(scale.names)
    ]
    return sequences(np.stack(scaled, axis=1), months.observed[:, lanes])


def describe(chain: Chain, given: Sequences) -> Array:
    """Return posteriors, state 1.., dwell and transition entropy, (states + 3, n)."""
    passed = smooth(chain, given)
    path = passed.smoothed.argmax(axis=1)
    dwell = np.zeros(path.shape[1])
    unbroken = np.ones(path.shape[1], np.bool_)
    for month in range(len(path) - 1, -1, -1):
        unbroken &= (path[month] == path[-1]) & (month >= given.first)
        dwell += unbroken
    entropy = transition_entropy(moves(chain, given, passed))
    return np.concatenate([passed.smoothed[-1], [path[-1] + 1.0, dwell, entropy]])


def transition_entropy(counts: Array) -> Array:
    """Return the entropy in nats of the next state given the present one, (n).

    Args:
        counts: (k, k, n) moves from the first axis to the second. NaN where there are none.
    """
    left = np.stack([add_up(row) for row in counts])
    total = add_up(left)
    surprise = _xlogx(left) - add_up(np.moveaxis(_xlogx(counts), 1, 0))
    safe = np.where(total > 0, total, 1.0)
    return np.where(total > 0, np.maximum(add_up(surprise), 0.0) / safe, np.nan)


def _xlogx(values: Array) -> Array:
    return values * np.log(np.where(values > 0, values, 1.0))

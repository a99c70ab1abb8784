"""Embedding of the event sequence by a pre-trained selective state-space encoder."""

from typing import Any

import numpy as np
import torch

from configs.settings.generators.mamba import MambaParameters
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Column, Fitted, FloatArray, Generator
from training_jobs.features.registry import GENERATORS
from training_jobs.features.vocabulary import common
from training_jobs.sequence.encoder import EventEncoder, load_encoder, weight_arrays
from training_jobs.sequence.machine import Machine, one_thread
from training_jobs.sequence.pretrain import Pretrainer, split_by_hash
from training_jobs.sequence.windows import Scale, WindowReader, Windows, fit_scale, newest, tiled

NOTHING_TO_LEARN = "fewer than two customers have two events or more"


@GENERATORS.register("mamba_temporal")
class MambaTemporal(Generator[MambaParameters]):
    """Mean state of the encoder over the customer's newest events.

    The encoder (Mamba-2; Dao and Gu 2024) learns to predict the next event of the fit sample's
    customers: its category, size and time. Then it is frozen. Without events the state is missing.
    """

    def fit(self, view: CutView) -> Fitted:
        """Pre-train on the events of the fit sample; weights are arrays, figures are values."""
        return self.learn(view, Machine())

    def learn(self, view: CutView, machine: Machine) -> Fitted:
        """Do the same on a machine of one's choice, such as a GPU with checkpoints."""
        vocabulary = common(
            view,
            "SELECT row, category AS value FROM transactions",
            most=self.parameters.categories,
            least_customers=self.parameters.min_customers,
        )
        history = view.events
        values: dict[str, Any] = {"categories": vocabulary}
        windows = tiled(history, self.parameters.length)
        rows = np.unique(windows.row)
        if len(rows) < 2:
            return Fitted(values | {"untrained": NOTHING_TO_LEARN})
        scale = fit_scale(history)
        plan = self.parameters.pretraining
        learnt, held = split_by_hash(
            [view.customers[row] for row in rows], share=plan.holdout_share, seed=plan.seed
        )
        reader = WindowReader(history, vocabulary, length=self.parameters.length, scale=scale)
        with one_thread(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(plan.seed)
            encoder = EventEncoder(
                self.parameters.encoder, categories=len(vocabulary) + 1, scan=machine.scan
            ).to(machine.device)
            account = Pretrainer(
                encoder,
                plan,
                reader,
                learnt=_of(windows, rows[learnt]),
                held=_of(windows, rows[held]).at(slice(plan.holdout_windows)),
                machine=machine,
            ).run()
        values |= {"scale": {"size": scale.size, "gap": scale.gap}, "pretraining": account}
        return Fitted(values, weight_arrays(encoder))

    def columns(self, fitted: Fitted) -> tuple[Column, ...]:
        """Declare one column a dimension of the state."""
        del fitted
        width = self.parameters.encoder.width
        return tuple(Column(f"event_state_{place}") for place in range(1, width + 1))

    def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
        """Return the mean state, NaN without events."""
        return self.embed(view, fitted, Machine())

    def embed(self, view: CutView, fitted: Fitted, machine: Machine) -> FloatArray:
        """Do the same on a machine of one's choice."""
        states = np.full((view.rows, self.parameters.encoder.width), np.nan, np.float32)
        windows = newest(view.events)
        if "untrained" in fitted.values or not len(windows):
            return states
        vocabulary = list(fitted.values["categories"])
        scale = fitted.values["scale"]
        reader = WindowReader(
            view.events,
            vocabulary,
            length=self.parameters.length,
            scale=Scale(tuple(scale["size"]), tuple(scale["gap"])),
        )
        encoder = load_encoder(
            self.parameters.encoder,
            fitted.arrays,
            categories=len(vocabulary) + 1,
            scan=machine.scan,
        ).to(machine.device)
        # Every pass has the same size, the last one filled up with a repeated window, so that no
        # kernel can choose another way of rounding by the number of customers.
        size = self.parameters.pass_windows
        filled = np.minimum(np.arange(-(-len(windows) // size) * size), len(windows) - 1)
        with one_thread(), torch.no_grad():
            for start in range(0, len(filled), size):
                places = filled[start : start + size]
                made = encoder.embed(reader.read(windows.at(places)).to(machine.device))
                states[windows.row[places]] = made.cpu().numpy()
        return states


def _of(windows: Windows, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Windows:
    """Return the windows of some customers, in the order of `rows`, newest first."""
    places = np.argsort(windows.row, kind="stable")
    first = np.searchsorted(windows.row[places], rows)
    counts = np.searchsorted(windows.row[places], rows, side="right") - first
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return windows.at(places[np.repeat(first, counts) + within])

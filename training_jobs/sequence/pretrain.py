"""Pre-training on next-event prediction: seeded, resumable to the byte, then frozen."""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from configs.settings.generators.mamba import Pretraining
from training_jobs.features.errors import FeatureError
from training_jobs.sequence.encoder import EventEncoder
from training_jobs.sequence.machine import Machine
from training_jobs.sequence.objective import Measured, marginal_loss, measure, next_loss, shuffled
from training_jobs.sequence.windows import Batch, WindowReader, Windows
from training_jobs.training.schedule import rate_at
from training_jobs.training.state import named_optimizer_state, restore_optimizer

EPOCH_SEEDS = 1_000_000
"""Epochs that a seed may have before its data orders meet those of the next."""
DIGITS = 6
MODEL, OPTIMIZER, BEST = "model.", "optimizer.", "best."


@dataclass
class Progress:
    """Where a pre-training stands.

    Attributes:
        step: steps done.
        loss: sum of next-category losses since the last measurement.
        events: predicted events since then.
        best: best held-out objective so far, None before the first.
        best_step: its step.
        stale: measurements since.
        finished: nothing is left to do.
        curve: one object a measurement.
    """

    step: int = 0
    loss: float = 0.0
    events: int = 0
    best: float | None = None
    best_step: int = 0
    stale: int = 0
    finished: bool = False
    curve: list[dict[str, float]] = field(default_factory=list)


def split_by_hash(
    customers: list[str], *, share: float, seed: int
) -> tuple[np.ndarray[Any, np.dtype[np.int64]], np.ndarray[Any, np.dtype[np.int64]]]:
    """Return places of the customers to learn from, in order of their ids, and of the held-out.

    The held-out come in the order of their hashes, so that the first few are any few.
    """

    def key(place: int) -> tuple[bytes, str]:
        text = f"{seed}:{customers[place]}".encode()
        return hashlib.md5(text, usedforsecurity=False).digest(), customers[place]

    hashed = sorted(range(len(customers)), key=key)
    held = math.ceil(share * len(customers))
    learnt = sorted(hashed[held:], key=lambda place: customers[place])
    return np.array(learnt, np.int64), np.array(hashed[:held], np.int64)


class Pretrainer:
    """Trains one encoder; every method but `run` is a part of it."""

    def __init__(
        self,
        encoder: EventEncoder,
        plan: Pretraining,
        reader: WindowReader,
        *,
        learnt: Windows,
        held: Windows,
        machine: Machine,
    ) -> None:
        """Keep what a pre-training needs.

        Args:
            encoder: the encoder, weights drawn, on the machine's device.
            plan: the settings.
            reader: reads the windows.
            learnt: windows to learn from, at least one, in an order that does not vary.
            held: windows of other customers, at least one.
            machine: what it runs on.
        """
        self.encoder, self.plan, self.reader = encoder, plan, reader
        self.learnt, self.held, self.machine = learnt, held, machine
        self.epoch_steps = math.ceil(len(learnt) / plan.batch)
        self.total = min(self.epoch_steps * plan.epochs, plan.max_steps)
        matrices = [p for p in encoder.parameters() if p.dim() > 1]
        vectors = [p for p in encoder.parameters() if p.dim() <= 1]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": matrices, "weight_decay": plan.weight_decay},
                {"params": vectors, "weight_decay": 0.0},
            ],
            lr=plan.learning_rate,
            fused=True,
        )
        self.progress = Progress()
        self.best: dict[str, Tensor] = {}

    def held_batches(self) -> Iterator[Batch]:
        """Yield the held-out windows."""
        for batch in self.reader.batches(self.held, self.plan.batch):
            yield batch.to(self.machine.device)

    def objective(self, category: Any, size: Any, gap: Any) -> Any:
        """Return the weighted sum of the three losses."""
        return category + self.plan.size_weight * size + self.plan.gap_weight * gap

    def step(self) -> None:
        """Take one step on the next batch; the data order is a function of seed and epoch.

        Raises:
            FeatureError: the loss is not finite.
        """
        state, plan = self.progress, self.plan
        epoch, within = divmod(state.step, self.epoch_steps)
        draw = np.random.default_rng(plan.seed * EPOCH_SEEDS + epoch)
        order = draw.permutation(len(self.learnt))[within * plan.batch : (within + 1) * plan.batch]
        rate = rate_at(
            state.step,
            total=self.total,
            peak=plan.learning_rate,
            warmup_share=plan.warmup_share,
            final_share=plan.final_share,
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.encoder.train()
        self.optimizer.zero_grad(set_to_none=True)
        found = next_loss(
            self.encoder, self.reader.read(self.learnt.at(order)).to(self.machine.device)
        )
        loss = self.objective(found.category, found.size, found.gap) / found.events
        if not bool(torch.isfinite(loss)):
            raise FeatureError(
                f"pre-training: the loss is not finite at step {state.step}",
                remedy="lower pretraining.learning_rate of mamba_temporal",
            )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.encoder.parameters(), plan.clip_norm)
        self.optimizer.step()
        state.step += 1
        state.loss += float(found.category.detach())
        state.events += found.events

    def judge(self) -> None:
        """Measure the held-out windows, remember the best weights, decide whether to go on."""
        state = self.progress
        self.encoder.eval()
        found = measure(self.encoder, self.held_batches())
        value = float(self.objective(found.category, found.size, found.gap))
        train = state.loss / state.events
        state.curve.append({"step": state.step, "train": train, "held_out": found.category})
        state.loss, state.events = 0.0, 0
        if state.best is None or value < state.best:
            state.best, state.best_step, state.stale = value, state.step, 0
            self.best = {k: v.detach().clone() for k, v in self.encoder.state_dict().items()}
        else:
            state.stale += 1
        state.finished = state.step == self.total or state.stale >= self.plan.patience
        self.machine.report(state.step, self.total, f"held-out log-loss {found.category:.4f}")

    def save(self) -> None:
        """Write a checkpoint of this very moment."""
        state = named_optimizer_state(self.encoder, self.optimizer)
        tensors = {MODEL + name: value for name, value in self.encoder.state_dict().items()}
        tensors |= {OPTIMIZER + name: value for name, value in state.items()}
        tensors |= {BEST + name: value for name, value in self.best.items()}
        self.machine.store.save(self.progress.step, tensors, {"progress": asdict(self.progress)})

    def resume(self) -> None:
        """Go back to the newest checkpoint, if there is one."""
        found = self.machine.store.newest()
        if found is None:
            return

        def below(prefix: str) -> dict[str, Tensor]:
            return {
                name.removeprefix(prefix): value
                for name, value in found.tensors.items()
                if name.startswith(prefix)
            }

        self.encoder.load_state_dict(below(MODEL))
        restore_optimizer(self.encoder, self.optimizer, below(OPTIMIZER))
        self.best = {name: value.to(self.machine.device) for name, value in below(BEST).items()}
        self.progress = Progress(**found.state["progress"])

    def run(self) -> dict[str, Any]:
        """Train to the end, from the newest checkpoint if there is one; leave the best weights.

        Returns:
            What the pre-training came to, as JSON: sizes, loss curve, held-out figures.
        """
        self.resume()
        while not self.progress.finished:
            self.step()
            step = self.progress.step
            if step % self.plan.evaluate_steps == 0 or step == self.total:
                self.judge()
            every = self.machine.checkpoint_steps
            if every and step % every == 0:
                self.save()
        self.encoder.load_state_dict(self.best)
        self.encoder.eval()
        return self.account()

    def account(self) -> dict[str, Any]:
        """Return the figures of the finished pre-training."""
        found = measure(self.encoder, self.held_batches())
        mixed = measure(self.encoder, shuffled(self.held_batches(), self.plan.seed))
        mine = np.isin(self.reader.history.row, self.learnt.row)
        codes = self.encoder.category.num_embeddings
        counts = np.bincount(self.reader.category[mine], minlength=codes)
        return {
            "windows": {"learnt": len(self.learnt), "held_out": len(self.held)},
            "steps": self.progress.step,
            "best_step": self.progress.best_step,
            "curve": [
                {name: round(value, DIGITS) for name, value in row.items()}
                for row in self.progress.curve
            ],
            "held_out": _rounded(found),
            "held_out_shuffled": _rounded(mixed),
            "held_out_marginal": round(marginal_loss(counts, self.held_batches()), DIGITS),
        }


def _rounded(found: Measured) -> dict[str, float]:
    return {name: round(value, DIGITS) for name, value in asdict(found).items()}

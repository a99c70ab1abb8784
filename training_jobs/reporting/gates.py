"""The gates of the run: the same rule by which the pipeline went on."""

import math
from dataclasses import dataclass

from configs.contracts.artefacts import CHECKS_NAME
from configs.contracts.stages import STAGES, Stage
from training_jobs.reporting.documents import Document, Inputs, NotAvailable


@dataclass(frozen=True)
class Gate:
    """One gate.

    Attributes:
        name: stage, with the group where it has one.
        required: checks that block whatever they say of themselves.
        checks: rows of `checks.json`; None where they cannot be read.
        missing: why they cannot be read.
    """

    name: str
    required: tuple[str, ...]
    checks: tuple[Document, ...] | None
    missing: str = ""

    def blocks(self, check: Document) -> bool:
        """Tell whether the run stops where a check does not hold."""
        return check["blocking"] is not False or check["name"] in self.required

    @property
    def failed(self) -> list[Document]:
        """Blocking checks that did not hold."""
        return [row for row in self.checks or () if self.blocks(row) and not held(row)]

    @property
    def advisory(self) -> list[Document]:
        """Other checks that did not hold."""
        return [row for row in self.checks or () if not self.blocks(row) and not held(row)]

    @property
    def passed(self) -> bool | None:
        """Whether the gate passed, None where that cannot be told."""
        return None if not self.checks else not self.failed


def held(check: Document) -> bool:
    """Tell whether a check was measured and passed."""
    value = check.get("value")
    measured = isinstance(value, int | float) and not isinstance(value, bool)
    return check["passed"] is True and measured and math.isfinite(value)


def _gate(inputs: Inputs, stage: Stage, group: str | None) -> Gate:
    name = f"{stage} ({group})" if group else f"{stage}"
    required = STAGES[stage].checks
    try:
        rows = tuple(inputs.document(stage, CHECKS_NAME, group)["checks"])
    except NotAvailable as why:
        return Gate(name, required, None, str(why))
    present = {row["name"] for row in rows}
    absent = [check for check in required if check not in present]
    if absent:
        return Gate(name, required, None, f"{CHECKS_NAME} lacks {', '.join(absent)}")
    return Gate(name, required, rows)


def read_gates(inputs: Inputs) -> list[Gate]:
    """Return every gate in the order of the pipeline."""
    gates = []
    for stage, contract in STAGES.items():
        if not contract.gated:
            continue
        try:
            groups = inputs.groups(stage)
        except NotAvailable as why:
            gates.append(Gate(str(stage), contract.checks, None, str(why)))
            continue
        gates += [_gate(inputs, stage, group) for group in groups]
    return gates

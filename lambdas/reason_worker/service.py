"""One order from the queue to the cache."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from lambdas.decision.facts import FactSheet
from lambdas.decision.language import Language
from lambdas.decision.model import BadPackage, ServingModel
from lambdas.decision.policy import AgentsPolicy, DecisionPolicy
from lambdas.decision.reasons import cache_key, rules_for
from lambdas.reason_worker.agents import Asks, Judges, Refusal, gate, select_facts, write_reason
from lambdas.reason_worker.order import BadOrder, Order
from lambdas.stores.bounded import StoreUnavailable
from lambdas.stores.control_items import OFF, ControlState


class Control(Protocol):
    """Model pointer and kill switch."""

    def read(self, *, fresh: bool = False) -> ControlState:
        """Return the present state. Raises StoreUnavailable."""
        ...


class Models(Protocol):
    """Published model packages."""

    def load(self, version: str, prefix: str) -> ServingModel:
        """Return a model. Raises StoreUnavailable or BadPackage."""
        ...


class Cache(Protocol):
    """Verified drafts."""

    def get(self, key: str) -> Any:
        """Return the draft, None when absent. Raises StoreUnavailable."""
        ...

    def put(self, key: str, *, draft: Any, seconds: int, origin: dict[str, str]) -> None:
        """Keep a draft. Raises StoreUnavailable."""
        ...


@dataclass(frozen=True)
class Ports:
    """What the worker needs of the outside world."""

    control: Control
    models: Models
    cache: Cache
    model: Asks
    guardrail: Judges
    prompts: Callable[[str, str], str]
    decision: DecisionPolicy
    agents: AgentsPolicy
    languages: Mapping[str, Language]
    clock: Callable[[], float] = time.monotonic


@dataclass
class Result:
    """What became of one order's texts."""

    written: int = 0
    present: int = 0
    refused: int = 0
    skipped: str = ""
    why: tuple[str, ...] = ()


class ReasonWorker:
    """Rewrites reasons with the given ports."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def work(self, order: Order) -> Result:
        """Write the order's texts; a refused one leaves the template in place.

        An order is dropped while models are switched off and when another model serves by now.

        Raises:
            StoreUnavailable: something did not answer; the order is to be tried again.
            BadOrder: it can never be done.
        """
        ports = self._ports
        control = ports.control.read()
        if control.kill_switch != OFF:
            return Result(skipped="kill_switch")
        if control.model_version != order.model_version or control.prefix is None:
            return Result(skipped="another_model_serves")
        if order.prompt_version != ports.agents["reasons"]["prompt_version"]:
            return Result(skipped="another_prompt_version")
        try:
            model = ports.models.load(order.model_version, control.prefix)
        except BadPackage as error:
            raise StoreUnavailable(
                "the model package cannot be read", remedy="publish it again"
            ) from error
        if order.sheet.product not in {row.id for row in model.products}:
            raise BadOrder("the product is not in the catalogue")
        result = Result()
        deadline = ports.clock() + ports.agents["reasons"]["seconds_per_item"]
        for name in order.languages:
            language = ports.languages.get(name)
            if language is None:
                raise BadOrder(f"language '{name}' is not known")
            self._write(order, language, model=model, deadline=deadline, result=result)
        return result

    def _write(
        self,
        order: Order,
        language: Language,
        *,
        model: ServingModel,
        deadline: float,
        result: Result,
    ) -> None:
        ports = self._ports
        sheet: FactSheet = order.sheet
        key = cache_key(
            customer=order.customer_id,
            model_version=order.model_version,
            sheet=sheet,
            prompt_version=order.prompt_version,
            language=language.name,
        )
        if ports.cache.get(key) is not None:
            result.present += 1
            return
        policy = ports.agents["reasons"]
        chosen = select_facts(
            sheet,
            language=language.name,
            model=ports.model,
            prompt=ports.prompts(language.name, "select_facts"),
            policy=policy,
            maximum=ports.decision["reasons"]["facts_per_reason"],
            deadline=deadline,
        )
        rules = rules_for(
            model,
            product=sheet.product,
            language=language,
            policy=ports.decision["reasons"],
            chosen=chosen,
        )
        try:
            draft = write_reason(
                sheet,
                rules=rules,
                model=ports.model,
                prompt=ports.prompts(language.name, "write_reason"),
                policy=policy,
                deadline=deadline,
            )
            gate(draft, sheet=sheet, rules=rules, guardrail=ports.guardrail)
        except Refusal as refusal:
            result.refused += 1
            result.why = tuple(sorted({*result.why, *refusal.why}))
            return
        ports.cache.put(
            key,
            draft=draft.as_json(),
            seconds=ports.decision["reasons"]["cache_seconds"],
            origin={
                "model_version": order.model_version,
                "product": sheet.product,
                "language": language.name,
                "prompt_version": order.prompt_version,
                "sheet_hash": sheet.hash,
                "decision_id": order.decision_id,
            },
        )
        result.written += 1

"""One recommendation from the request to the answer; every control that fails closes to rules.

Order of the controls: kill switch and model pointer, customer record, consent, model, reasons,
decision record, answer, rewrite orders. What cannot be read is treated as the safer of its
values; the defined refusals are in `Refused`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from lambdas.decision.answer import Origin, build_answer, build_record, rewrite_message
from lambdas.decision.catalogue import UNKNOWN_PERSON, Person
from lambdas.decision.decide import Plan, Warned, plan_model, plan_rules, write_reasons
from lambdas.decision.model import BadPackage, ServingModel
from lambdas.decision.reasons import Reason, Source, cache_key
from lambdas.decision.record import BadRecord, CustomerRecord, parse_record
from lambdas.decision.request import Request
from lambdas.recommend.ports import Ports
from lambdas.stores.bounded import StoreUnavailable
from lambdas.stores.control_items import OFF, ControlState


class Refused(Exception):
    """A defined answer that holds no recommendation: status, code, sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message


@dataclass
class Tally:
    """What the metrics count of one request."""

    rules: bool = False
    cache_hits: int = 0
    abstained: int = 0
    records_failed: int = 0
    queue_failed: int = 0


@dataclass(frozen=True)
class Subject:
    """What is known about the customer, and why it may be less than everything."""

    record: CustomerRecord | None
    digest: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass
class Outcome:
    """The answer's body with what to count."""

    body: dict[str, Any]
    tally: Tally = field(default_factory=Tally)


def _control(ports: Ports, *, fresh: bool) -> ControlState | None:
    try:
        return ports.control.read(fresh=fresh)
    except StoreUnavailable:
        return None


def _model(ports: Ports, control: ControlState | None) -> tuple[ServingModel, list[str]]:
    """Return the model to answer with; a lost pointer or package falls back to the last one."""
    if control is not None and (control.model_version is None or control.prefix is None):
        raise Refused(503, "no_model", "no model has been published yet; ask a person")
    if control is not None and control.model_version and control.prefix:
        try:
            return ports.models.load(control.model_version, control.prefix), []
        except (StoreUnavailable, BadPackage):
            if ports.models.last is None:
                raise Refused(
                    503, "model_unavailable", "the published model cannot be read; ask a person"
                ) from None
            return ports.models.last, [Warned.MODEL_UNREADABLE]
    if ports.models.last is None:
        raise Refused(503, "control_unavailable", "the service cannot read its state; ask a person")
    return ports.models.last, []


def _subject(ports: Ports, model: ServingModel, request: Request) -> Subject:
    try:
        text = ports.customers.get(request.customer_id, model.version)
        if text is None:
            if ports.policy["fallback"]["unknown_customer"] == "refuse":
                raise Refused(404, "unknown_customer", "there is no record of this customer")
            return Subject(None, warnings=(Warned.CUSTOMER_UNKNOWN,))
        record = parse_record(text, inputs=len(model.inputs), version=model.version)
        return Subject(record, hashlib.sha256(text.encode()).hexdigest())
    except (StoreUnavailable, BadRecord):
        return Subject(None, warnings=(Warned.RECORD_UNREADABLE,))


def _plan(
    ports: Ports,
    model: ServingModel,
    subject: Subject,
    *,
    request: Request,
    warnings: Sequence[str],
    today: date,
) -> Plan:
    noted = [*warnings, *subject.warnings]
    record = subject.record
    if record is not None and record.opted_out:
        if ports.policy["fallback"]["opted_out"] == "refuse":
            raise Refused(403, "opted_out", "the customer has opted out of recommendations")
        return plan_rules(
            model,
            UNKNOWN_PERSON,
            request=request,
            policy=ports.policy,
            warnings=[*noted, Warned.OPTED_OUT],
            by_segment=False,
        )
    if noted or record is None:
        person: Person = record.person(today) if record is not None else UNKNOWN_PERSON
        return plan_rules(model, person, request=request, policy=ports.policy, warnings=noted)
    return plan_model(model, record, request=request, policy=ports.policy, today=today)


class Recommender:
    """Answers requests with the given ports."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def recommend(self, request: Request, *, smoke: bool = False) -> Outcome:
        """Return the answer to a valid request.

        Args:
            smoke: read the model pointer again now; the record says so in its channel.

        Raises:
            Refused: with the status and code of a defined answer without recommendations.
        """
        ports = self._ports
        now = ports.clock.now()
        control = _control(ports, fresh=smoke)
        model, warnings = _model(ports, control)
        if control is None:
            warnings.append(Warned.CONTROL_UNREADABLE)
        elif control.kill_switch != OFF:
            warnings.append(Warned.KILL_SWITCH)
        subject = _subject(ports, model, request)
        plan = _plan(ports, model, subject, request=request, warnings=warnings, today=now.date())
        origin = Origin(
            decision_id=ports.clock.new_id(),
            created_at=now.isoformat(timespec="milliseconds"),
            version=ports.version,
            model_version=model.version,
            prompt_version=ports.agents["reasons"]["prompt_version"],
            channel="smoke" if smoke else "api",
            record_digest=subject.digest,
            as_of=subject.record.as_of if subject.record is not None else None,
        )
        return self._recorded(plan, model=model, subject=subject, request=request, origin=origin)

    def _recorded(
        self,
        plan: Plan,
        *,
        model: ServingModel,
        subject: Subject,
        request: Request,
        origin: Origin,
    ) -> Outcome:
        """Write the record, then answer; without a record of a model answer answer by rules."""
        tally = Tally()
        body, texts, plan = self._body(plan, model=model, request=request, origin=origin)
        if not self._written(body, plan=plan, model=model, request=request, origin=origin):
            tally.records_failed += 1
            record = subject.record
            personal = record is not None and not record.opted_out
            plan = plan_rules(
                model,
                record.person(date.fromisoformat(origin.created_at[:10]))
                if record is not None and personal
                else UNKNOWN_PERSON,
                request=request,
                policy=self._ports.policy,
                warnings=[*plan.warnings, Warned.RECORD_NOT_WRITTEN],
                by_segment=personal,
            )
            origin = replace(origin, decision_id=self._ports.clock.new_id())
            body, texts, plan = self._body(plan, model=model, request=request, origin=origin)
            if not self._written(body, plan=plan, model=model, request=request, origin=origin):
                raise Refused(503, "no_record", "the decision cannot be recorded; try again")
        tally.rules = not any(item.sheet is not None for item in plan.items)
        sources = [reason.source for row in texts for reason in row.values()]
        tally.cache_hits = sources.count(Source.CACHE)
        tally.abstained = sources.count(Source.ABSTAINED)
        tally.queue_failed = self._order_rewrites(plan, texts, request=request, origin=origin)
        return Outcome(body, tally)

    def _body(
        self, plan: Plan, *, model: ServingModel, request: Request, origin: Origin
    ) -> tuple[dict[str, Any], list[dict[str, Reason]], Plan]:
        ports = self._ports
        keys = {
            (position, language): cache_key(
                customer=request.customer_id,
                model_version=model.version,
                sheet=item.sheet,
                prompt_version=origin.prompt_version,
                language=language,
            )
            for position, item in enumerate(plan.items)
            if item.sheet is not None
            for language in request.languages
        }
        drafts: Mapping[str, Any] = {}
        try:
            drafts = ports.reasons.get_many(keys.values()) if keys else {}
        except StoreUnavailable:
            plan = replace(plan, warnings=(*plan.warnings, Warned.CACHE_UNREADABLE))
        languages = [ports.languages[name] for name in request.languages]
        texts = [
            write_reasons(
                item,
                plan=plan,
                model=model,
                languages=languages,
                policy=ports.policy,
                cached={
                    name: drafts.get(keys.get((position, name), "")) for name in request.languages
                },
            )
            for position, item in enumerate(plan.items)
        ]
        body = build_answer(
            plan, reasons=texts, request=request, languages=languages, origin=origin
        )
        return body, texts, plan

    def _written(
        self,
        body: Mapping[str, Any],
        *,
        plan: Plan,
        model: ServingModel,
        request: Request,
        origin: Origin,
    ) -> bool:
        record = build_record(
            body, plan=plan, request=request, origin=origin, currency=model.currency
        )
        try:
            self._ports.decisions.put(record)
        except StoreUnavailable:
            return False
        return True

    def _order_rewrites(
        self,
        plan: Plan,
        texts: Sequence[Mapping[str, Reason]],
        *,
        request: Request,
        origin: Origin,
    ) -> int:
        """Queue what was not answered from the cache; return 1 when the queue failed."""
        messages = []
        for item, row in zip(plan.items, texts, strict=True):
            missing = [name for name, reason in row.items() if reason.source is not Source.CACHE]
            message = rewrite_message(item, request=request, origin=origin, languages=missing)
            if message is not None:
                messages.append(message)
        if not messages:
            return 0
        try:
            self._ports.rewrites.send(messages)
        except StoreUnavailable:
            return 1
        return 0

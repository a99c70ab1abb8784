"""Checks of the audit agent: are decisions recorded, disclosed and explained as they must be?"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lambdas.decision.language import Language
from lambdas.decision.numbers import Currency
from lambdas.decision.policy import AuditPolicy
from lambdas.review.checks import Bound, Result, measured
from lambdas.review.faithful import faithful

Record = Mapping[str, Any]


def _share(records: Sequence[Record], holds: Callable[[Record], bool]) -> float | None:
    """Return the share of records that have a property; a record that cannot be read has not."""
    if not records:
        return None

    def safely(record: Record) -> bool:
        try:
            return holds(record)
        except (KeyError, ValueError, TypeError, AttributeError):
            return False

    return sum(safely(record) for record in records) / len(records)


def _versions(record: Record) -> bool:
    answer = record["payload"]["answer"]
    return bool(
        record["version"]
        and record["model_version"]
        and answer["version"] == record["version"]
        and answer["model_version"] == record["model_version"]
        and answer["decision_id"] == record["decision_id"]
    )


def _disclosed(record: Record) -> bool:
    answer = record["payload"]["answer"]
    languages = record["payload"]["request"]["languages"]
    texts = [
        row["reason"][name].endswith(answer["disclosure"][name])
        or row["reason_source"][name] == "rules"
        for row in answer["recommendations"]
        for name in languages
    ]
    return all(answer["disclosure"][name] for name in languages) and all(texts)


def _unsupported(languages: Mapping[str, Language]) -> Callable[[Record], bool]:
    def holds(record: Record) -> bool:
        payload = record["payload"]
        currency = Currency(
            code=str(payload["currency"]["code"]),
            minor_digits=int(payload["currency"]["minor_digits"]),
        )
        return all(
            faithful(row, language=languages[name], currency=currency)
            for row in payload["answer"]["recommendations"]
            for name in payload["request"]["languages"]
        )

    return holds


def _abstained(records: Sequence[Record]) -> float | None:
    sources = [
        source
        for record in records
        for row in (record.get("payload") or {}).get("answer", {}).get("recommendations", [])
        for source in row.get("reason_source", {}).values()
    ]
    return sources.count("abstained") / len(sources) if sources else None


def _top_product(records: Sequence[Record]) -> float | None:
    tops: Counter[str] = Counter()
    for record in records:
        rows = (record.get("payload") or {}).get("answer", {}).get("recommendations", [])
        if rows:
            tops[str(rows[0].get("product"))] += 1
    return max(tops.values()) / sum(tops.values()) if sum(tops.values()) > 1 else None


def audit_checks(
    snapshot: Mapping[str, Any], policy: AuditPolicy, *, languages: Mapping[str, Language]
) -> list[Result]:
    """Return the results for a snapshot's decision records; smoke tests are left out."""
    collected = snapshot.get("decisions")
    records = [row for row in collected or [] if row.get("channel") != "smoke"]
    rows = (
        ("audit.versions", "Records that name their versions", _versions, "version"),
        ("audit.disclosure", "Answers that disclose AI in every text", _disclosed, "disclosure"),
        (
            "audit.digest",
            "Records whose digest matches their content",
            lambda record: record["digest_matches"] is True,
            "digest",
        ),
        (
            "audit.faithful",
            "Answers whose reasons rest on their facts alone",
            _unsupported(languages),
            "faithful",
        ),
    )
    minima = {
        "version": policy["version_share_minimum"],
        "disclosure": policy["disclosure_share_minimum"],
        "digest": policy["digest_share_minimum"],
        "faithful": policy["faithful_share_minimum"],
    }
    return [
        measured(
            "audit.decisions",
            "Decision records read",
            None if collected is None else float(len(records)),
            Bound(minimum=policy["decisions_minimum"]),
        ),
        *(
            measured(identifier, title, _share(records, holds), Bound(minimum=minima[kind]))
            for identifier, title, holds, kind in rows
        ),
        measured(
            "audit.abstained",
            "Share of texts that give no reason",
            _abstained(records),
            Bound(maximum=policy["abstained_share_maximum"]),
        ),
        measured(
            "audit.rules",
            "Share of decisions by the rule layer",
            _share(records, lambda record: record["layer"] in ("rules", "human")),
            Bound(maximum=policy["rule_share_maximum"]),
        ),
        measured(
            "audit.top_product",
            "Share of decisions led by one product",
            _top_product(records),
            Bound(maximum=policy["top_product_share_maximum"]),
        ),
    ]

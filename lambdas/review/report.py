"""The report of a review: both agents' checks, the votes, the verdict that code counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lambdas.review.checks import Result, Status, parse_result
from lambdas.review.votes import Verdict, decide, worst


@dataclass(frozen=True)
class AgentPart:
    """One agent's part; `results` is empty and `problem` set when its review is missing."""

    agent: str
    results: tuple[Result, ...]
    findings: tuple[Mapping[str, str], ...]
    written_by: str
    votes: tuple[Verdict, ...]
    verdict: Verdict
    problem: str = ""


def agent_part(
    agent: str,
    review: Mapping[str, Any] | None,
    *,
    cast: Sequence[Mapping[str, Any] | None],
    expected: int,
) -> AgentPart:
    """Return an agent's part of the report; a missing vote counts as an abstention."""
    opinions = tuple(
        Verdict.ABSTAIN if vote is None else Verdict(str(vote["verdict"])) for vote in cast
    )
    if review is None:
        return AgentPart(agent, (), (), "", opinions, Verdict.UNKNOWN, "no review was written")
    results = tuple(parse_result(row) for row in review["checks"])
    return AgentPart(
        agent=agent,
        results=results,
        findings=tuple(review["findings"]),
        written_by=str(review["written_by"]),
        votes=opinions,
        verdict=decide(opinions, results, expected=expected),
    )


def as_json(
    parts: Sequence[AgentPart], *, execution: str, snapshot: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the report as data."""
    return {
        "execution": execution,
        "version": snapshot.get("version"),
        "collected_at": snapshot.get("collected_at"),
        "window": snapshot.get("window"),
        "problems": snapshot.get("problems"),
        "verdict": worst([part.verdict for part in parts]).value,
        "agents": [
            {
                "agent": part.agent,
                "verdict": part.verdict.value,
                "votes": [vote.value for vote in part.votes],
                "checks": [row.as_json() for row in part.results],
                "findings": [dict(row) for row in part.findings],
                "written_by": part.written_by,
                "problem": part.problem,
            }
            for part in parts
        ],
    }


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def as_markdown(report: Mapping[str, Any]) -> str:
    """Return the report for a person."""
    lines = [
        f"# Review {report['execution']}: {report['verdict']}",
        "",
        f"Version {report['version']}, collected {report['collected_at']}. "
        "Scores are propensities. UNKNOWN means that nothing was measured; it is never a pass.",
    ]
    lines += [
        f"- not readable: {problem['source']} ({_cell(problem['problem'])})"
        for problem in report["problems"] or []
    ]
    for part in report["agents"]:
        lines += [
            "",
            f"## {part['agent']}: {part['verdict']} (votes: {', '.join(part['votes'])})",
            "",
        ]
        if part["problem"]:
            lines.append(part["problem"])
            continue
        lines += ["| check | status | measured | expected |", "|---|---|---|---|"]
        ordered = sorted(part["checks"], key=lambda row: list(Status).index(Status(row["status"])))
        for row in reversed(ordered):
            cells = (row["title"], row["status"], row["value"], row["bound"])
            lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
        lines += ["", f"Findings (written by {part['written_by']}):", ""]
        lines += [f"- {row['text']}" for row in part["findings"]] or ["- none"]
    return "\n".join(lines) + "\n"

"""Rule packs: nothing is found that nobody answered for, and no answer is left over.

The survey builds the very stacks with acknowledgements recorded but not applied, asks both packs
for everything they find, and compares the two lists.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from aws_cdk import Stack
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from cdk.nag import RAW_CONTEXT, Acknowledged, acknowledge, acknowledgements, check
from configs.settings.environment import ENVIRONMENTS, load_environment
from stacks.stage import build_stage, new_app

SHORTEST_REASON = 20
ONE_FINDING = 1


@dataclass(frozen=True)
class Finding:
    """One violation of one rule by one resource."""

    path: str
    rule: str
    text: str

    def answered_by(self, answer: Acknowledged) -> bool:
        inside = self.path == answer.path or self.path.startswith(f"{answer.path}/")
        return inside and self.rule == answer.rule


@dataclass(frozen=True)
class Survey:
    """Everything that the packs find in one environment, and everything that is acknowledged."""

    findings: tuple[Finding, ...]
    answers: tuple[Acknowledged, ...]

    @property
    def unanswered(self) -> list[Finding]:
        return [row for row in self.findings if not any(map(row.answered_by, self.answers))]

    def covered(self, answer: Acknowledged) -> int:
        """Return how many findings an acknowledgement accepts."""
        return sum(row.answered_by(answer) for row in self.findings)


def _survey(env: str, folder: Path) -> Survey:
    app = new_app({RAW_CONTEXT: True}, outdir=str(folder))
    build_stage(app, load_environment(env))
    findings = [
        Finding(resource.construct_path or "", violation.rule_name, violation.description)
        for pack in (AwsSolutionsChecks(app), ServerlessChecks(app))
        for violation in pack.validate_scope(app).violations
        for resource in violation.violating_resources
    ]
    return Survey(tuple(findings), tuple(acknowledgements(app)))


@pytest.fixture(scope="module")
def surveys(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Survey]:
    folder = tmp_path_factory.mktemp("surveys")
    return {env: _survey(env, folder / env) for env in ENVIRONMENTS}


@pytest.fixture(scope="module", params=ENVIRONMENTS)
def survey(request: pytest.FixtureRequest, surveys: Mapping[str, Survey]) -> Survey:
    return surveys[request.param]


def test_every_finding_is_acknowledged(survey: Survey) -> None:
    assert survey.findings, "packs that find nothing at all did not run"
    assert survey.unanswered == []


def test_every_acknowledgement_accepts_exactly_one_finding_on_one_resource(
    survey: Survey,
) -> None:
    counts = {answer: survey.covered(answer) for answer in survey.answers}
    assert {row: n for row, n in counts.items() if n != ONE_FINDING} == {}
    assert len(counts) == len(survey.answers), "one is written twice"


def test_every_acknowledgement_says_why(survey: Survey) -> None:
    assert [row for row in survey.answers if len(row.reason) < SHORTEST_REASON] == []


def test_no_rule_failed_to_judge(survey: Survey) -> None:
    # An acknowledgement would hide a rule that threw as well as one that found something.
    assert [row for row in survey.findings if "threw an error" in row.text] == []


def test_the_application_itself_stops_at_a_finding(tmp_path: Path) -> None:
    app = new_app(outdir=str(tmp_path / "out"))
    s3.Bucket(Stack(app, "Planted"), "Open")
    check(app)
    with pytest.raises(RuntimeError, match="AwsSolutions-S1"):
        app.synth()


def test_an_acknowledgement_without_a_finding_is_seen_as_stale(tmp_path: Path) -> None:
    app = new_app({RAW_CONTEXT: True}, outdir=str(tmp_path / "out"))
    queue = sqs.Queue(Stack(app, "Planted"), "Queue", enforce_ssl=True)
    acknowledge(queue, "AwsSolutions-SQS4", "planted: transport is enforced, nothing is found")
    acknowledge(queue, "AwsSolutions-SQS3", "planted: there is no dead-letter queue here")
    violations = AwsSolutionsChecks(app).validate_scope(app).violations
    findings = [Finding("Planted/Queue/Resource", row.rule_name, "") for row in violations]
    survey = Survey(tuple(findings), tuple(acknowledgements(app)))
    assert {row.rule: survey.covered(row) for row in survey.answers} == {
        "AwsSolutions-SQS4": 0,
        "AwsSolutions-SQS3": ONE_FINDING,
    }

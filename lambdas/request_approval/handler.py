"""Entry point of the request for approval: token kept, people told where the evidence is."""

import os
from typing import Any

from configs.contracts.functions import Grant
from lambdas.control import wiring
from lambdas.control.approvals import Waiting
from lambdas.control.documents import Run
from lambdas.control.settling import settle
from lambdas.stores.bounded import answering


def handler(event: dict[str, Any], _context: object) -> dict[str, str]:
    """Keep the task token of a package and notify; the message holds no token.

    A package can be decided on as soon as it is registered. The event of a decision that was made
    before the token was kept found nobody waiting, so such a decision is carried here.
    """
    run = Run.parse(event.get("run"))
    package = str(event["package_arn"])
    wiring.approvals().store(
        package,
        Waiting(str(event["task_token"]), run.run_id, run.submitter, run.submitter_arn),
        seconds=int(event["expires_in_s"]),
    )
    with answering("topic approvals"):
        wiring.client("sns").publish(
            TopicArn=os.environ[Grant.PUBLISH_APPROVALS.value],
            Subject=f"SevenLens: model of run {run.run_id} waits for approval"[:100],
            Message=f"Package: {package}\nEvidence: {event['report_uri']}report.html\n"
            f"Submitted by: {run.submitter}\nDecide: make approve RUN={run.run_id}",
        )
    return {"package_arn": package, "outcome": settle(package)}

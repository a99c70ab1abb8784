"""Building container images in the cloud and recording their digests."""

import time
from collections.abc import Callable

from configs.contracts.names import Parameter
from configs.contracts.stages import Image
from operations.access import Access, OperationError


def build(access: Access, image: Image, *, say: Callable[[str], None], every: float = 10.0) -> str:
    """Start an image's build project, wait for it, and return the recorded digest.

    Raises:
        OperationError: the build did not succeed; names its log.
    """
    client = access.client("codebuild")
    project = access.parameter(Parameter.BUILD_PROJECT, image)
    build_id = client.start_build(projectName=project)["build"]["id"]
    while True:
        state = client.batch_get_builds(ids=[build_id])["builds"][0]
        say(f"{image}: {state.get('currentPhase', '')} {state['buildStatus']}")
        if state["buildStatus"] != "IN_PROGRESS":
            break
        time.sleep(every)
    if state["buildStatus"] != "SUCCEEDED":
        raise OperationError(
            f"build of image {image} ended {state['buildStatus']}",
            remedy=f"read its log: {state.get('logs', {}).get('deepLink', project)}",
        )
    return access.parameter(Parameter.IMAGE_DIGEST, image)

"""Whether the images that the deployed code belongs to have been built."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from lambdas.control.errors import BadInput
from lambdas.stores.bounded import answering


def require_images(ssm: Any, expected: Mapping[str, str]) -> None:
    """Check that every image's parameter records the tag that the jobs will name.

    Args:
        ssm: an SSM client.
        expected: parameter name -> tag.

    Raises:
        BadInput: an image was not built since the sources changed; names it.
        StoreUnavailable: the parameters cannot be read.
    """
    found: dict[str, str] = {}
    for name in sorted(expected):
        with answering(f"parameter {name}"), suppress(ssm.exceptions.ParameterNotFound):
            found[name] = str(ssm.get_parameter(Name=name)["Parameter"]["Value"])
    stale = sorted(
        name for name, tag in expected.items() if found.get(name, "").split("@")[0] != tag
    )
    if stale:
        raise BadInput(
            f"the image of these parameters was not built from the deployed sources: "
            f"{', '.join(stale)}",
            remedy="run `make images`, then submit again",
        )

"""Whether the images that the deployed code belongs to have been built."""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from lambdas.control.errors import BadInput
from lambdas.stores.bounded import answering

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def _is_built(value: str, tag: str) -> bool:
    """A build records `<tag>@<digest>`; one that failed half-way may leave no digest."""
    found, _, digest = value.partition("@")
    return found == tag and DIGEST.fullmatch(digest) is not None


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
        name for name, tag in expected.items() if not _is_built(found.get(name, ""), tag)
    )
    if stale or not expected:
        raise BadInput(
            f"the image of these parameters was not built from the deployed sources: "
            f"{', '.join(stale) or 'none is named'}",
            remedy="run `make images`, then submit again",
        )

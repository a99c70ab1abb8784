"""Synthesis needs no account, no Docker and no image build, and references resolve."""

import re

from tests.infrastructure.deployed import Deployed
from tests.infrastructure.synthesis import Assembly

STACKS = ["Foundation", "Serving", "Training", "Agents", "Observability"]


def test_an_environment_is_five_stacks_under_its_own_name(assembly: Assembly) -> None:
    assert list(assembly.templates) == STACKS
    names = [assembly.manifest["artifacts"][stack]["properties"]["stackName"] for stack in STACKS]
    assert names == [f"sevenlens-{assembly.env}-{stack.lower()}" for stack in STACKS]


def test_no_asset_is_a_container_image_built_here(assembly: Assembly) -> None:
    for path in assembly.folder.glob("*.assets.json"):
        assert '"dockerImages": {}' in path.read_text(), path.name


def test_no_stack_needs_a_look_up_in_an_account(assembly: Assembly) -> None:
    assert not assembly.manifest.get("missing")
    for artefact in assembly.manifest["artifacts"].values():
        if "environment" in artefact:
            assert artefact["environment"].startswith("aws://unknown-account/")


def test_every_reference_of_every_template_leads_somewhere(deployed: Deployed) -> None:
    count = 0
    for resource in deployed.assembly.resources():
        resolved = deployed.value(resource.stack, resource.properties)
        assert "Fn::" not in str(resolved), resource.name
        count += 1
    assert count > 100


def test_state_is_imported_by_name_never_by_a_reference_that_the_cdk_made(
    assembly: Assembly,
) -> None:
    # A generated export ties two deployments together and cannot be taken back.
    for stack, template in assembly.templates.items():
        for output in template.get("Outputs", {}).values():
            name = output.get("Export", {}).get("Name", "sevenlens-")
            assert re.match(r"sevenlens-", str(name)), (stack, name)

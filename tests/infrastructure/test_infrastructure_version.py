"""One version, the one of `pyproject.toml`, on everything; and the same input, the same output."""

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from configs.version import VERSION_VARIABLE
from tests.infrastructure.deployed import Deployed
from tests.infrastructure.synthesis import ROOT, Assembly, synthesise

VERSION = str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])
OTHER = "97.13.61"
NUMBER = re.compile(rf"(?<![\d.]){re.escape(VERSION)}(?![\d.])")
TAGS_ELSEWHERE = "AWS::DynamoDB::GlobalTable"


def _tags(properties: dict[str, Any]) -> dict[str, str]:
    given = properties.get("Tags", {})
    if isinstance(given, dict):
        return {str(key): str(value) for key, value in given.items()}
    return {row["Key"]: row["Value"] for row in given}


def test_every_stack_carries_the_version_in_description_and_tags(assembly: Assembly) -> None:
    for stack, template in assembly.templates.items():
        assert f"SevenLens {VERSION} ({assembly.env})" in template["Description"], stack
        tags = assembly.manifest["artifacts"][stack]["properties"]["tags"]
        assert tags == {"environment": assembly.env, "product": "sevenlens", "version": VERSION}


def test_every_resource_that_has_tags_carries_the_version(assembly: Assembly) -> None:
    count = 0
    for row in assembly.resources():
        properties = row.properties
        if row.type == TAGS_ELSEWHERE:
            (properties,) = properties["Replicas"]
        if tags := _tags(properties):
            assert tags.get("version") == VERSION, row.name
            count += 1
    assert count > len(assembly.templates) * 10


def test_functions_their_versions_and_their_environment_carry_the_version(
    assembly: Assembly,
) -> None:
    for row in assembly.resources("AWS::Lambda::Function"):
        assert f"SevenLens {VERSION} ({assembly.env})" in row.properties["Description"], row.name
        variables = row.properties["Environment"]["Variables"]
        assert variables[VERSION_VARIABLE] == VERSION, row.name
    published = list(assembly.resources("AWS::Lambda::Version"))
    assert published
    for row in published:
        assert row.properties["Description"] == f"SevenLens {VERSION}", row.name


def test_the_api_carries_the_version(assembly: Assembly) -> None:
    (api,) = assembly.resources("AWS::ApiGateway::RestApi")
    assert f"SevenLens {VERSION} ({assembly.env})" in api.properties["Description"]
    (stage,) = assembly.resources("AWS::ApiGateway::Stage")
    assert stage.properties["Description"] == f"SevenLens {VERSION}"
    assert stage.properties["Variables"]["version"] == VERSION.replace(".", "_")


def test_jobs_registry_guardrail_and_operators_are_told_the_version(deployed: Deployed) -> None:
    assembly = deployed.assembly
    for row in assembly.resources("AWS::StepFunctions::StateMachine"):
        definition = deployed.value(row.stack, row.properties["DefinitionString"])
        found = json.loads(definition)
        for state in found["States"].values():
            environment = state.get("Arguments", {}).get("Environment")
            assert environment in (None, {VERSION_VARIABLE: VERSION}), row.name
    (group,) = assembly.resources("AWS::SageMaker::ModelPackageGroup")
    assert group.properties["ModelPackageGroupDescription"].endswith(VERSION)
    (guardrail,) = assembly.resources("AWS::Bedrock::GuardrailVersion")
    assert guardrail.properties["Description"].startswith(f"SevenLens {VERSION},")
    (parameter,) = [
        row
        for row in assembly.resources("AWS::SSM::Parameter")
        if row.properties["Name"] == f"/sevenlens/{assembly.env}/version"
    ]
    assert parameter.properties["Value"] == VERSION


@pytest.mark.slow
def test_nothing_writes_the_version_by_itself(tmp_path: Path) -> None:
    other = synthesise("local", tmp_path / "other", **{VERSION_VARIABLE: OTHER})
    text = json.dumps(other.templates) + json.dumps(
        [other.manifest["artifacts"][stack]["properties"] for stack in other.templates]
    )
    assert OTHER in text
    assert NUMBER.findall(text) == []


@pytest.mark.slow
def test_two_syntheses_give_the_same_templates(
    assemblies: Mapping[str, Assembly], tmp_path: Path
) -> None:
    # Another hash seed, time zone and language: what an order or a clock could leak through.
    again = synthesise(
        "local", tmp_path / "again", PYTHONHASHSEED="4711", TZ="Pacific/Kiritimati", LC_ALL="C"
    )
    assert json.dumps(again.templates) == json.dumps(assemblies["local"].templates)
    for stack in again.templates:
        properties = [
            found.manifest["artifacts"][stack]["properties"]
            for found in (again, assemblies["local"])
        ]
        assert properties[0] == properties[1], stack


def test_templates_name_no_folder_of_the_machine_that_made_them(assembly: Assembly) -> None:
    assert str(ROOT) not in json.dumps(assembly.templates)
    assert str(Path.home()) + "/" not in json.dumps(assembly.templates)

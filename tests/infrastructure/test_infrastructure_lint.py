"""cfn-lint: every template follows the resource schemas of its own region."""

import copy
import json
from collections.abc import Mapping
from pathlib import Path

from cfnlint.api import ManualArgs, lint_file

from tests.infrastructure.deployed import Deployed
from tests.infrastructure.synthesis import Assembly

EXCEPT_STYLE = ["I1022"]
"""`Fn::Join` with an empty delimiter is how the CDK writes every concatenation."""


def _findings(template: Path, region: str) -> list[str]:
    settings = ManualArgs(regions=[region], include_checks=["I"], ignore_checks=EXCEPT_STYLE)
    return [
        f"{template.name}: {found.rule.id} {found.message}"
        for found in lint_file(template, config=settings)
    ]


def _files(assembly: Assembly) -> list[Path]:
    return [
        assembly.folder / artefact["properties"]["templateFile"]
        for artefact in assembly.manifest["artifacts"].values()
        if artefact["type"] == "aws:cloudformation:stack"
    ]


def test_every_template_is_clean_of_errors_warnings_and_hints(deployed: Deployed) -> None:
    files = _files(deployed.assembly)
    assert len(files) == len(deployed.assembly.templates)
    assert [row for path in files for row in _findings(path, deployed.region)] == []


def test_a_planted_fault_is_found(assemblies: Mapping[str, Assembly], tmp_path: Path) -> None:
    template = copy.deepcopy(assemblies["local"].templates["Foundation"])
    queue = next(row for row in template["Resources"].values() if row["Type"] == "AWS::SQS::Queue")
    queue["Properties"]["MessageRetentionPeriod"] = "a fortnight"
    path = tmp_path / "planted.template.json"
    path.write_text(json.dumps(template))
    region = Deployed(assemblies["local"]).region
    assert any("fortnight" in row for row in _findings(path, region))

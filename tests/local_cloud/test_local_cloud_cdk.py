"""The pinned CDK command line against the embedded AWS, as against an account."""

import os
import subprocess
from pathlib import Path

import pytest

from local_cloud.bootstrap import bootstrap
from local_cloud.session import Cloud
from local_cloud.settings import ROOT
from tests.local_cloud.assemblies import write_assembly

CDK = ROOT / "node_modules" / ".bin" / "cdk"


def _cdk(cloud: Cloud, assembly: Path, *arguments: str) -> str:
    done = subprocess.run(
        [str(CDK), "--app", str(assembly), "--no-color", "--no-notices", *arguments],
        cwd=ROOT,
        env={**os.environ, **cloud.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.skipif(not CDK.exists(), reason="the CDK command line is not installed (make setup)")
def test_deploy_diff_and_destroy_work_unchanged(cloud: Cloud, tmp_path: Path) -> None:
    bootstrap(cloud.client, account="000000000000", region=cloud.region)
    first = write_assembly(tmp_path / "first", stack="cabin", names="cabin")
    _cdk(cloud, first, "deploy", "--all", "--require-approval", "never")
    stacks = cloud.client("cloudformation").describe_stacks(StackName="cabin")["Stacks"]
    assert stacks[0]["StackStatus"] == "CREATE_COMPLETE"
    second = write_assembly(tmp_path / "second", stack="cabin", names="cabin", mark="two")
    assert "AWS::Lambda::Function" in _cdk(cloud, second, "diff")
    _cdk(cloud, second, "destroy", "--all", "--force")
    names = [
        row["StackName"]
        for row in cloud.client("cloudformation").list_stacks(
            StackStatusFilter=["CREATE_COMPLETE", "UPDATE_COMPLETE"]
        )["StackSummaries"]
    ]
    assert "cabin" not in names

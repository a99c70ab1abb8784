"""The job runner: what a job is given, what it may not reach, and every way in which it ends."""

import io
import json
import os
import signal
import tarfile

import pytest
from botocore.exceptions import ClientError

from configs.contracts.storage import Prefix
from local_cloud.emulator.sagemaker import isolation
from local_cloud.settings import ROOT
from tests.local_cloud.conftest import Bench, as_role, ended, make_role, status, until


def test_outputs_of_a_completed_processing_job_are_below_its_address(bench: Bench) -> None:
    bench.put("open/copy/a.txt", b"alpha")
    bench.put("open/copy/deep/b.txt", b"beta")
    described = bench.run(
        bench.processing("copy-1", "copy", ProcessingInputs=[bench.processing_input("open/copy/")])
    )
    assert status(described) == "Completed", described.get("FailureReason")
    assert bench.get("out/copy-1/a.txt") == b"alpha"
    assert bench.get("out/copy-1/b.txt") == b"beta"


def test_a_failed_job_says_why_and_uploads_nothing(bench: Bench) -> None:
    described = bench.run(bench.processing("fail-1", "fail"))
    assert status(described) == "Failed"
    assert described["ExitMessage"] == "column 'amount' is missing"
    assert "exit code: 3" in described["FailureReason"]
    assert bench.keys("out/fail-1") == []


def test_a_killed_job_is_failed(bench: Bench) -> None:
    describe = bench.start(bench.training("kill-1", "sleep"))
    (process,) = until(lambda: bench.cloud.command("jobs")["processes"].get("kill-1"))
    os.kill(process, signal.SIGKILL)
    described = ended(describe)
    assert status(described) == "Failed"
    assert "exit code: 137" in described["FailureReason"]


def test_a_job_has_neither_network_nor_credentials_nor_the_servers_files(bench: Bench) -> None:
    if not isolation.isolated():
        pytest.skip("this machine allows no namespaces")
    port = bench.cloud.endpoint.rsplit(":", 1)[-1]
    secrets = [str(bench.cloud.home / name) for name in ("tls", "state", "client.json")]
    described = bench.run(bench.processing("look-1", "look", port, *secrets))
    assert status(described) == "Completed", described
    found = json.loads(bench.get("out/look-1/look.json"))
    assert found["server"] != "reached"
    assert found["interfaces"] == ["lo"]
    assert found["server_files"] == []
    forbidden = ("KEY", "TOKEN", "SECRET", "ENDPOINT", "PROFILE", "CREDENTIALS", "MINISTACK")
    leaked = [n for n in found["environment"] if any(word in n for word in forbidden)]
    assert leaked == []


def test_a_prefix_outside_of_the_role_fails_the_job_before_it_runs(bench: Bench) -> None:
    bench.put("closed/a.txt")
    described = bench.run(
        bench.processing("denied-1", "copy", ProcessingInputs=[bench.processing_input("closed/")])
    )
    assert status(described) == "Failed"
    assert "AccessDenied" in described["FailureReason"]
    assert "ProcessingStartTime" not in described


def test_a_role_that_may_read_the_lake_is_denied_the_ground_truth_all_the_same(
    bench: Bench,
) -> None:
    """The two Deny statements of every job's role, beside an Allow as wide as could be planted."""
    lake = f"arn:aws:s3:::{bench.bucket}"
    below = {"StringLike": {"s3:prefix": [Prefix.TRUTH[:-1], f"{Prefix.TRUTH}*"]}}
    role = make_role(
        bench.cloud,
        "wide-job",
        "sagemaker.amazonaws.com",
        [
            {"Effect": "Allow", "Action": "s3:*", "Resource": [lake, f"{lake}/*"]},
            {"Effect": "Deny", "Action": "s3:*", "Resource": f"{lake}/{Prefix.TRUTH}*"},
            {"Effect": "Deny", "Action": "s3:List*", "Resource": lake, "Condition": below},
        ],
    )
    key = f"{Prefix.TRUTH}0123abcd/causes/part-00000.parquet"
    bench.put(key)
    bench.put("open/wide/a.txt")
    wide = Bench(bench.cloud, bench.bucket, role)
    s3 = bench.cloud.client("s3", as_role(bench.cloud, role))
    assert s3.get_object(Bucket=bench.bucket, Key="open/wide/a.txt")["Body"].read() == b"x"
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.get_object(Bucket=bench.bucket, Key=key)
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.list_objects_v2(Bucket=bench.bucket, Prefix=Prefix.TRUTH)
    for name, prefix, end in (("wide-1", "open/wide/", "Completed"), ("wide-2", key, "Failed")):
        given = [bench.processing_input(prefix)]
        described = wide.run(wide.processing(name, "copy", ProcessingInputs=given))
        assert status(described) == end, described.get("FailureReason")
    assert "AccessDenied" in described["FailureReason"]


def test_writing_outside_of_the_role_fails_the_job(bench: Bench) -> None:
    bench.put("open/w/a.txt")
    request = bench.processing(
        "denied-2", "copy", ProcessingInputs=[bench.processing_input("open/w/")]
    )
    request["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"] = (
        f"s3://{bench.bucket}/elsewhere"
    )
    described = bench.run(request)
    assert status(described) == "Failed"
    assert "upload" in described["FailureReason"]
    assert bench.keys("elsewhere") == []


def test_an_empty_input_fails_the_job(bench: Bench) -> None:
    described = bench.run(
        bench.processing("none-1", "copy", ProcessingInputs=[bench.processing_input("open/none/")])
    )
    assert "No objects found" in described["FailureReason"]


def test_shards_cover_all_objects_once_over_the_instances(bench: Bench) -> None:
    for number in range(5):
        bench.put(f"open/shards/part-{number}")
    request = bench.processing(
        "shard-1",
        "hosts",
        ProcessingInputs=[bench.processing_input("open/shards/", sharded=True)],
    )
    request["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = 2
    described = bench.run(request)
    assert status(described) == "Completed", described
    hosts = [json.loads(bench.get(f"out/shard-1/algo-{n}.json")) for n in (1, 2)]
    assert hosts[0]["hosts"] == ["algo-1", "algo-2"]
    names = [name for host in hosts for name in host["names"]]
    assert sorted(names) == [f"part-{number}" for number in range(5)]
    assert all(host["names"] for host in hosts)


def test_a_training_job_finds_sagemakers_layout_and_leaves_a_packed_model(bench: Bench) -> None:
    bench.put("open/train/deep/x.txt")
    request = bench.training("layout-1", "layout", HyperParameters={"epochs": "3"})
    request["InputDataConfig"] = [
        {
            "ChannelName": "train",
            "DataSource": {
                "S3DataSource": {
                    "S3DataType": "S3Prefix",
                    "S3Uri": f"s3://{bench.bucket}/open/train",
                }
            },
        }
    ]
    request["OutputDataConfig"].pop("CompressionType")
    described = bench.run(request)
    assert status(described) == "Completed", described
    address = described["ModelArtifacts"]["S3ModelArtifacts"]
    assert address == f"s3://{bench.bucket}/out/layout-1/output/model.tar.gz"
    with tarfile.open(fileobj=io.BytesIO(bench.get("out/layout-1/output/model.tar.gz"))) as packed:
        stream = packed.extractfile("layout.json")
        assert stream is not None
        found = json.load(stream)
    assert found["hyperparameters"] == {"epochs": "3"}
    assert found["files"] == ["train/deep/x.txt"]
    assert found["resources"]["current_host"] == "algo-1"
    assert found["channels"]["train"]["TrainingInputMode"] == "File"
    assert found["environment"]["SM_CHANNELS"] == '["train"]'
    assert found["environment"]["SM_CHANNEL_TRAIN"].endswith("/input/data/train")


def test_a_trained_model_its_metrics_its_log_and_its_checkpoint_are_kept(bench: Bench) -> None:
    described = bench.run(bench.training("train-1", "train", "3", "0"))
    assert status(described) == "Completed", described
    assert described["ModelArtifacts"]["S3ModelArtifacts"].endswith("/out/train-1/output/model/")
    steps = ["start0", "step0", "step1", "step2"]
    assert json.loads(bench.get("out/train-1/output/model/weights.json")) == steps
    assert bench.get("out/train-1/output/data/curve.txt") == b"curve"
    assert json.loads(bench.get("checkpoints/train-1/state.json")) == steps
    (metric,) = described["FinalMetricDataList"]
    assert metric["MetricName"] == "loss"
    assert metric["Value"] == pytest.approx(0.25)
    logs = bench.cloud.client("logs")
    group = "/aws/sagemaker/TrainingJobs"
    (stream,) = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix="train-1/")[
        "logStreams"
    ]
    events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])
    assert [row["message"] for row in events["events"]] == [
        "epoch loss=0.5000",
        "epoch loss=0.3333",
        "epoch loss=0.2500",
    ]


def test_a_spot_interruption_resumes_from_the_checkpoint(bench: Bench) -> None:
    request = bench.training("spot-1", "train", "30", "0.05", EnableManagedSpotTraining=True)
    describe = bench.start(request)
    until(lambda: bench.keys("checkpoints/spot-1"))
    assert bench.cloud.command("interrupt", job="spot-1") == {"interrupted": True}
    described = ended(describe)
    assert status(described) == "Completed", described.get("FailureReason")
    statuses = [row["Status"] for row in described["SecondaryStatusTransitions"]]
    assert "Interrupted" in statuses
    assert statuses.count("Training") == 2
    steps = json.loads(bench.get("out/spot-1/output/model/weights.json"))
    assert steps[0] == "start0"
    assert "start1" in steps
    assert [step for step in steps if step.startswith("step")] == [f"step{n}" for n in range(30)]


def test_only_a_running_spot_job_is_interrupted(bench: Bench) -> None:
    bench.run(bench.training("calm-1", "train", "1", "0"))
    assert bench.cloud.command("interrupt", job="calm-1") == {"interrupted": False}
    assert bench.cloud.command("interrupt", job="nobody") == {"interrupted": False}


def test_stopping_asks_the_job_and_ends_it_as_stopped(bench: Bench) -> None:
    describe = bench.start(bench.training("stop-1", "train", "1000", "0.05"))
    until(lambda: bench.keys("checkpoints/stop-1"))
    bench.cloud.client("sagemaker").stop_training_job(TrainingJobName="stop-1")
    described = ended(describe)
    assert status(described) == "Stopped"
    assert bench.cloud.command("jobs")["processes"].get("stop-1") is None
    with pytest.raises(ClientError, match="in status Stopped"):
        bench.cloud.client("sagemaker").stop_training_job(TrainingJobName="stop-1")


def test_a_job_over_its_time_is_stopped_and_says_so(bench: Bench) -> None:
    request = bench.training("late-1", "sleep")
    request["StoppingCondition"] = {"MaxRuntimeInSeconds": 1}
    described = bench.run(request)
    assert status(described) == "Stopped"
    assert described["SecondaryStatus"] == "MaxRuntimeExceeded"


def test_a_name_is_used_once(bench: Bench) -> None:
    bench.run(bench.processing("twice-1", "metrics"))
    with pytest.raises(ClientError) as refused:
        bench.start(bench.processing("twice-1", "metrics"))
    assert refused.value.response["Error"]["Code"] == "ResourceInUse"


@pytest.mark.parametrize("name", ["a_b", "-a", "a" * 64])
def test_a_bad_name_is_refused(bench: Bench, name: str) -> None:
    with pytest.raises(ClientError) as refused:
        bench.start(bench.processing(name, "metrics"))
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_a_role_that_sagemaker_may_not_assume_is_refused(bench: Bench) -> None:
    request = bench.processing("role-1", "metrics", RoleArn="arn:aws:iam::000000000000:role/none")
    with pytest.raises(ClientError, match="Could not assume role"):
        bench.start(request)


def test_metric_lines_of_a_job_become_metrics(bench: Bench) -> None:
    bench.run(bench.processing("metrics-1", "metrics"))
    found = bench.cloud.client("cloudwatch").list_metrics(Namespace="Test")["Metrics"]
    assert [(row["MetricName"], row["Dimensions"]) for row in found] == [
        ("Rows", [{"Name": "service", "Value": "job"}])
    ]


def test_the_variable_of_the_fallback_is_the_one_that_jobs_read() -> None:
    source = (ROOT / "training_jobs" / "runtime.py").read_text()
    assert f'ROOT_VARIABLE = "{isolation.ROOT_VARIABLE}"' in source

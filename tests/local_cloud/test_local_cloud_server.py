"""The server: one a folder, loopback only, and its state over a stop, a kill and another port."""

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local_cloud.emulator import internals
from local_cloud.emulator.options import CLIENT_NAME, LOG_NAME, Options
from local_cloud.session import Cloud, NotServing, running, session, start, stop
from local_cloud.settings import ROOT
from tests.local_cloud.assemblies import write_assembly
from tests.local_cloud.conftest import Bench, make_role, until


def test_the_emulator_is_the_one_this_code_was_written_for() -> None:
    internals.check()


def test_another_version_of_the_emulator_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(internals, "VERSION", "0.0.1")
    with pytest.raises(internals.EmulatorChanged, match=r"ministack .* is installed"):
        internals.check()


def test_a_part_that_went_away_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(internals.RELIED_UPON, "ministack.app", ("app", "_gone"))
    with pytest.raises(internals.EmulatorChanged, match=r"lacks ministack\.app\._gone"):
        internals.check()


def test_the_server_listens_on_loopback_only(cloud: Cloud) -> None:
    def addresses(table: str) -> set[str]:
        rows = [line.split() for line in Path(table).read_text().splitlines()[1:]]
        mine = {
            os.readlink(link)
            for link in Path(f"/proc/{cloud.pid}/fd").iterdir()
            if link.is_symlink() and os.readlink(link).startswith("socket:")
        }
        return {r[1].split(":")[0] for r in rows if r[3] == "0A" and f"socket:[{r[9]}]" in mine}

    assert addresses("/proc/net/tcp") == {"0100007F"}
    assert addresses("/proc/net/tcp6") <= {"00000000000000000000000001000000"}


def test_snapshots_at_once_do_not_take_each_others_files(cloud: Cloud) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: cloud.command("snapshot"), range(12)))
    assert "failed to save" not in (cloud.home / LOG_NAME).read_text()


def test_a_second_server_of_the_same_folder_is_refused(cloud: Cloud, tmp_path: Path) -> None:
    options = Options(cloud.home, tmp_path, 0, tied=False)
    done = subprocess.run(
        [sys.executable, "-m", "local_cloud.emulator", *options.arguments()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "already serves" in done.stderr
    assert running(cloud.home) is not None, "and the first one is unharmed"


def test_a_session_uses_the_server_that_runs_and_leaves_it(cloud: Cloud) -> None:
    with session(home=cloud.home) as again:
        assert again.pid == cloud.pid
    assert running(cloud.home) is not None


def test_two_folders_serve_at_once_and_know_nothing_of_each_other(
    cloud: Cloud, bench: Bench, tmp_path: Path
) -> None:
    with session(home=tmp_path / "other") as other:
        assert other.endpoint != cloud.endpoint
        assert other.client("s3").list_buckets()["Buckets"] == []
        assert cloud.client("s3").list_buckets()["Buckets"] != []


def test_the_server_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from local_cloud.session import start;"
        "start(home=Path(sys.argv[1]), state=Path(sys.argv[1]) / 's', tied=True);"
        "print('up', flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == b"up\n"
    server = running(tmp_path)
    assert server is not None
    owner.kill()
    owner.wait()
    until(lambda: not Path(f"/proc/{server.pid}").exists())
    assert not (tmp_path / CLIENT_NAME).exists()


def test_a_server_outlives_the_collection_of_garbage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waited for the server may be left in a cycle, as by the traceback of a refused call."""
    module = sys.modules[start.__module__]
    wait = module._serving

    def wait_in_a_cycle(home: Path) -> Cloud | None:
        frame = sys._getframe()
        assert frame.f_back
        return wait(home)

    monkeypatch.setattr(module, "_serving", wait_in_a_cycle)
    cloud = start(home=tmp_path / "home", state=tmp_path / "state", tied=True)
    try:
        gc.collect()
        time.sleep(1)
        assert cloud.command("jobs")["processes"] == {}
    finally:
        stop(cloud)


def test_state_outlives_a_stop_a_kill_and_a_change_of_port(tmp_path: Path) -> None:
    home, state = tmp_path / "home", tmp_path / "state"
    folder = write_assembly(tmp_path / "assembly")
    cloud = start(home=home, state=state, tied=True)
    outputs = cloud.deploy(folder, say=lambda _: None)["house"]
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    role = make_role(cloud, "job", "sagemaker.amazonaws.com", [everything])
    bench = Bench(cloud, outputs["Bucket"], role)
    queue = cloud.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    bench.put("kept/a.txt", b"alpha")
    bench.run(bench.training("before-1", "train", "1", "0"))
    describe = bench.start(bench.training("during-1", "sleep"))
    until(lambda: describe()["SecondaryStatus"] == "Training")
    (job,) = until(lambda: cloud.command("jobs")["processes"].get("during-1"))
    cloud.command("snapshot")
    os.kill(cloud.pid, signal.SIGKILL)
    until(lambda: not Path(f"/proc/{job}").exists() or "Z" in _state(job))

    cloud = start(home=home, state=state, tied=True)
    try:
        bench = Bench(cloud, outputs["Bucket"], role)
        assert bench.get("kept/a.txt") == b"alpha"
        sagemaker = cloud.client("sagemaker")
        lost = sagemaker.describe_training_job(TrainingJobName="during-1")
        assert lost["TrainingJobStatus"] == "Failed"
        assert "was stopped" in lost["FailureReason"]
        kept = sagemaker.describe_training_job(TrainingJobName="before-1")
        assert kept["TrainingJobStatus"] == "Completed"
        said: list[str] = []
        assert cloud.deploy(folder, say=said.append)["house"] == outputs
        assert "0 new files" in said[0]
    finally:
        stop(cloud)

    blocker = socket.create_server(("127.0.0.1", int(cloud.endpoint.rsplit(":", 1)[-1])))
    with blocker, session(home=home, persist=state) as moved:
        assert moved.endpoint != cloud.endpoint
        answer = moved.client("lambda").invoke(FunctionName=outputs["Function"], Payload=b"{}")
        assert json.loads(answer["Payload"].read())["statusCode"] == 200
        sqs = moved.client("sqs")
        sqs.send_message(QueueUrl=queue, MessageBody="m")
        assert sqs.receive_message(QueueUrl=queue)["Messages"][0]["Body"] == "m"


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[-1].split()[0]
    except OSError:
        return "Z"


def test_an_execution_that_ran_when_the_server_was_killed_fails_and_says_so(
    tmp_path: Path,
) -> None:
    home, state = tmp_path / "home", tmp_path / "state"
    cloud = start(home=home, state=state, tied=True)
    bucket = cloud.deploy(write_assembly(tmp_path / "assembly"), say=lambda _: None)["house"][
        "Bucket"
    ]
    role = make_role(cloud, "m", "states.amazonaws.com", [])
    states = cloud.client("stepfunctions")
    definition = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 900, "End": True}}}
    machine = states.create_state_machine(
        name="waits", roleArn=role, definition=json.dumps(definition)
    )["stateMachineArn"]
    arn = states.start_execution(stateMachineArn=machine)["executionArn"]
    cloud.command("snapshot")
    os.kill(cloud.pid, signal.SIGKILL)
    time.sleep(0.1)
    with session(home=home, persist=state) as again:
        found = again.client("stepfunctions").describe_execution(executionArn=arn)
        assert found["status"] == "FAILED"
        s3 = again.client("s3")
        (stored,) = until(lambda: s3.list_objects_v2(Bucket=bucket).get("Contents"))
        event = json.loads(s3.get_object(Bucket=bucket, Key=stored["Key"])["Body"].read())
        assert event["detail"]["executionArn"] == arn
        assert event["detail"]["error"] == "States.ServiceRestart"


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(NotServing, match=r"(?s)did not start.*file"):
        start(home=tmp_path / "home", state=blocked / "state", tied=True)

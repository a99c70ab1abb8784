"""What the pipeline withstands: killed jobs, spot interruption, bad input, refusal, two at once."""

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from configs.contracts.stages import Stage
from configs.contracts.storage import ORACLE_ENDING
from operations.follow import Standing
from operations.submit import Submission
from tests.end_to_end.house import House

KILLED = {"preflight": 0.0, "phase0": 0.5, "teacher": 2.0, "distill": 1.0, "package": 0.2}
"""Stage -> seconds that its job is left running before it is killed."""
RECOMPUTED = tuple(stage.value for stage in Stage)


def test_jobs_killed_one_after_the_other_leave_the_same_artefacts(
    house: House, first: Submission
) -> None:
    """Each run loses another job to SIGKILL; what was finished is skipped, the rest completes."""
    expected = house.hashes(first)
    house.forget(*RECOMPUTED)
    for victim, after_s in KILLED.items():
        run = house.submit()
        house.kill(victim, after_s=after_s)
        ended = house.finish(run)
        assert ended.status == "FAILED", victim
        done = {row["stage"] for row in house.ledger(run).stages}
        assert victim not in done
    last = house.submit()
    ended = house.finish(last)
    assert ended.status == "SUCCEEDED", f"{ended.error}: {ended.cause}"
    assert house.hashes(last) == expected
    assert {"preflight", "phase0", "teacher", "distill"} <= house.skipped(last)


def test_an_interrupted_teacher_resumes_to_the_same_weights(
    house: House, first: Submission
) -> None:
    expected = house.hashes(first)["teacher"]
    house.forget("teacher")
    run = house.submit()
    taken: list[str] = []

    def interrupt(_now: Standing) -> None:
        for name in house.jobs():
            running = "-teacher-" in name and not taken
            if running and house.cloud.command("interrupt", job=name)["interrupted"]:
                taken.append(name)

    ended = house.finish(run, watch=interrupt)
    assert ended.status == "SUCCEEDED", f"{ended.error}: {ended.cause}"
    assert taken, "the teacher was never interrupted"
    assert house.hashes(run)["teacher"] == expected


@pytest.fixture
def broken(bank: Path, tmp_path: Path) -> Path:
    """The bank without the column `amount` of its transactions."""
    folder = tmp_path / "broken"
    for path in sorted(bank.rglob("*")):
        if path.is_file():
            target = folder / path.relative_to(bank)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    for path in (folder / "transactions").iterdir():
        table = pq.read_table(path)
        pq.write_table(table.drop_columns(["amount"]), path)
    shutil.copyfile(bank.with_name(bank.name + ORACLE_ENDING), f"{folder}{ORACLE_ENDING}")
    return folder


def test_broken_input_ends_the_run_with_the_reason_in_its_history(
    house: House, broken: Path
) -> None:
    before = house.health()["model_version"]
    run = house.submit(broken)
    ended = house.finish(run)
    assert ended.status == "FAILED"
    assert "transactions" in str(ended.cause)
    assert "amount" in str(ended.cause)
    assert house.ledger(run).stages == []
    assert house.health()["model_version"] == before


def test_a_refused_model_is_not_served(house: House) -> None:
    before = house.health()["model_version"]
    run = house.submit(package__attributions__top=2)
    ended = house.finish(run, approve=False)
    assert ended.status == "FAILED"
    assert house.health()["model_version"] == before
    status, answer = house.ask("nobody-0000", top_k=1)
    assert status in (200, 404)
    assert answer["version"]


def test_two_runs_at_once_share_each_stage_and_agree(house: House, first: Submission) -> None:
    house.forget("package", "distill", "evaluate")
    one, other = house.submit(), house.submit()
    ended = house.finish(one), house.finish(other)
    assert [row.status for row in ended] == ["SUCCEEDED", "SUCCEEDED"], [row.cause for row in ended]
    assert house.hashes(one) == house.hashes(other) == house.hashes(first)
    for stage in ("package", "distill", "evaluate"):
        ran = [
            row
            for run in (one, other)
            for row in house.ledger(run).stages
            if row["stage"] == stage and not row["skipped"]
        ]
        assert len(ran) == 1, f"{stage} ran {len(ran)} times"

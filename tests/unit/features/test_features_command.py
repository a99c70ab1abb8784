"""The command ends as the gate would: a failed blocking check is no success."""

import pytest

from configs.contracts.artefacts import Check
from training_jobs.features.__main__ import exit_code, verdicts


def check(*, passed: bool, blocking: bool) -> Check:
    """Return a check."""
    return Check("leakage.x", passed, blocking, 1.0, "= 0", "why")


@pytest.mark.parametrize(
    ("passed", "blocking", "code", "word"),
    [
        (True, True, 0, "passed"),
        (True, False, 0, "passed"),
        (False, False, 0, "noted "),
        (False, True, 1, "FAILED"),
    ],
)
def test_only_a_failed_blocking_check_is_a_failure(
    passed: bool, blocking: bool, code: int, word: str
) -> None:
    checks = [check(passed=True, blocking=True), check(passed=passed, blocking=blocking)]
    assert exit_code(checks) == code
    assert verdicts(checks)[1] == f"{word}  leakage.x: why"

"""One made-up run and its report, shared by the tests that only read it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.report_reader import Part, Reader
from tests.fixtures.report_run import make_run, report_context
from training_jobs import report

Render = Callable[..., dict[str, Part]]


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """Return a made-up run that a test may change."""
    folder = tmp_path / "run"
    folder.mkdir()
    make_run(folder)
    return folder


@pytest.fixture
def render(tmp_path: Path) -> Render:
    """Return a function that makes the report of a run folder and reads it."""

    def rendered(folder: Path, **identity: str) -> dict[str, Part]:
        context = report_context(folder, tmp_path / "out", **identity)
        report.main(context)
        return Reader((context.output / "report.html").read_text(encoding="utf-8")).parts

    return rendered


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the report of the made-up run."""
    root = tmp_path_factory.mktemp("report")
    (root / "run").mkdir()
    make_run(root / "run")
    context = report_context(root / "run", root / "out")
    report.main(context)
    return (context.output / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def parts(page: str) -> dict[str, Part]:
    """Return the sections of that report."""
    return Reader(page).parts

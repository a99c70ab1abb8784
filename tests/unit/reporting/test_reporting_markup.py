"""Text from data never becomes markup, and the same inputs give the same bytes."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from configs.contracts.artefacts import file_sha256
from tests.fixtures.report_documents import CHURN, GROUP, IDENTITY
from tests.fixtures.report_reader import Part, Reader
from tests.fixtures.report_run import edit, make_run, report_context
from tests.unit.reporting.conftest import Render
from training_jobs import report
from training_jobs.reporting.markup import Html, el, escape, table

HOSTILE = """</td><script>alert(1)</script><svg onload=x>"'&\x00\x1b"""


def test_text_is_escaped_and_markup_is_not_escaped_twice() -> None:
    assert el("p", "<b>&\"'") == "<p>&lt;b&gt;&amp;&quot;&#x27;</p>"
    assert el("p", el("b", "a")) == "<p><b>a</b></p>"
    assert el("p", "<", title='"') == '<p title="&quot;">&lt;</p>'
    assert "<b>" not in table(("<b>",), [["<b>"]], caption="<b>")


def test_concatenated_markup_is_text_again() -> None:
    assert escape(Html("<b>") + "<i>") == "&lt;b&gt;&lt;i&gt;", (
        "only what was built here is trusted"
    )


def test_control_characters_do_not_reach_the_page() -> None:
    assert escape("a\x00b\x1bc\td\ne") == "a�b�c\td\ne"


def test_numbers_in_attributes_are_short_and_steady() -> None:
    assert el("rect", x=1 / 3, y=2.0, width=0.001) == '<rect x="0.33" y="2" width="0"/>'


def _poison(value: Any) -> Any:
    """Append the hostile text to every text a stage chose itself, names that are looked up kept."""
    if isinstance(value, dict):
        return {key: item if key in KEPT else _poison(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_poison(item) for item in value]
    return value + HOSTILE if isinstance(value, str) else value


KEPT = {"name", "type", "status", "route", "requested_route", "kind", "stage", "loss", "metrics"}


@pytest.fixture
def poisoned(run_folder: Path, render: Render) -> dict[str, Part]:
    for name in (
        "preflight/profile.json",
        "phase0/tasks.json",
        "phase0/feature_schema.json",
        "phase0/checks.json",
        "teacher/model.json",
        "evaluate/checks.json",
        f"distill/{GROUP}/students.json",
        "package/package.json",
        "package/model/model_card.json",
        "run/run.json",
    ):
        edit(run_folder, name, lambda content: content.update(_poison(content)))

    def rename(content: dict[str, Any]) -> None:
        content["tasks"][0]["name"] += HOSTILE

    edit(run_folder, "phase0/tasks.json", rename)
    return render(run_folder, run_id=IDENTITY["run_id"] + HOSTILE)


def test_hostile_text_adds_no_element_and_no_attribute(
    poisoned: dict[str, Part], parts: dict[str, Part]
) -> None:
    def vocabulary(found: dict[str, Part]) -> set[tuple[str, str]]:
        return {
            (tag, name)
            for part in found.values()
            for tag, given in part.elements
            for name in (*given, "")
        }

    assert vocabulary(poisoned) <= vocabulary(parts)
    assert not any(tag == "script" for part in poisoned.values() for tag, _ in part.elements)


def test_hostile_text_is_shown_as_it_is(poisoned: dict[str, Part]) -> None:
    shown = HOSTILE.replace("\x00", "�").replace("\x1b", "�")
    assert IDENTITY["run_id"] + shown in poisoned["summary"].text
    assert any(row[0] == CHURN + shown for row in poisoned["labels"].rows)
    for anchor in ("data", "features", "students", "checks", "limits", "timings"):
        assert shown in poisoned[anchor].text, anchor


def test_equal_inputs_give_equal_bytes_in_another_process(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path;"
        "from tests.fixtures.report_run import make_run, report_context;"
        "from training_jobs import report;"
        "root = Path(sys.argv[1]); (root / 'run').mkdir(parents=True); make_run(root / 'run');"
        "report.main(report_context(root / 'run', root / 'out'))"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "other")],
        check=True,
        env={"PYTHONPATH": ".", "PYTHONHASHSEED": "77", "TZ": "Asia/Seoul", "LC_ALL": "C"},
    )
    (tmp_path / "run").mkdir()
    make_run(tmp_path / "run")
    context = report_context(tmp_path / "run", tmp_path / "out")
    report.main(context)
    ours, theirs = (folder / "out" / "report.html" for folder in (tmp_path, tmp_path / "other"))
    assert file_sha256(ours) == file_sha256(theirs)


def test_another_value_gives_another_page(page: str, run_folder: Path, render: Render) -> None:
    def better(content: dict[str, Any]) -> None:
        content["tasks"]["nba_primary"]["metrics"]["macro_f1"]["teacher"]["value"] = 0.777

    edit(run_folder, "evaluate/evaluation.json", better)
    before, after = Reader(page).parts["metrics"], render(run_folder)["metrics"]
    assert "0.777 [0.600, 0.700]" in after.text
    assert before.of_class("mark") != after.of_class("mark"), "the drawing follows the value"

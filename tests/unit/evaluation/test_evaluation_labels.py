"""Labels are read in one place, and whoever reads those of test is on record."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.fixtures.label_reads import label_reads
from training_jobs.evaluation.labels import read_labelled
from training_jobs.evaluation.ledger import Ledger
from training_jobs.features.screen import read_train

ROOM = Path(__file__).resolve().parents[3] / "training_jobs"
PRODUCERS = {"tasks/examples.py", "tasks/gate.py"}
"""Label derivation and its gate; their reads are on record in `tasks.json`."""
GATEWAY = "evaluation/labels.py"
READERS = {"read_table", "read_folder", "ParquetFile", "read_parquet", "dataset", "open_table"}


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.JoinedStr) and node.values:
        node = node.values[0]
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _words(node: ast.AST) -> set[str]:
    texts = {text for part in ast.walk(node) if (text := _text(part))}
    return texts | {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def bypasses(source: str) -> Iterator[str]:
    """Yield what in a module reads labels, or whole examples, past the one place for it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.expr) and (text := _text(node)) and text.startswith("y_"):
            yield f"line {node.lineno}: names the label column {text}"
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            whole = len(node.args) < 2 and not any(k.arg == "columns" for k in node.keywords)
            place = node.args[0] if node.args else node
            if name in READERS and whole and _words(place) & {"examples", "EXAMPLES_FOLDER"}:
                yield f"line {node.lineno}: reads all columns of examples"


def test_no_module_reads_labels_past_the_ledger() -> None:
    found = {
        f"{path.relative_to(ROOM).as_posix()}: {what}"
        for path in sorted(ROOM.rglob("*.py"))
        if path.relative_to(ROOM).as_posix() not in PRODUCERS | {GATEWAY}
        for what in bypasses(path.read_text())
    }
    assert not found


@pytest.mark.parametrize(
    "planted",
    [
        'table = pq.read_table(path, columns=["split", "y_churn_signal"])',
        'table = pq.read_table(path, columns=[f"y_{task}" for task in tasks])',
        'labels = read_folder(phase0 / "examples")',
        'labels = pq.read_table(phase0 / "examples" / part)',
        "labels = pq.ParquetFile(output / EXAMPLES_FOLDER / part)",
    ],
)
def test_a_planted_bypass_is_found(planted: str) -> None:
    assert list(bypasses(planted))


@pytest.mark.parametrize(
    "sound",
    [
        'keys = pq.read_table(phase0 / "examples" / part, columns=["split"])',
        'features = read_folder(phase0 / "features")',
        'text = "why_y_is_missing"',
    ],
)
def test_what_reads_no_labels_is_no_bypass(sound: str) -> None:
    assert not list(bypasses(sound))


def _part(phase0: Path) -> Path:
    return sorted((phase0 / "examples").glob("part-*.parquet"))[0]


def test_test_labels_need_a_ledger(phase0: Path) -> None:
    uses = {"train": "fit", "test": "peek"}
    with pytest.raises(ValueError, match="on record only"):
        read_labelled(_part(phase0), [], ["churn_signal"], uses=uses)
    assert read_labelled(_part(phase0), ["split"], [], uses=uses).num_rows


def test_only_the_splits_that_are_named_leave_the_file(phase0: Path) -> None:
    ledger = Ledger("a test")
    with label_reads() as reads:
        table = read_labelled(
            _part(phase0),
            ["customer_id", "as_of", "split"],
            ["churn_signal"],
            uses={"selection": "stop", "test": "judge"},
            ledger=ledger,
        )
    assert set(table["split"].to_pylist()) == {"selection", "test"}
    assert reads.columns == {"selection": {"y_churn_signal"}, "test": {"y_churn_signal"}}
    assert [(row["split"], row["purpose"]) for row in ledger.plain()] == [
        ("selection", "stop"),
        ("test", "judge"),
    ]


def test_the_parts_of_one_read_are_one_entry(phase0: Path) -> None:
    ledger = Ledger("a test")
    for path in sorted((phase0 / "examples").glob("part-*.parquet")) * 2:
        read_labelled(path, [], ["churn_signal"], uses={"test": "judge"}, ledger=ledger)
    assert len(ledger.plain()) == 1
    read_labelled(_part(phase0), [], ["churn_signal"], uses={"test": "again"}, ledger=ledger)
    assert len(ledger.plain()) == 2


def test_the_screen_sees_train_alone_and_its_labels_belong_to_its_rows(phase0: Path) -> None:
    parts = sorted((phase0 / "examples").glob("part-*.parquet"))
    with label_reads() as reads:
        sample = read_train(phase0, range(len(parts)), most=10_000, tasks=["churn_signal"])
    assert set(reads.columns) == {"train"}
    wanted = []
    for path in parts:
        table = pq.read_table(path).to_pylist()
        wanted += [row["y_churn_signal"] for row in table if row["split"] == "train"]
    found = sample.labels["churn_signal"].tolist()
    assert [None if label != label else label for label in found] == wanted
    assert len(sample.values) == len(wanted)


def test_the_watch_sees_a_reader_that_takes_everything(phase0: Path) -> None:
    with label_reads() as reads:
        pq.read_table(_part(phase0))
    assert "y_churn_signal" in reads.columns["test"]
    with label_reads() as reads:
        pq.read_table(_part(phase0), columns=["y_churn_signal"])
    assert "test" in reads.columns

"""The house as drawn: which room may know which, held against every import of every file.

Source: the picture of rooms in the README and `docs/adr/0002-operations-room.md`.
"""

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from cdk.bundling import SHARED, requirements
from configs.contracts.functions import FUNCTIONS
from configs.contracts.names import Function

ROOT = Path(__file__).resolve().parents[2]
KNOWS: Mapping[str, frozenset[str]] = {
    "configs": frozenset(),
    "training_jobs": frozenset({"configs"}),
    "lambdas": frozenset({"configs"}),
    "step_functions": frozenset({"configs"}),
    "cdk": frozenset({"configs"}),
    "stacks": frozenset({"cdk", "configs", "step_functions"}),
    "app": frozenset({"configs", "stacks"}),
    "operations": frozenset({"configs"}),
    "local_cloud": frozenset({"configs", "operations"}),
    "benchmarks": frozenset({"configs", "lambdas", "local_cloud", "operations", "training_jobs"}),
    "examples": frozenset(),
}
"""Room -> other rooms that it may import."""
FOREIGN: Mapping[str, frozenset[str]] = {
    "aws_cdk": frozenset({"cdk", "stacks"}),
    "boto3": frozenset({"lambdas", "local_cloud", "operations"}),
    "botocore": frozenset({"examples", "lambdas", "local_cloud", "operations"}),
    "constructs": frozenset({"cdk", "stacks"}),
    "lightgbm": frozenset({"benchmarks", "training_jobs"}),
    "ministack": frozenset({"local_cloud"}),
    "pandas": frozenset(),
    "geoopt": frozenset(),
    "gudhi": frozenset({"benchmarks", "training_jobs"}),
    "hmmlearn": frozenset({"benchmarks"}),
    "ot": frozenset(),
    "polars": frozenset({"benchmarks"}),
    "ripser": frozenset({"benchmarks"}),
    "scipy": frozenset({"training_jobs"}),
    "sklearn": frozenset({"training_jobs"}),
    "torch": frozenset({"training_jobs"}),
}
"""Package -> the only rooms that may import it."""
PICKLES = frozenset({"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"})
"""Formats that run code when they are read."""
FRAMES = frozenset({"to_pandas", "fetchdf", "fetch_df"})
"""Calls that make a pandas frame without an import of pandas."""
LONGEST = 400
ENTRY_LONGEST = 40
HEAVY = frozenset({"lightgbm", "pandas", "pyarrow", "scipy", "sklearn", "torch"})
RUNTIME = frozenset({"boto3", "botocore"})
"""What the managed runtime brings."""
DISTRIBUTIONS = {"aws-lambda-powertools": "aws_lambda_powertools"}
"""Distributions whose import name is another."""


def room_of(path: str) -> str:
    """Return the room of a file, e.g. `cdk` of `cdk/nag.py`, `app` of `app.py`."""
    return path.split("/", 1)[0].removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of every import; `from a import b` yields both `a` and `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield node.lineno, module
            if not node.level:
                yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def _import_faults(room: str, name: str) -> Iterator[str]:
    top = name.split(".", 1)[0]
    if not top:
        yield "imports relatively"
    elif top == "tests" or (top in KNOWS and top != room and top not in KNOWS[room]):
        yield f"room {room} may not know {top}"
    elif room not in FOREIGN.get(top, {room}):
        yield f"room {room} may not import {top}"
    elif top in PICKLES:
        yield f"{top} runs code when it reads"


def _call_faults(room: str, node: ast.Call) -> Iterator[str]:
    given = {row.arg: row.value for row in node.keywords}
    allowed = given.get("allow_pickle")
    if allowed is not None and not (isinstance(allowed, ast.Constant) and allowed.value is False):
        yield "allow_pickle runs code when it reads"
    if ast.unparse(node.func) == "torch.load":
        yield "torch.load runs code when it reads: use safetensors"
    if isinstance(node.func, ast.Attribute) and node.func.attr in FRAMES:
        yield f"{node.func.attr} makes a pandas frame"


def faults(files: Mapping[str, str]) -> list[str]:
    """Return every breach of the picture in sources by path."""
    found = []
    for path, text in files.items():
        room = room_of(path)
        tree = ast.parse(text, path)
        if (length := len(text.splitlines())) > LONGEST:
            found.append(f"{path}: {length} lines")
        if room == "tests":
            continue
        for line, name in imports(tree):
            found += [f"{path}:{line}: {fault}" for fault in _import_faults(room, name)]
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                found += [f"{path}:{node.lineno}: {fault}" for fault in _call_faults(room, node)]
    return sorted(set(found))


@cache
def sources() -> Mapping[str, str]:
    """Return path -> text of every Python file of the product and of its tests."""
    found = {"app.py": ROOT / "app.py"}
    for room in (*KNOWS, "tests"):
        for path in sorted((ROOT / room).rglob("*.py")):
            if "__pycache__" not in path.parts:
                found[path.relative_to(ROOT).as_posix()] = path
    return {name: path.read_text(encoding="utf-8") for name, path in found.items()}


def test_every_import_follows_the_picture_of_rooms() -> None:
    assert faults(sources()) == []


def test_every_folder_with_code_is_a_room_of_the_picture() -> None:
    ignored = {"build", "cdk.out", "node_modules", "out", "tests"}
    folders = {
        path.parent.name
        for path in ROOT.glob("*/*.py")
        if path.parent.name not in ignored and not path.parent.name.startswith(".")
    }
    assert folders == set(KNOWS) - {"app"}
    assert {path.name for path in ROOT.glob("*.py")} == {"app.py"}


def test_rooms_do_not_know_each_other_in_a_circle() -> None:
    done: set[str] = set()
    while len(done) < len(KNOWS):
        ready = {room for room, known in KNOWS.items() if known <= done} - done
        assert ready, f"a circle among {sorted(set(KNOWS) - done)}"
        done |= ready


def test_the_entry_point_only_composes() -> None:
    assert len(sources()["app.py"].splitlines()) <= ENTRY_LONGEST


def test_the_embedded_aws_knows_no_stack_by_name() -> None:
    # "Training" is also a word of SageMaker's own interface, which the emulator speaks.
    names = {"Foundation", "Serving", "Agents", "Observability"}
    for path, text in sources().items():
        if room_of(path) == "local_cloud":
            words = {
                node.value
                for node in ast.walk(ast.parse(text))
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            }
            assert not names & words, path


@pytest.mark.parametrize(
    ("path", "text", "fault"),
    [
        ("configs/a.py", "import lambdas.gate", "room configs may not know lambdas"),
        ("training_jobs/a.py", "from cdk import nag", "room training_jobs may not know cdk"),
        ("training_jobs/a.py", "import aws_cdk", "room training_jobs may not import aws_cdk"),
        ("training_jobs/a.py", "import boto3", "room training_jobs may not import boto3"),
        ("training_jobs/a.py", "import pandas as pd", "room training_jobs may not import pandas"),
        ("training_jobs/a.py", "x = t.to_pandas()", "to_pandas makes a pandas frame"),
        ("training_jobs/a.py", "import pickle", "pickle runs code when it reads"),
        ("training_jobs/a.py", "np.load(f, allow_pickle=True)", "allow_pickle runs code"),
        ("training_jobs/a.py", "torch.load(f)", "torch.load runs code"),
        (
            "lambdas/a.py",
            "def f():\n    from training_jobs.ple import model",
            "room lambdas may not know training_jobs",
        ),
        ("lambdas/a.py", "import lightgbm", "room lambdas may not import lightgbm"),
        ("lambdas/a.py", "from pandas import DataFrame", "room lambdas may not import pandas"),
        ("step_functions/a.py", "import aws_cdk", "room step_functions may not import aws_cdk"),
        ("step_functions/a.py", "import stacks.base", "room step_functions may not know stacks"),
        ("cdk/a.py", "import step_functions", "room cdk may not know step_functions"),
        ("operations/a.py", "import local_cloud", "room operations may not know local_cloud"),
        ("local_cloud/a.py", "import stacks", "room local_cloud may not know stacks"),
        ("local_cloud/a.py", "import training_jobs", "may not know training_jobs"),
        ("examples/a.py", "import configs", "room examples may not know configs"),
        ("app.py", "import cdk.nag", "room app may not know cdk"),
        ("cdk/a.py", "import tests.fixtures", "room cdk may not know tests"),
        ("cdk/a.py", "from . import nag", "imports relatively"),
        ("cdk/a.py", "\n" * (LONGEST + 1), "401 lines"),
        ("tests/unit/a.py", "\n" * (LONGEST + 1), "401 lines"),
    ],
)
def test_a_planted_breach_is_found(path: str, text: str, fault: str) -> None:
    assert any(fault in found for found in faults({path: text})), faults({path: text})


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("configs/a.py", "import configs.errors\nimport json"),
        ("stacks/a.py", "from step_functions import ops_review\nfrom cdk.nag import check"),
        ("training_jobs/a.py", "import torch\nfrom configs.errors import SevenLensError"),
        ("training_jobs/a.py", "np.load(f, allow_pickle=False)"),
        ("tests/unit/a.py", "import pandas, pickle, stacks"),
        ("cdk/a.py", "\n" * LONGEST),
    ],
)
def test_what_is_allowed_is_not_called_a_breach(path: str, text: str) -> None:
    assert faults({path: text}) == []


def _module_file(name: str, files: Mapping[str, str]) -> str | None:
    base = name.replace(".", "/")
    return next((path for path in (f"{base}.py", f"{base}/__init__.py") if path in files), None)


def closure(start: str, files: Mapping[str, str]) -> tuple[set[str], set[str]]:
    """Return (our files, foreign packages) that an import of one module may load."""
    waiting, seen, foreign = [start], set[str](), set[str]()
    while waiting:
        name = waiting.pop()
        parts = name.split(".")
        if parts[0] not in KNOWS:
            if parts[0] not in sys.stdlib_module_names:
                foreign.add(parts[0])
            continue
        for end in range(1, len(parts) + 1):
            path = _module_file(".".join(parts[:end]), files)
            if path and path not in seen:
                seen.add(path)
                waiting += [found for _, found in imports(ast.parse(files[path]))]
    return seen, foreign


def _bundled(bundle: str) -> set[str]:
    lines = requirements(bundle).read_text().splitlines()
    names = {line.split("==")[0] for line in lines if line and not line.startswith("#")}
    return {DISTRIBUTIONS.get(name, name.replace("-", "_")) for name in names}


@pytest.mark.parametrize("function", list(Function), ids=str)
def test_a_function_imports_only_what_its_bundle_holds(function: Function) -> None:
    ours, foreign = closure(f"lambdas.{function}.handler", sources())
    bundle = FUNCTIONS[function].bundle
    assert foreign <= _bundled(bundle) | RUNTIME
    shared = {path for path in ours if room_of(path) == "configs"}
    assert {path for path in shared if not path.startswith("configs/contracts/")} <= set(SHARED)
    others = {row.function.value for row in FUNCTIONS.values() if row.bundle != bundle}
    folders = {path.split("/")[1] for path in ours if room_of(path) == "lambdas"}
    assert not folders & others


def test_the_decision_path_reaches_no_heavy_package() -> None:
    _, foreign = closure("lambdas.recommend.handler", sources())
    assert "numpy" in foreign, "the closure no longer follows the imports of the decision path"
    assert not foreign & HEAVY


def test_a_heavy_import_planted_deep_below_the_decision_path_is_found() -> None:
    files = dict(sources())
    files["lambdas/decision/forest.py"] += "\ndef late() -> None:\n    import scipy.special\n"
    _, foreign = closure("lambdas.recommend.handler", files)
    assert foreign & HEAVY == {"scipy"}


def test_loading_the_decision_path_loads_no_heavy_package() -> None:
    script = "import sys, lambdas.recommend.handler; print(*{n.split('.')[0] for n in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "numpy" in loaded
    assert not loaded & HEAVY


def _doubled(paths: Iterable[str]) -> list[str]:
    names = [Path(path).name for path in paths if Path(path).name.startswith("test_")]
    return sorted({name for name in names if names.count(name) > 1})


def test_names_of_test_files_are_unique() -> None:
    assert _doubled(path for path in sources() if room_of(path) == "tests") == []

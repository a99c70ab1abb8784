"""Container images: pinned, complete, nothing useless, and run the way the machine runs them."""

import ast
import importlib.metadata as metadata
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cdk.image import image_sources
from configs.contracts.stages import STAGES, Image, Stage
from configs.settings.run import dump, load_run_settings
from tests.infrastructure.synthesis import ROOT

EXACT = re.compile(r"^FROM \S+?:\d+\.\d+\.\d+-[a-z0-9-]+(@sha256:[0-9a-f]{64})?$", re.MULTILINE)
REHEARSAL = 'importlib.import_module(f"training_jobs.{stage}")'
"""How the dry run loads every later stage by its name."""
TARGET = {
    "extra": "",
    "platform_machine": "x86_64",
    "platform_system": "Linux",
    "python_full_version": "3.11.15",
    "python_version": "3.11",
    "sys_platform": "linux",
}
"""The images' own platform, whatever the tests run on."""
CUDA = ("cuda-", "nvidia-", "triton")
"""What PyTorch's CUDA build brings by itself; the CPU build has none of it."""
KERNELS = re.compile(
    r"^ARG KERNELS=cu(\d+)torch([\d.]+)cxx11abi(TRUE|FALSE)-cp(\d+)-cp\4-", re.MULTILINE
)
OWN: Mapping[Image, frozenset[str]] = {
    Image.MAMBA: frozenset(
        {
            "certifi",
            "charset-normalizer",
            "einops",
            "hf-xet",
            "huggingface-hub",
            "idna",
            "packaging",
            "regex",
            "requests",
            "tokenizers",
            "torch",
            "tqdm",
            "transformers",
            "urllib3",
        }
    )
}
"""What an image pins for prebuilt kernels that the tests cannot load: no import here asks for it,
and PyTorch is the release that the kernels were built for."""
each_image = pytest.mark.parametrize("image", list(Image), ids=str)


def _pins(path: Path) -> dict[str, str]:
    rows = [line.split("#")[0].strip() for line in path.read_text().splitlines()]
    pins = {}
    for row in filter(None, rows):
        name, exact, version = row.partition("==")
        assert exact, f"{path.name}: {row} is not pinned"
        pins[str(canonicalize_name(name))] = version
    return pins


def _folder(image: Image) -> Path:
    return ROOT / "containers" / image


def _dockerfile(image: Image) -> str:
    return (_folder(image) / "Dockerfile").read_text()


def _stages(image: Image) -> list[Stage]:
    """Return the stages whose modules an image loads: its own, and those rehearsed by one."""
    own = [stage for stage, contract in STAGES.items() if contract.image is image]
    rehearses = any(
        REHEARSAL in (ROOT / "training_jobs" / f"{stage}.py").read_text() for stage in own
    )
    return list(STAGES) if rehearses else own


def _file(module: str) -> Path | None:
    base = ROOT / module.replace(".", "/")
    return next(
        (path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None
    )


def _loaded(stages: Iterable[Stage]) -> tuple[set[Path], set[str]]:
    """Return our files, and the names of foreign packages, that stages' modules may import."""
    waiting = [f"training_jobs.{stage}" for stage in stages]
    files, foreign = set[Path](), set[str]()
    while waiting:
        parts = waiting.pop().split(".")
        if parts[0] not in ("configs", "training_jobs"):
            if parts[0] not in sys.stdlib_module_names:
                foreign.add(parts[0])
            continue
        for end in range(1, len(parts) + 1):
            path = _file(".".join(parts[:end]))
            if path is None or path in files:
                continue
            files.add(path)
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    waiting += [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.module:
                    waiting += [f"{node.module}.{alias.name}" for alias in node.names]
    return files, foreign


def _needed(names: Iterable[str]) -> set[str]:
    """Return distributions with everything that they require in an image."""
    waiting, found = list(names), set[str]()
    while waiting:
        name = str(canonicalize_name(waiting.pop()))
        if name in found:
            continue
        found.add(name)
        for text in metadata.requires(name) or []:
            row = Requirement(text)
            wanted = row.marker is None or row.marker.evaluate(TARGET)
            if wanted and not row.name.startswith(CUDA):
                waiting.append(row.name)
    return found


@each_image
def test_every_pin_is_the_one_that_the_tests_run_with(image: Image) -> None:
    lock = _pins(ROOT / "requirements" / "dev.lock")
    for name, version in _pins(_folder(image) / "requirements.txt").items():
        if name in OWN.get(image, ()):
            continue
        assert lock.get(name) == version, name
        assert metadata.version(name).partition("+")[0] == version, name


@each_image
def test_everything_that_its_jobs_import_is_installed_and_nothing_else(image: Image) -> None:
    _, foreign = _loaded(_stages(image))
    providers = metadata.packages_distributions()
    imported = {name for package in foreign for name in providers[package]}
    assert "numpy" in imported
    wanted = _needed(imported) | OWN.get(image, frozenset())
    assert set(_pins(_folder(image) / "requirements.txt")) == wanted


def test_prebuilt_kernels_are_of_the_python_and_pytorch_of_their_image() -> None:
    ((cuda, torch, _, python),) = KERNELS.findall(_dockerfile(Image.MAMBA))
    pin = _pins(_folder(Image.MAMBA) / "requirements.txt")["torch"]
    assert pin.rpartition(".")[0] == torch
    assert python == TARGET["python_version"].replace(".", "")
    assert cuda == "12", "PyTorch 2.10 of the package index stands on CUDA 12"
    for name in ("mamba_ssm", "causal_conv1d"):
        assert re.search(
            rf"^ARG \w+=https://\S+/v([\w.]+)/{name}-\1$", _dockerfile(Image.MAMBA), re.M
        )


@each_image
def test_every_file_of_ours_that_its_jobs_import_is_in_the_image(image: Image) -> None:
    files, _ = _loaded(_stages(image))
    held = image_sources(image)
    assert {path.relative_to(ROOT).as_posix() for path in files} <= set(held)
    assert {f"containers/{image}/Dockerfile", f"containers/{image}/requirements.txt"} <= set(held)


@each_image
def test_the_base_is_one_exact_release(image: Image) -> None:
    text = _dockerfile(image)
    assert len(EXACT.findall(text)) == text.count("FROM ") == 1
    assert f"python:{TARGET['python_full_version']}-" in text


@each_image
def test_the_entry_point_is_a_stage_of_the_image_in_the_form_of_the_machine(image: Image) -> None:
    (line,) = re.findall(r"^ENTRYPOINT (.+)$", _dockerfile(image), re.MULTILINE)
    *start, module = json.loads(line)
    assert start == ["python", "-m"]
    assert STAGES[Stage(module.removeprefix("training_jobs."))].image is image


@each_image
def test_the_image_copies_the_rooms_of_its_jobs_and_no_other(image: Image) -> None:
    copies = re.findall(r"^COPY (\S+) (\S+)$", _dockerfile(image), re.MULTILINE)
    sources = {source for source, _ in copies}
    assert sources == {"configs", "training_jobs", f"containers/{image}/requirements.txt"}
    assert "ADD " not in _dockerfile(image)


@pytest.mark.parametrize("dataset", ["synthetic", "berka"])
@each_image
def test_a_job_reads_its_settings_without_the_files_they_came_from(
    tmp_path: Path, image: Image, dataset: str
) -> None:
    # An image holds code and no YAML; the settings travel with the run, fully resolved.
    for name, content in image_sources(image).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    assert not list((tmp_path / "configs").rglob("*.yaml"))
    script = (
        "import json, sys; from configs.settings.run import RunSettings;"
        "given = json.load(sys.stdin);"
        "assert RunSettings.model_validate(given).model_dump(mode='json') == given"
    )
    subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        input=json.dumps(dump(load_run_settings(dataset))),
        text=True,
        check=True,
    )

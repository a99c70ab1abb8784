"""Function bundles without Docker: our code, validated settings as JSON, and pinned wheels.

pip decides by `--platform` which wheels it takes, so a laptop of any kind makes the bundle that
the managed runtime needs. Wheels are installed once per lock file and kept in `build/`.
"""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cdk.sources import (
    BUILD,
    ROOT,
    contents,
    files_below,
    settle,
    source_hash,
    temporary_folder,
    write,
)
from configs.contracts.functions import FUNCTIONS
from configs.errors import SevenLensError
from configs.settings.serving import bundle_files

INTERPRETER = "interpreter"
PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_27_x86_64", "manylinux_2_28_x86_64")
"""What the managed runtimes of Python 3.12 and newer (glibc 2.34) can load."""
SHARED = ("configs/__init__.py", "configs/errors.py", "configs/version.py")
NOT_NEEDED = ("tests", "__pycache__", "include", "f2py", "bin")
"""Folders of installed packages that a function never loads."""


class BundleError(SevenLensError):
    """A function bundle cannot be made."""


@dataclass(frozen=True)
class Bundle:
    """A folder that becomes a function's zip file, and the hash of what it was made from."""

    folder: Path
    digest: str


def runtime_version(python: str) -> str:
    """Return the runtime's Python version, e.g. `3.14`."""
    if python == INTERPRETER:
        return f"{sys.version_info.major}.{sys.version_info.minor}"
    return python


def requirements(bundle: str) -> Path:
    """Return the lock file of a bundle."""
    return ROOT / "lambdas" / f"requirements-{bundle}.txt"


def _install(lock: Path, python: str, target: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--no-compile", "--only-binary=:all:", "--target", str(target)]
    if python != INTERPRETER:
        command += ["--python-version", python, "--implementation", "cp"]
        command += [word for name in PLATFORMS for word in ("--platform", name)]
    done = subprocess.run([*command, "-r", str(lock)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BundleError(
            f"pip cannot install {lock.relative_to(ROOT)} for Python {python}:\n{done.stderr}",
            remedy="check the connection to the package index, then repeat",
        )
    for folder in sorted(target.rglob("*"), reverse=True):
        if folder.is_dir() and folder.name in NOT_NEEDED:
            shutil.rmtree(folder)
    for path in target.rglob("*"):
        # A record of files would be false after this clean-up; stubs are for type checkers.
        if path.suffix == ".pyi" or path.name == "RECORD":
            path.unlink()


def _wheels(bundle: str, python: str) -> Path | None:
    lock = requirements(bundle)
    pins = [line for line in lock.read_text().splitlines() if line and not line.startswith("#")]
    if not pins:
        return None
    key = source_hash(
        {"lock": "\n".join(pins).encode()},
        python,
        runtime_version(python),
        sys.platform if python == INTERPRETER else "",
        *PLATFORMS,
        *NOT_NEEDED,
    )
    final = BUILD / "wheels" / f"{bundle}-{key[:16]}"
    if not final.is_dir():
        temporary = temporary_folder(final)
        _install(lock, python, temporary)
        settle(temporary, final)
    return final


def _code(bundle: str) -> dict[str, bytes]:
    """Return our own files: shared packages, and the functions of this bundle."""
    others = {row.function.value for row in FUNCTIONS.values() if row.bundle != bundle}
    ours = [
        path
        for path in files_below("lambdas")
        if path.relative_to(ROOT / "lambdas").parts[0] not in others
    ]
    shared = [ROOT / name for name in SHARED] + files_below("configs/contracts")
    return {**contents([*ours, *shared]), **bundle_files()}


@cache
def make_bundle(bundle: str, python: str) -> Bundle:
    """Return the folder of a bundle, made anew only when something in it changed.

    Args:
        bundle: `control` or `serving`.
        python: version such as `3.14`, or `interpreter`.

    Raises:
        BundleError: pip cannot install the pinned wheels.
    """
    code = _code(bundle)
    wheels = _wheels(bundle, python)
    key = source_hash(code, python, wheels.name if wheels else "")
    final = BUILD / "bundles" / f"{bundle}-{key[:16]}"
    if not final.is_dir():
        temporary = temporary_folder(final)
        if wheels is not None:
            shutil.copytree(wheels, temporary, dirs_exist_ok=True)
        write(code, temporary)
        settle(temporary, final)
    return Bundle(final, key)

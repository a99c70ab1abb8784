"""The source files of a demo: the folder that was named, or a generated synthetic bank."""

import subprocess
import sys
from pathlib import Path

from configs.contracts.storage import ORACLE_ENDING
from configs.errors import DataContractError

ROOT = Path(__file__).resolve().parents[2]
WORKERS = "2"


def _run(module: str, *arguments: str) -> None:
    command = [sys.executable, "-m", module, *arguments, "--workers", WORKERS]
    subprocess.run(command, cwd=ROOT, check=True)


def source_folder(dataset: str, data: str | None, *, customers: int) -> Path:
    """Return the folder with the source files, generating the synthetic bank if none is named.

    The generated folder is named by its size and complete or absent: the generator writes beside
    it and renames at the end. Its state oracle lies beside it.

    Raises:
        DataContractError: a data set other than `synthetic` needs a folder and none was named.
    """
    if data is not None:
        folder = Path(data).expanduser()
        if not folder.is_dir():
            raise DataContractError(f"{folder} is not a folder", remedy="name one by DATA=<folder>")
        return folder
    if dataset != "synthetic":
        raise DataContractError(
            f"data set '{dataset}' comes without source files",
            remedy="name the folder that holds them by DATA=<folder>",
        )
    folder = ROOT / "build" / "data" / f"synthetic-{customers}"
    if not folder.is_dir():
        _run("training_jobs.data.synthetic", "--customers", str(customers), "--out", str(folder))
    if not folder.with_name(folder.name + ORACLE_ENDING).is_file():
        _run("training_jobs.data.synthetic.oracle", "--data", str(folder))
    return folder

"""Package stage: the model folder that serving loads, and a record for every customer."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from configs.contracts.artefacts import Manifest, canonical_json, digest, list_files
from configs.contracts.stages import Stage
from configs.errors import ArtefactError
from configs.settings.dataset import DatasetSettings
from configs.settings.package import PackageSettings
from configs.version import version
from training_jobs.distillation.rows import Rows, read_rows, read_tasks
from training_jobs.evaluation.ledger import Ledger
from training_jobs.packaging.bank import Bank
from training_jobs.packaging.model_files import Sources, metrics, model_card, serving
from training_jobs.packaging.pack import pack
from training_jobs.packaging.records import (
    RecordParts,
    Telling,
    attributions,
    lens_shares,
    records,
)
from training_jobs.packaging.students import Students, read_students
from training_jobs.runtime import JobContext, run_job

MODEL, RECORDS, PACKAGE_FILE = "model", "records", "package.json"
STAGES_OF_PROGRESS = 4
READ_FOR = {"train": "base rates and scales of the product score"}
"""Split -> what its labels are read for; test is not among them."""

UNTOLD = "none"
"""Unit of columns that no reader could make sense of, such as coordinates of an embedding."""


def _json(path: Path) -> Any:
    return json.loads(path.read_text())


def _sources(phase0: Path, teacher: Path, evaluate: Path) -> Sources:
    return Sources(
        tasks=[row for row in _json(phase0 / "tasks.json")["tasks"] if row["status"] == "on"],
        schema=_json(phase0 / "feature_schema.json"),
        glossary=_json(phase0 / "glossary.json"),
        lenses=_json(teacher / "model.json")["lenses"],
        evaluation=_json(evaluate / "evaluation.json"),
    )


def _write_all(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def write_records(
    folder: Path, lines: Iterator[tuple[str, bytes]], *, part_records: int, max_bytes: int
) -> tuple[list[str], str]:
    """Write JSON lines in parts and return (names of the parts, first customer).

    Raises:
        ArtefactError: there is no record, or one is too large to be stored.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts: dict[str, list[bytes]] = {}
    first = ""
    for number, (customer, line) in enumerate(lines):
        if len(line) > max_bytes:
            raise ArtefactError(
                f"the record of one customer has {len(line)} bytes, more than {max_bytes}",
                remedy="lower package.attributions.top, or raise package.max_record_bytes",
            )
        first = first or customer
        parts.setdefault(f"part-{number // part_records:05d}.jsonl", []).append(line)
    if not parts:
        raise ArtefactError(
            "no customer is scored at the serving date", remedy="see dataset.serving and the data"
        )
    _write_all(folder, {name: b"\n".join(rows) + b"\n" for name, rows in parts.items()})
    return [f"{folder.name}/{name}" for name in parts], first


def _model_manifest(folder: Path, context: JobContext) -> Manifest:
    """The run does not enter: the same stage key gives the same bytes whoever asked for it."""
    key = context.identity["stage_key"]
    return Manifest(
        stage=Stage.PACKAGE.value,
        stage_key=key,
        run_id=key,
        config_hash=digest(dict(context.settings)),
        code_version=context.identity["code_version"],
        data_hash=context.identity["data_hash"],
        version=version(),
        files=list_files(folder),
    )


def _parts(
    context: JobContext,
    bank: Bank,
    rows: Rows,
    students: Students,
    *,
    settings: PackageSettings,
    telling: Telling,
) -> RecordParts:
    places = np.flatnonzero(rows.split == "score")
    return RecordParts(
        rows=rows,
        places=places,
        shares=lens_shares(context.inputs["teacher"], rows, places),
        attributed=attributions(
            students.served,
            students.texts,
            rows,
            places,
            telling=telling,
            batch=settings.part_records,
            threads=settings.attributions.threads,
        ),
        owned=bank.owned(),
        attributes=bank.attributes(),
    )


def _told(phase0: Path) -> frozenset[str]:
    """Return the columns that may be told: not protected, with a unit that means something."""
    return frozenset(
        name
        for name, entry in _json(phase0 / "glossary.json").items()
        if not entry["protected"] and entry["unit"] != UNTOLD
    )


def main(context: JobContext) -> None:
    """Write `model/`, `records/` and `package.json`.

    Raises:
        ArtefactError: artefacts of earlier stages do not fit together.
        SettingsError: a lens has no label.
    """
    settings = PackageSettings.model_validate(context.settings["package"])
    dataset = DatasetSettings.model_validate(context.settings["dataset"])
    phase0 = context.inputs["phase0"]
    sources = _sources(phase0, context.inputs["teacher"], context.inputs["evaluate"])
    rows = read_rows(phase0, read_tasks(phase0), uses=READ_FOR, ledger=Ledger(Stage.PACKAGE))
    students = read_students(context.inputs["distill"], [row["name"] for row in sources.tasks])
    bank = Bank(context.inputs["preflight"] / "tables", dataset.as_ofs("score")[0])
    context.progress(1, STAGES_OF_PROGRESS, "students and scored customers read")

    products = bank.catalogue()
    popularity = bank.popularity(settings.popularity, [row["product"] for row in products])
    files = {
        **pack(students.served, students.texts, sources.schema["decision_inputs"]),
        **{f"students/{task}.txt": text.encode() for task, text in students.texts.items()},
        "feature_schema.json": (phase0 / "feature_schema.json").read_bytes(),
        "catalogue.json": canonical_json({"products": products}),
        "calibrators.json": canonical_json(
            {task: entry["calibrator"] for task, entry in students.served.items()}
        ),
        "metrics.json": canonical_json(metrics(sources, students)),
        "model_card.json": canonical_json(
            model_card(
                sources,
                students=students,
                settings=settings,
                dataset=context.settings["dataset"],
                identity=context.identity,
            )
        ),
        "serving.json": canonical_json(
            serving(
                sources,
                students=students,
                rows=rows,
                settings=settings,
                currency=dataset.currency.model_dump(),
                popularity=popularity,
            )
        ),
    }
    folder = context.output / MODEL
    _write_all(folder, files)
    context.progress(2, STAGES_OF_PROGRESS, f"{len(students.texts)} students packed")

    telling = Telling(
        columns=_told(phase0),
        classes={row["name"]: row["classes"] for row in sources.tasks if row["classes"]},
        groups={row["group"] for row in products},
        top=settings.attributions.top,
    )
    parts, first = write_records(
        context.output / RECORDS,
        records(_parts(context, bank, rows, students, settings=settings, telling=telling)),
        part_records=settings.part_records,
        max_bytes=settings.max_record_bytes,
    )
    context.progress(3, STAGES_OF_PROGRESS, f"{len(parts)} parts of records")
    # Records are looked up by model version, so another record makes another version.
    content = digest([[row.path, row.sha256] for row in list_files(context.output)])
    _model_manifest(folder, context).write(folder)
    (context.output / PACKAGE_FILE).write_bytes(
        canonical_json(
            {
                "model_version": f"{version()}-{content[:12]}",
                "record_parts": parts,
                "smoke_customer": first,
            }
        )
    )
    context.progress(4, STAGES_OF_PROGRESS, "package complete")


if __name__ == "__main__":
    run_job(Stage.PACKAGE, main)

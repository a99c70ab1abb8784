"""Where every artefact comes from: keys, versions and hashes of the stages."""

from configs.contracts.stages import STAGES, Stage
from training_jobs.reporting.case import Case, Section
from training_jobs.reporting.documents import NotAvailable
from training_jobs.reporting.markup import Child, Html, el, join, paragraph, table
from training_jobs.reporting.sections.summary import missing
from training_jobs.reporting.words import count, short, size


def _row(case: Case, stage: Stage, group: str | None) -> list[Child]:
    name = f"{stage} ({group})" if group else str(stage)
    try:
        manifest = case.inputs.manifest(stage, group)
    except NotAvailable as why:
        return [name, missing(why), *([None] * 6)]
    hashes = (
        manifest.stage_key,
        manifest.config_hash,
        manifest.data_hash,
        manifest.code_version,
        manifest.content_hash,
    )
    return [
        name,
        *(el("code", short(value)) for value in hashes),
        count(len(manifest.files)),
        size(sum(entry.size for entry in manifest.files)),
    ]


def make(case: Case) -> Html:
    """Return one row a stage, as its manifest tells it."""
    rows: list[list[Child]] = []
    data = set()
    for stage in STAGES[Stage.REPORT].inputs:
        try:
            groups = case.inputs.groups(stage)
        except NotAvailable as why:
            rows.append([str(stage), missing(why), *([None] * 6)])
            continue
        for group in groups:
            rows.append(_row(case, stage, group))
            try:
                data.add(case.inputs.manifest(stage, group).data_hash)
            except NotAvailable:
                continue
    strange = data - {case.identity["data_hash"]}
    return join(
        [
            table(
                (
                    "Stage",
                    "Stage key",
                    "Settings",
                    "Data",
                    "Code",
                    "Content",
                    "Files",
                    "Size",
                ),
                rows,
                numeric=(6, 7),
            ),
            paragraph(
                "Warning: a stage worked on other data than this run: ",
                ", ".join(sorted(short(value) for value in strange)),
            )
            if strange
            else paragraph("All stages that could be read worked on the data of this run."),
        ]
    )


SECTION = Section("provenance", "Provenance", make)

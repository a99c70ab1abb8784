"""What the run took: seconds and cost by stage, and what was spared by skipping."""

from configs.contracts.stages import STAGES
from training_jobs.reporting.case import Case, Section
from training_jobs.reporting.documents import Document
from training_jobs.reporting.figures.small import bars
from training_jobs.reporting.figures.svg import figure
from training_jobs.reporting.markup import Child, Html, facts, join, paragraph, pill, table
from training_jobs.reporting.sections.summary import missing
from training_jobs.reporting.words import NOTHING, duration, plural, usd


def _name(row: Document) -> str:
    group = row.get("group")
    return f"{row['stage']} ({group})" if group else str(row["stage"])


def _order(row: Document) -> tuple[int, str]:
    stages = [stage.value for stage in STAGES]
    place = stages.index(row["stage"]) if row["stage"] in stages else len(stages)
    return place, _name(row)


def _cost(value: float | None) -> str:
    return NOTHING if value is None else usd(value)


def _spared(skipped: list[Document]) -> Child:
    known = [row["avoided_usd"] for row in skipped if row.get("avoided_usd") is not None]
    if not skipped:
        return "nothing was skipped"
    if len(known) < len(skipped):
        return missing(
            f"the cost of {len(skipped) - len(known)} of {len(skipped)} skipped stages is not "
            "on record"
        )
    return usd(sum(known))


def make(case: Case) -> Html:
    """Return bars, table and sums."""
    rows = sorted(case.inputs.run()["stages"], key=_order)
    ran = [row for row in rows if not row["skipped"]]
    skipped = [row for row in rows if row["skipped"]]
    drawn = [
        (
            _name(row),
            float(row["seconds"]),
            duration(row["seconds"]) + (" when it was made, skipped" if row["skipped"] else ""),
            "skipped" if row["skipped"] else "ran",
        )
        for row in rows
        if row["seconds"] is not None
    ]
    body: list[list[Child]] = [
        [
            _name(row),
            pill("skipped", "quiet") if row["skipped"] else pill("ran", "good"),
            NOTHING if row["seconds"] is None else duration(row["seconds"]),
            _cost(row["cost_usd"]),
            _cost(row.get("avoided_usd")) if row["skipped"] else NOTHING,
        ]
        for row in rows
    ]
    seconds = sum(row["seconds"] or 0.0 for row in ran)
    spared = sum(row["seconds"] or 0.0 for row in skipped)
    costs = [row["cost_usd"] for row in ran]
    return join(
        [
            figure(
                bars(drawn, title="seconds by stage"),
                "From lease to commit, so starting a machine counts. Hollow bars: the stage's "
                "output was committed by an earlier run and was taken as it is.",
            ),
            table(
                ("Stage", "State", "Time", "Cost of this run", "Cost avoided by skipping"),
                body,
                numeric=(2, 3, 4),
            ),
            facts(
                [
                    ("Stages that ran", f"{plural(len(ran), 'stage')}, {duration(seconds)}"),
                    (
                        "Cost of this run so far",
                        missing("a stage has no cost on record")
                        if any(cost is None for cost in costs)
                        else usd(sum(costs)),
                    ),
                    (
                        "Stages skipped",
                        f"{plural(len(skipped), 'stage')}, {duration(spared)} spared",
                    ),
                    ("Cost avoided by skipping", _spared(skipped)),
                ]
            ),
            paragraph(
                "Costs are machine hours at list price. This report, registration and publication "
                "come later and are not in the sums.",
                quiet="quiet",
            ),
        ]
    )


SECTION = Section("timings", "Time and cost", make)

"""The head of the page: which run this is, and the verdict in words."""

from collections import Counter
from collections.abc import Callable

from configs.contracts.artefacts import digest
from configs.contracts.stages import STAGES, Stage
from configs.version import version
from training_jobs.packaging.model_files import LAYERS
from training_jobs.reporting.case import Case, Section
from training_jobs.reporting.documents import NotAvailable
from training_jobs.reporting.gates import Gate, read_gates
from training_jobs.reporting.markup import Child, Html, el, facts, join, paragraph
from training_jobs.reporting.words import moment, plural, short


def missing(why: object) -> Html:
    """Return the words for what cannot be shown."""
    return el("span", f"not available: {why}", class_="missing")


def _config_hash(case: Case) -> str:
    """One hash over the settings slices of all stages that were given."""
    hashes = {}
    for stage in STAGES[Stage.REPORT].inputs:
        for group in case.inputs.groups(stage):
            hashes[f"{stage}/{group or ''}"] = case.inputs.manifest(stage, group).config_hash
    return digest(hashes)


def _started(case: Case) -> str:
    started = case.inputs.run().get("started_at")
    if started is None:
        raise NotAvailable("the run facts hold no start time")
    return moment(started)


def verdict(gates: list[Gate]) -> tuple[str, str]:
    """Return the verdict on all gates: its class and one sentence."""
    unknown = [gate for gate in gates if gate.passed is None]
    refused = [gate for gate in gates if gate.passed is False]
    blocking = sum(gate.blocks(row) for gate in gates for row in gate.checks or ())
    advisory = sum(len(gate.advisory) for gate in gates)
    notes = (
        f" {plural(advisory, 'advisory check')} did not hold, which stops nothing."
        if advisory
        else ""
    )
    if refused:
        names = "; ".join(
            f"{gate.name}: {', '.join(row['name'] for row in gate.failed)}" for gate in refused
        )
        return "bad", f"{len(refused)} of {plural(len(gates), 'gate')} failed ({names}).{notes}"
    if unknown:
        names = "; ".join(f"{gate.name}: {gate.missing}" for gate in unknown)
        return "warn", (
            f"{len(unknown)} of {plural(len(gates), 'gate')} cannot be judged ({names}). "
            f"The other {len(gates) - len(unknown)} passed.{notes}"
        )
    return "good", (
        f"All {plural(len(gates), 'gate')} passed: every one of "
        f"{plural(blocking, 'blocking check')} held.{notes}"
    )


def _served(case: Case) -> str:
    tasks = case.tasks()
    on = [row["name"] for row in tasks if row["status"] == "on"]
    students = case.students()
    layers = Counter(LAYERS[students[name]["route"]] for name in on if name in students)
    return (
        f"Of {plural(len(tasks), 'task')}, served by a distilled student: {layers['distilled']}; "
        f"by a directly fitted one: {layers['direct']}; by rules: {layers['rules']}; switched off "
        f"because the data cannot carry them: {len(tasks) - len(on)}."
    )


def make(case: Case) -> Html:
    """Return the facts of the run and the verdict."""
    kind, sentence = verdict(read_gates(case.inputs))
    run = case.identity

    def tried(read: Callable[[Case], str]) -> Child:
        try:
            return read(case)
        except NotAvailable as why:
            return missing(why)

    def model_version(given: Case) -> str:
        return str(given.inputs.document(Stage.PACKAGE, "package.json")["model_version"])

    def submitter(given: Case) -> str:
        return str(given.inputs.run()["submitter"])

    pairs: list[tuple[Child, Child]] = [
        ("Data set", f"{case.dataset.titles.en} ({case.dataset.name})"),
        ("Run", el("code", run["run_id"])),
        ("Run started", tried(_started)),
        ("Submitted by", tried(submitter)),
        ("Model version", tried(model_version)),
        ("Product version", version()),
        ("Code version", el("code", short(run["code_version"]))),
        ("Data hash", el("code", short(run["data_hash"]))),
        ("Configuration hash", el("code", tried(lambda given: short(_config_hash(given))))),
    ]
    return join(
        [
            el(
                "div",
                paragraph(el("strong", "Verdict. "), sentence),
                paragraph(tried(_served)),
                class_=f"verdict {kind}",
            ),
            facts(pairs),
        ]
    )


SECTION = Section("summary", "Summary", make)

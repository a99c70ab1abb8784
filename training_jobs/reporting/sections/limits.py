"""What was not done, is not there, or must not be read into the figures."""

from collections.abc import Callable, Iterator

from configs.contracts.stages import Stage
from training_jobs.evaluation.routes import DISTILL, RULES
from training_jobs.reporting.case import Case, Section
from training_jobs.reporting.documents import Document, NotAvailable
from training_jobs.reporting.gates import read_gates
from training_jobs.reporting.markup import Html, el, join
from training_jobs.reporting.words import count, plural

ABSENT = "absent"


def _features(case: Case) -> Iterator[str]:
    schema = case.inputs.document(Stage.PHASE0, "feature_schema.json")
    kinds = (("groups", "Feature group"), ("tensors", "Side tensor"), ("experts", "Expert"))
    for key, word in kinds:
        for name, row in schema[key].items():
            if row["status"] == ABSENT:
                yield f"{word} {name} is absent: {row['reason']}."
    dropped = [
        f"{column} ({why})"
        for row in schema["groups"].values()
        for column, why in row["dropped_because"].items()
    ]
    if dropped:
        yield f"{plural(len(dropped), 'declared column')} left out: {', '.join(dropped)}."
    protected = [row["name"] for row in schema["columns"] if row["protected"]]
    if protected:
        yield f"Protected columns decide nothing: {', '.join(protected)}."


def _teacher(case: Case) -> Iterator[str]:
    absent: Document = case.inputs.document(Stage.TEACHER, "model.json")["absent_experts"]
    for name, why in absent.items():
        yield f"The teacher was trained without expert {name}: {why}."


def _tasks(case: Case) -> Iterator[str]:
    for task in case.tasks():
        if task["status"] != "on":
            yield f"Task {task['name']} is off: {task['reason']}."


def _rules(case: Case) -> Iterator[str]:
    for task, entry in case.students().items():
        if entry["route"] == RULES:
            yield f"Task {task} has no model, rules serve it: {entry['reason']}."


def _labels(case: Case) -> Iterator[str]:
    for task, entry in case.students().items():
        if entry["route"] == DISTILL and entry["soft_weight"] == 0:
            yield (
                f"The student of {task} is on the distilled route, but labels alone did best on "
                "the selection split: its teacher has no share in what it learnt."
            )


def _test(case: Case) -> Iterator[str]:
    dates = ", ".join(day.isoformat() for day in case.dataset.as_ofs("test"))
    yield (
        f"Test has the prediction date {dates} and an outcome window of "
        f"{plural(case.dataset.horizon_months, 'month')}: other seasons were not tested."
    )
    judged = case.inputs.document(Stage.EVALUATE, "evaluation.json")["tasks"]
    undefined = sum(
        found["value"] is None
        for row in judged.values()
        for by_predictor in row["metrics"].values()
        for found in by_predictor.values()
    )
    if undefined:
        yield f"{plural(undefined, 'metric value')} of teacher and baselines could not be measured."
    cold = max((row["cold"]["rows"] for row in judged.values()), default=0)
    yield (
        f"Customers never trained on: at most {count(cold)} labelled rows a task, so figures about "
        "new customers are the least certain here."
    )
    beside = [task for task, row in judged.items() if "skill_over_persistence" in row["metrics"]]
    if beside:
        yield (
            f"Skill over persistence was not measured for students ({', '.join(beside)}); "
            "the teacher's stands above."
        )


def _checks(case: Case) -> Iterator[str]:
    for gate in read_gates(case.inputs):
        for check in gate.advisory:
            if not check["name"].startswith(("viability.", "fidelity.")):
                yield f"Advisory check {check['name']} did not hold: {check['detail']}."


def _card(case: Case) -> Iterator[str]:
    card = case.inputs.document(Stage.PACKAGE, "model/model_card.json")
    yield f"Intended use: {card['intended_use']['en']}"
    for limit in card["limits"]:
        yield str(limit["en"])


PARTS: tuple[tuple[str, Callable[[Case], Iterator[str]]], ...] = (
    ("Use", _card),
    ("Inputs that are not there", _features),
    ("Experts that are not there", _teacher),
    ("Tasks that are off", _tasks),
    ("Tasks without a model", _rules),
    ("Students that owe their teacher nothing", _labels),
    ("What the test can tell", _test),
    ("Checks that advise", _checks),
)


def _part(case: Case, title: str, make: Callable[[Case], Iterator[str]]) -> Html | None:
    try:
        lines = list(make(case))
    except NotAvailable as why:
        lines = [f"not available: {why}"]
    if not lines:
        return None
    return join([el("h3", title), el("ul", [el("li", line) for line in lines])])


def make(case: Case) -> Html:
    """Return the lists, then what holds for every run."""
    return join(
        [
            [_part(case, title, part) for title, part in PARTS],
            el("h3", "In every run"),
            el("ul", [el("li", line) for line in case.settings.limits]),
        ]
    )


SECTION = Section("limits", "Limits", make)

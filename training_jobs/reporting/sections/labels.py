"""Labels: how frequent they are in each split, and which tasks the data can carry."""

from training_jobs.reporting.case import Case, Section
from training_jobs.reporting.documents import Document
from training_jobs.reporting.figures.small import dots, stacks
from training_jobs.reporting.markup import Child, Html, el, join, paragraph, pill, table
from training_jobs.reporting.words import NOTHING, count, number, plural, share

SPLITS = ("train", "selection", "calibration", "test", "cold")
TITLES = {"cold": "Test, never trained on"}


def _rate(task: Document, counts: Document) -> Child:
    if not counts["rows"]:
        return NOTHING
    if counts["classes"]:
        largest = max(counts["classes"]) / counts["rows"]
        shown = f"largest {share(largest)}"
    elif task["type"] == "binary":
        shown = f"{share(counts['mean'])} ({count(counts['positives'])})"
    else:
        shown = f"mean {number(counts['mean'])}"
    rows = el("span", f"{count(counts['rows'])} rows", class_="quiet")
    return el("span", shown, el("br"), rows, class_="firm")


def _drift(task: Document) -> Html | None:
    counts = task["counts"]
    if task["classes"]:
        rows = [counts[split]["classes"] or [] for split in ("train", "test")]
        return stacks(rows, title=f"class shares of {task['name']}: train above, test below")
    values = [counts[split]["mean"] for split in SPLITS[:-1]]
    if all(value is None for value in values):
        return None
    return dots(values, title=f"{task['name']} from train to test")


def _decision(task: Document) -> list[Child]:
    kept = task["status"] == "on"
    classes = f", {len(task['classes'])} classes" if task["classes"] else ""
    merged = task["merged"]
    return [
        task["name"],
        f"{task['type']}{classes}",
        pill("kept", "good") if kept else pill("off", "warn"),
        [
            task["reason"] or "enough labelled rows in every split",
            f"; pooled into one class: {', '.join(merged)}" if merged else None,
        ],
    ]


def _rates(task: Document) -> list[Child]:
    counts = task["counts"]
    return [task["name"], *(_rate(task, counts[split]) for split in SPLITS), _drift(task)]


def _months(tasks: list[Document]) -> Html:
    """Return the rates at every `as_of` of every split: drift inside a split is seen too."""
    known = tasks[0]["by_as_of"] if tasks else {}
    at = [(split, as_of) for split in SPLITS for as_of in known.get(split, ())]
    rows: list[list[Child]] = []
    for task in tasks:
        found = [task["by_as_of"][split][as_of] for split, as_of in at]
        rows.append([task["name"], *(_rate(task, counts) for counts in found)])
    heads = [
        [TITLES.get(split, split.capitalize()), el("br"), el("span", as_of, class_="firm")]
        for split, as_of in at
    ]
    return table(
        ("Task", *heads),
        rows,
        numeric=tuple(range(1, len(at) + 1)),
        caption="Label rates by month: the label window of a column begins after its date",
    )


def make(case: Case) -> Html:
    """Return the table of tasks with the decision of the viability gate."""
    tasks = case.tasks()
    on = sum(task["status"] == "on" for task in tasks)
    return join(
        [
            paragraph(
                f"The viability gate kept {on} of {plural(len(tasks), 'task')}. A task that is off "
                "is not trained, not scored and not served."
            ),
            table(
                ("Task", "Type", "Decision", "Reason"),
                [_decision(task) for task in tasks],
                caption="Decisions of the viability gate",
            ),
            table(
                ("Task", *(TITLES.get(split, split.capitalize()) for split in SPLITS), "Drift"),
                [_rates(task) for task in tasks],
                numeric=tuple(range(1, len(SPLITS) + 1)),
                caption="Label rates by split",
            ),
            _months(tasks),
            paragraph(
                "Binary tasks: share of positives, their number in brackets. Tasks with classes: "
                "share of the largest class; the bars show all class shares, train above test. "
                "Regression: mean of the label. Dots run from train to test; the line is 0. "
                "Rates of the test split are counted where labels are derived, which is on record "
                "among the reads of labels.",
                quiet="quiet",
            ),
        ]
    )


SECTION = Section("labels", "Labels and viability", make)

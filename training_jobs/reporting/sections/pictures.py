"""Pictures of what columns alone do not show: shapes, the tree, hidden states, maps."""

from collections.abc import Callable

from training_jobs.reporting.case import Case, Section
from training_jobs.reporting.documents import NotAvailable
from training_jobs.reporting.markup import Html, el, join, paragraph
from training_jobs.reporting.sections import category_tree, maps, persistence, states

PICTURES: tuple[tuple[str, Callable[[Case], Html]], ...] = (
    ("Persistence diagrams", persistence.picture),
    ("Category tree in the Poincare disk", category_tree.picture),
    ("Hidden states", states.picture),
    ("Customers in two dimensions", maps.picture),
)


def make(case: Case) -> Html:
    """Return every picture, or why there is none. Raises NotAvailable without any feature."""
    case.features()
    made = []
    for title, draw in PICTURES:
        try:
            content = draw(case)
        except NotAvailable as why:
            content = paragraph(f"No picture: {why}.", quiet="missing")
        made.append(el("article", el("h3", title), content))
    return join(made)


SECTION = Section("pictures", "Shapes, tree, states and maps", make)

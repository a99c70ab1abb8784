"""The page: all sections in order, each of them complete or saying why it is not."""

from training_jobs.reporting.case import Case, Section
from training_jobs.reporting.documents import NotAvailable
from training_jobs.reporting.markup import Html, el, join, paragraph
from training_jobs.reporting.sections import (
    calibration,
    checks,
    data,
    features,
    groups,
    labels,
    lenses,
    limits,
    metrics,
    pictures,
    provenance,
    students,
    summary,
    timings,
)
from training_jobs.reporting.style import STYLE

SECTIONS: tuple[Section, ...] = (
    summary.SECTION,
    data.SECTION,
    labels.SECTION,
    metrics.SECTION,
    calibration.SECTION,
    lenses.SECTION,
    features.SECTION,
    groups.SECTION,
    pictures.SECTION,
    students.SECTION,
    checks.SECTION,
    timings.SECTION,
    limits.SECTION,
    provenance.SECTION,
)
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""The page needs nothing from anywhere; a browser is told to fetch nothing either."""


def _content(section: Section, case: Case) -> tuple[Html, str | None]:
    try:
        return section.make(case), None
    except NotAvailable as why:
        return paragraph(f"not available: {why}", quiet="missing"), str(why)


def page(case: Case) -> str:
    """Return the whole report as one HTML document."""
    made = [(section, *_content(section, case)) for section in SECTIONS]
    title = f"Run report: {case.dataset.titles.en}, {case.identity['run_id']}"
    gaps = [
        el("li", f"{section.title}: not available: {why}")
        for section, _, why in made
        if why is not None
    ]
    body = el(
        "body",
        el(
            "header",
            el("p", "SevenLens", class_="brand"),
            el("h1", title),
            el(
                "nav",
                [el("a", section.title, href=f"#{section.anchor}") for section in SECTIONS],
            ),
        ),
        el("aside", el("p", "Sections that could not be made:"), el("ul", gaps)) if gaps else None,
        el(
            "main",
            [
                el("section", el("h2", section.title), content, id=section.anchor)
                for section, content, _ in made
            ],
        ),
    )
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=POLICY),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("title", title),
        Html(f"<style>{STYLE}</style>"),
    )
    return join([Html("<!DOCTYPE html>\n"), el("html", head, body, lang="en"), Html("\n")])

"""HTML and inline SVG as values: text is escaped unless it was built here."""

import html
import re
from collections.abc import Iterable, Sequence

VOID = frozenset({"meta", "br", "col", "line", "rect", "circle", "path", "polyline", "polygon"})
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
REPLACEMENT = "�"


class Html(str):
    """Markup that may stand on the page as it is."""

    __slots__ = ()


Child = str | int | None | Iterable["Child"]
"""What may stand inside an element; None and empty lists leave nothing behind."""


def escape(text: str) -> Html:
    """Return `text` as markup; control characters, which HTML does not allow, are replaced."""
    if isinstance(text, Html):
        return text
    return Html(html.escape(_CONTROL.sub(REPLACEMENT, text), quote=True))


def join(children: Child) -> Html:
    """Return children one after the other."""
    if children is None:
        return Html("")
    if isinstance(children, str):
        return escape(children)
    if isinstance(children, int):
        return Html(str(children))
    return Html("".join(join(child) for child in children))


def el(tag: str, /, *children: Child, **attributes: str | float | None) -> Html:
    """Return an element.

    Args:
        tag: name of the element.
        children: its content.
        attributes: by name; a trailing underscore is dropped, others become hyphens; None is left
            out.
    """
    given = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_plain(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    if tag in VOID:
        return Html(f"<{tag}{given}>" if tag in ("meta", "br", "col") else f"<{tag}{given}/>")
    return Html(f"<{tag}{given}>{join(children)}</{tag}>")


def _plain(value: str | float) -> str:
    if isinstance(value, str):
        return value
    # Two decimals of a pixel: the same drawing has the same bytes on every machine.
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def table(
    head: Sequence[Child],
    rows: Iterable[Sequence[Child]],
    *,
    numeric: Sequence[int] = (),
    caption: str | None = None,
) -> Html:
    """Return a table.

    Args:
        head: column titles.
        rows: cells; the first of each row is its header.
        numeric: positions of the columns that are set to the right.
        caption: above the table.
    """

    def kind(place: int) -> str | None:
        return "num" if place in numeric else None

    body = [
        el(
            "tr",
            [
                el("th", cell, scope="row") if place == 0 else el("td", cell, class_=kind(place))
                for place, cell in enumerate(row)
            ],
        )
        for row in rows
    ]
    return el(
        "div",
        el(
            "table",
            el("caption", caption) if caption else None,
            el(
                "thead",
                el(
                    "tr",
                    [
                        el("th", title, scope="col", class_=kind(at))
                        for at, title in enumerate(head)
                    ],
                ),
            ),
            el("tbody", body),
        ),
        class_="scroll",
    )


def facts(pairs: Iterable[tuple[Child, Child]]) -> Html:
    """Return a list of names with their values."""
    return el("dl", [[el("dt", name), el("dd", value)] for name, value in pairs], class_="facts")


def pill(text: str, kind: str) -> Html:
    """Return a short word in a frame; `kind` is good, bad, warn or quiet."""
    return el("span", text, class_=f"pill {kind}")


def paragraph(*children: Child, quiet: str | None = None) -> Html:
    """Return a paragraph, in small grey print where `quiet` is given as its class."""
    return el("p", *children, class_=quiet)

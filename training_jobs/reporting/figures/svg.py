"""Small pieces of a drawing."""

from training_jobs.reporting.markup import Child, Html, el


def drawing(width: float, height: float, *parts: Child, title: str, kind: str) -> Html:
    """Return a drawing that shrinks to its place.

    Args:
        width, height: in pixels at full size.
        parts: elements, later ones on top.
        title: what a screen reader says.
        kind: class of the drawing.
    """
    return el(
        "svg",
        el("title", title),
        *parts,
        viewBox=f"0 0 {width:g} {height:g}",
        width=float(width),
        height=float(height),
        role="img",
        class_=kind,
    )


def text(x: float, y: float, content: str, *, kind: str, anchor: str = "start") -> Html:
    """Return text whose baseline starts, ends or is centred at (x, y)."""
    return el("text", content, x=float(x), y=float(y), class_=kind, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, *, kind: str) -> Html:
    """Return a line."""
    return el("line", x1=float(x1), y1=float(y1), x2=float(x2), y2=float(y2), class_=kind)


def polyline(points: list[tuple[float, float]], *, kind: str) -> Html:
    """Return a line through points."""
    return el("polyline", points=" ".join(f"{x:.2f},{y:.2f}" for x, y in points), class_=kind)


def rect(x: float, y: float, width: float, height: float, *, kind: str, **more: str) -> Html:
    """Return a rectangle."""
    return el(
        "rect",
        x=float(x),
        y=float(y),
        width=float(max(width, 0.0)),
        height=float(max(height, 0.0)),
        class_=kind,
        **more,
    )


def figure(picture: Html, caption: Child, *, kind: str | None = None) -> Html:
    """Return a drawing with what it shows in words."""
    return el("figure", picture, el("figcaption", caption), class_=kind)


MARKS = 5
"""Series beyond it repeat a mark; colours and marks differ so that print in grey can be read."""


def mark(series: int, x: float, y: float) -> Html:
    """Return the mark of a series, counted from 0: disc, diamond, square, triangle or cross."""
    r, kind = 4.2, f"mark s{series % MARKS}"
    shape = series % MARKS
    if shape == 0:
        return el("circle", cx=float(x), cy=float(y), r=float(r), class_=kind)
    outlines = {
        1: [(x, y - r - 1), (x + r + 1, y), (x, y + r + 1), (x - r - 1, y)],
        2: [(x - r, y - r), (x + r, y - r), (x + r, y + r), (x - r, y + r)],
        3: [(x, y - r - 1), (x + r + 1, y + r), (x - r - 1, y + r)],
    }
    if shape in outlines:
        points = " ".join(f"{px:.2f},{py:.2f}" for px, py in outlines[shape])
        return el("polygon", points=points, class_=kind)
    falling = f"M{x - r:.2f} {y - r:.2f}L{x + r:.2f} {y + r:.2f}"
    rising = f"M{x - r:.2f} {y + r:.2f}L{x + r:.2f} {y - r:.2f}"
    return el("path", d=falling + rising, class_=kind)

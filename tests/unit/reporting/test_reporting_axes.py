"""Charts and grids: marks stand where their values say, on straight and logarithmic axes."""

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from training_jobs.reporting.figures.axes import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    WIDTH,
    Axis,
    Series,
    columns,
    line_chart,
)
from training_jobs.reporting.figures.heatmap import DARK, LIGHT, shade
from training_jobs.reporting.figures.matrix import STACK, matrix, stacked
from training_jobs.reporting.markup import Html


class Drawing(HTMLParser):
    """Elements of a drawing with their attributes, and its texts."""

    def __init__(self, drawn: Html) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.feed(drawn)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {key: value or "" for key, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def of(self, tag: str, kind: str) -> list[dict[str, str]]:
        return [a for t, a in self.found if t == tag and kind in a.get("class", "").split()]


def _points(drawing: Drawing, place: int = 0) -> list[tuple[float, float]]:
    lines = drawing.of("polyline", "run")
    return [
        (float(x), float(y)) for x, y in re.findall(r"([-\d.]+),([-\d.]+)", lines[place]["points"])
    ]


def test_a_line_goes_from_corner_to_corner_and_is_straight() -> None:
    chart = line_chart(
        [Series("a", [(0, 0), (5, 50), (10, 100)], 0)], Axis("x"), Axis("y"), title="line"
    )
    first, middle, last = _points(Drawing(chart))
    assert first == pytest.approx((LEFT, HEIGHT - BOTTOM))
    assert last[0] == pytest.approx(WIDTH - RIGHT)
    assert middle == pytest.approx(((first[0] + last[0]) / 2, (first[1] + last[1]) / 2), abs=0.01)


def test_a_power_is_straight_on_logarithmic_axes_and_zero_is_left_out() -> None:
    series = [Series("a", [(0, 5), (1, 100), (10, 10), (100, 1), (1000, 0)], 0)]
    chart = line_chart(series, Axis("x", log=True), Axis("y", log=True), title="power")
    drawing = Drawing(chart)
    points = _points(drawing)
    assert len(points) == 3
    assert points[1][1] - points[0][1] == pytest.approx(points[2][1] - points[1][1], abs=0.02)
    assert {"1", "10", "100", "1,000"} <= set(drawing.texts)


def test_references_are_inside_although_no_value_reaches_them() -> None:
    series = [Series("a", [(0, 1), (1, 2)], 0)]
    drawing = Drawing(line_chart(series, Axis("x"), Axis("y"), title="t", references=(9.0,)))
    (reference,) = drawing.of("line", "reference")
    assert float(reference["y1"]) == pytest.approx(float(reference["y2"]))
    assert float(reference["y1"]) < min(y for _, y in _points(drawing))


def test_one_line_needs_no_legend_and_several_have_one_with_their_colours() -> None:
    one = line_chart([Series("only", [(0, 1), (1, 2)], 0)], Axis("x"), Axis("y"), title="t")
    assert "only" not in Drawing(one).texts
    both = [Series("first", [(0, 1), (1, 2)], 0), Series("second", [(0, 2), (1, 3)], 1)]
    drawing = Drawing(line_chart(both, Axis("x"), Axis("y"), title="t"))
    assert {"first", "second"} <= set(drawing.texts)
    swatches = [row["class"] for row in drawing.of("rect", "fill")]
    runs = [row["class"].replace("run", "fill") for row in drawing.of("polyline", "run")]
    assert swatches == runs


def test_named_ticks_outside_the_values_are_left_out() -> None:
    named = Axis("x", named=((0.0, "before"), (1.0, "inside"), (9.0, "after")))
    series = [Series("a", [(1, 1), (2, 2)], 0)]
    texts = Drawing(line_chart(series, named, Axis("y"), title="t")).texts
    assert "inside" in texts
    assert not {"before", "after"} & set(texts)


def test_columns_are_as_high_as_their_values_and_stand_on_the_axis() -> None:
    drawing = Drawing(
        columns(["a", "b"], [("s", [1.0, 4.0]), ("t", [2.0, 0.0])], Axis("x"), Axis("y"), title="t")
    )
    bars = [row for row in drawing.of("rect", "fill") if float(row["height"]) != 9.0]
    heights = [float(row["height"]) for row in bars]
    assert heights[1] == pytest.approx(heights[2] / 2)
    assert heights[0] == pytest.approx(heights[2] / 4)
    assert heights[3] == 0
    for row in bars:
        assert float(row["y"]) + float(row["height"]) == pytest.approx(HEIGHT - BOTTOM, abs=0.02)


def test_names_that_have_no_room_are_thinned_evenly() -> None:
    names = [f"column-{number:02d}" for number in range(40)]
    drawing = Drawing(columns(names, [("s", [1.0] * 40)], Axis("x"), Axis("y"), title="t"))
    shown = [names.index(text) for text in drawing.texts if text in names]
    steps = {after - before for before, after in pairwise(shown)}
    assert shown[0] == 0
    assert len(steps) == 1


def test_nothing_to_draw_is_drawn() -> None:
    assert "<svg" in line_chart([], Axis("x"), Axis("y", log=True), title="t")
    assert "<svg" in columns([], [], Axis("x"), Axis("y"), title="t")
    assert "<svg" in matrix([], [], full=1.0, shown=".0%", title="t")


def test_cells_are_as_dark_as_their_values_and_none_stays_empty() -> None:
    drawing = Drawing(
        matrix([("row", [0.0, 0.5, 2.0, None])], list("abcd"), full=1.0, shown=".0%", title="t")
    )
    cells = drawing.of("rect", "cell")
    assert [row["fill"] for row in cells] == [shade(0.0), shade(0.5), shade(1.0)]
    assert shade(0.0) == "#" + "".join(f"{v:02x}" for v in LIGHT)
    assert shade(1.0) == "#" + "".join(f"{v:02x}" for v in DARK)
    assert {"0%", "50%", "200%"} <= set(drawing.texts)
    assert drawing.of("text", "on-dark")


def test_a_long_row_name_ends_in_an_ellipsis() -> None:
    name = "A name that is much longer than its place"
    texts = Drawing(matrix([(name, [1.0])], ["a"], full=1.0, shown=".0%", title="t")).texts
    assert name not in texts
    assert any(text.endswith("…") and name.startswith(text[:-1]) for text in texts)


def test_stacked_shares_follow_each_other_and_fill_the_row() -> None:
    drawing = Drawing(stacked([("row", [0.25, 0.0, 0.75])], ["a", "b", "c"], title="t"))
    parts = [row for row in drawing.of("rect", "fill") if float(row["height"]) != 9.0]
    widths = [float(row["width"]) for row in parts]
    assert widths == pytest.approx([0.25 * STACK, 0.0, 0.75 * STACK])
    starts = [float(row["x"]) for row in parts]
    assert starts[2] == pytest.approx(starts[0] + 0.25 * STACK)
    assert {"25%", "75%"} <= set(drawing.texts)
    assert "0%" not in drawing.texts

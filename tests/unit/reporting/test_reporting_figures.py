"""Drawings stand where their values say."""

import re

import pytest
from scipy.stats import binomtest

from configs.settings.report import GateRemarks
from training_jobs.reporting.figures.calibration import Curve, calibration_plot, wilson
from training_jobs.reporting.figures.heatmap import Cell, heatmap, shade
from training_jobs.reporting.figures.intervals import Dot, Panel, interval_panels
from training_jobs.reporting.figures.scale import Scale, around, labels
from training_jobs.reporting.figures.small import bars, course, dots, stacks
from training_jobs.reporting.figures.svg import MARKS, mark
from training_jobs.reporting.sections.lenses import remark
from training_jobs.reporting.sections.metrics import reading


def attributes(svg: str, pattern: str) -> list[dict[str, float]]:
    """Return the numbers of the elements whose markup holds `pattern`."""
    return [
        {name: float(value) for name, value in re.findall(r'([a-z0-9]+)="(-?[\d.]+)"', found)}
        for found in re.findall(r"<[^>]+>", svg)
        if pattern in found
    ]


@pytest.mark.parametrize(
    ("low", "high"),
    [(0.0, 1.0), (-0.38, 0.02), (0.0801, 0.0899), (12.0, 98000.0), (-5.0, -4.0), (-1.0, 8.4)],
)
def test_ticks_are_round_inside_and_told_apart(low: float, high: float) -> None:
    scale = Scale(low, high, 0, 100)
    ticks = scale.ticks(4)
    assert 2 <= len(ticks) <= 5
    assert all(low <= tick <= high or abs(tick - low) < 1e-9 for tick in ticks)
    shown = labels(ticks)
    assert len(set(shown)) == len(shown)
    for tick, text in zip(ticks, shown, strict=True):
        assert float(text.replace(",", "")) == pytest.approx(tick, abs=1e-9)


def test_scale_holds_every_value_and_survives_a_single_one() -> None:
    scale = around([2.0, 8.0], start=0, end=100)
    assert 0 < scale.at(2.0) < scale.at(8.0) < 100
    assert around([3.0], start=0, end=100).at(3.0) == pytest.approx(50)
    assert around([0.0], start=0, end=100).at(0.0) == pytest.approx(50)
    assert around([], start=0, end=100).at(0.5) == pytest.approx(50)


def test_interval_runs_from_low_to_high_around_its_mark() -> None:
    panel = Panel("AUC", "", 0.5, (Dot(0, 0.7, 0.6, 0.9), Dot(0, 0.5, 0.5, 0.5)))
    svg = interval_panels(["a", "b"], [panel], title="t")
    (first, second), discs = attributes(svg, "interval s0"), attributes(svg, "<circle")
    reference = attributes(svg, "reference")[0]
    unit = (first["x2"] - first["x1"]) / 0.3
    assert discs[0]["cx"] - first["x1"] == pytest.approx(0.1 * unit, abs=0.05)
    assert discs[0]["cx"] - reference["x1"] == pytest.approx(0.2 * unit, abs=0.05)
    assert second["x1"] == second["x2"] == discs[1]["cx"]
    assert discs[1]["cy"] > discs[0]["cy"], "rows run downwards in the order of the names"


def test_undefined_value_is_said_and_not_drawn() -> None:
    panel = Panel("AUC", "", None, (Dot(0, None), Dot(1, 0.5)))
    svg = interval_panels(["a", "b"], [panel], title="t")
    assert svg.count("not measured") == 1
    assert svg.count('class="mark') == 1
    assert 'class="interval s' not in svg, "a value without an interval gets none"


def test_many_panels_go_on_below_each_with_its_row_names() -> None:
    panel = Panel("AUC", "", None, (Dot(0, 0.5, 0.4, 0.6),))
    svg = interval_panels(["only row"], [panel] * 7, title="t")
    assert svg.count(">only row<") == 2
    width = float(re.search(r'viewBox="0 0 ([\d.]+)', svg).group(1))  # type: ignore[union-attr]
    assert all(0 <= given["cx"] <= width for given in attributes(svg, "<circle"))


def test_series_are_told_apart_without_colour() -> None:
    shapes = {re.sub(r's\d"', "", mark(number, 10, 10)) for number in range(MARKS)}
    assert len(shapes) == MARKS


def test_perfect_calibration_lies_on_the_line() -> None:
    curve = Curve("after", ((0.1, 0.1, 50), (0.4, 0.4, 50)))
    svg = calibration_plot([curve], rates=True, title="t")
    line = [tuple(map(float, point.split(","))) for point in
            re.findall(r'points="([^"]*)" class="reference"', svg)[0].split()]  # fmt: skip
    slope = (line[1][1] - line[0][1]) / (line[1][0] - line[0][0])
    for given in attributes(svg, "<circle"):
        expected = line[0][1] + slope * (given["cx"] - line[0][0])
        assert given["cy"] == pytest.approx(expected, abs=0.05)


def test_too_high_predictions_lie_below_the_line() -> None:
    over = Curve("after", ((0.4, 0.2, 50),))
    fair = Curve("after", ((0.4, 0.4, 50),))
    low, high = (
        attributes(calibration_plot([curve, fair], rates=True, title="t"), "<circle")[0]["cy"]
        for curve in (over, fair)
    )
    assert low > high, "pixels count downwards"


def test_whiskers_are_drawn_for_rates_of_the_last_curve_only() -> None:
    points = ((0.1, 0.1, 50), (0.4, 0.4, 50))
    curves = [Curve("before", points), Curve("after", points)]
    assert calibration_plot(curves, rates=True, title="t").count("whisker after") == 2
    assert calibration_plot(curves, rates=True, title="t").count("whisker before") == 0
    assert "whisker" not in calibration_plot(curves, rates=False, title="t")


@pytest.mark.parametrize(("hits", "rows"), [(0, 12), (3, 12), (12, 12), (40, 500)])
def test_wilson_interval_is_the_textbooks(hits: int, rows: int) -> None:
    low, high = wilson(hits / rows, rows)
    expected = binomtest(hits, rows).proportion_ci(0.95, method="wilson")
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_darker_means_more_and_text_stays_readable() -> None:
    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    shades = [luminance(shade(step / 20)) for step in range(21)]
    assert shades == sorted(shades, reverse=True)
    for step in range(21):
        svg = heatmap([("t", [Cell(step / 20, 0.1)])], ["a"], title="t")
        ground = luminance(shade(step / 20))
        ink = 1.0 if "on-dark" in svg else luminance("#1c2430")
        contrast = (max(ink, ground) + 0.05) / (min(ink, ground) + 0.05)
        assert contrast >= 3.0, step


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([Cell(0.5, 0.2), Cell(0.5, 0.2)], ["near-uniform"]),
        ([Cell(0.9, 0.001), Cell(0.1, 0.001)], ["the same for everyone"]),
        ([Cell(0.5, 0.0), Cell(0.5, 0.0)], ["near-uniform", "the same for everyone"]),
        ([Cell(0.56, 0.2), Cell(0.44, 0.2)], []),
        ([Cell(1.0, 0.2)], []),
        ([Cell(0.9, 0.02), Cell(0.1, 0.001)], []),
    ],
)
def test_gate_is_remarked_on_at_its_bounds(cells: list[Cell], words: list[str]) -> None:
    found = remark(cells, GateRemarks(uniform_within=0.05, still_below=0.02))
    for phrase in ("near-uniform", "the same for everyone"):
        assert (phrase in (found or "")) == (phrase in words)


@pytest.mark.parametrize(
    ("low", "high", "better", "words"),
    [
        (0.01, 0.05, "higher", "teacher better"),
        (0.01, 0.05, "lower", "LightGBM better"),
        (-0.05, -0.01, "higher", "LightGBM better"),
        (-0.05, -0.01, "lower", "teacher better"),
        (-0.01, 0.05, "higher", "no difference shown"),
        (0.0, 0.05, "higher", "no difference shown"),
        (0.01, 0.05, "target", "cannot be told"),
        (None, None, "higher", "cannot be told"),
    ],
)
def test_difference_is_read_by_its_interval(
    low: float | None, high: float | None, better: str, words: str
) -> None:
    assert reading({"value": 0.02, "low": low, "high": high}, better)[0] == words


def test_absent_difference_is_not_read() -> None:
    assert reading(None, "higher")[0] == "cannot be told"


def test_course_leaves_gaps_where_nothing_is_known() -> None:
    shown = {"first": "a", "last": "b", "shown": ("0", "9")}
    assert course([1.0, 2.0, 3.0], title="t", **shown).count("<polyline") == 1  # type: ignore[arg-type]
    assert course([1.0, None, 3.0], title="t", **shown).count("<polyline") == 2  # type: ignore[arg-type]


def test_dots_rise_with_their_values_and_skip_the_unknown() -> None:
    found = attributes(dots([0.1, 0.2, None, 0.3], title="t"), "<circle")
    assert len(found) == 3
    assert found[0]["cy"] > found[1]["cy"] > found[2]["cy"]
    assert dots([None, None], title="t").count("<circle") == 0
    negative, zero = attributes(dots([-0.2, 0.0], title="t"), "<circle")
    assert negative["cy"] > zero["cy"]


def test_stacks_share_the_width_by_rows() -> None:
    found = attributes(stacks([[30, 10], []], title="t"), "<rect")
    assert found[0]["width"] == pytest.approx(3 * found[1]["width"], abs=0.05)
    assert len(found) == 2


def test_bars_are_as_long_as_their_values() -> None:
    svg = bars([("a", 10.0, "10 s", "ran"), ("b", 5.0, "5 s", "skipped")], title="t")
    first, second = attributes(svg, "<rect")
    assert first["width"] == pytest.approx(2 * second["width"])
    assert "10 s" in svg
    assert "bar skipped" in svg

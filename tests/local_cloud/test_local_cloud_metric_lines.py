"""Which log lines are metrics, and which are not."""

import json

import pytest

from local_cloud.emulator.emf import Datum, metrics_in

LINE = {
    "_aws": {
        "Timestamp": 1700000000500,
        "CloudWatchMetrics": [
            {
                "Namespace": "N",
                "Dimensions": [["service"], ["service", "task"]],
                "Metrics": [{"Name": "A", "Unit": "Count"}, {"Name": "B"}],
            }
        ],
    },
    "service": "s",
    "A": 1,
    "B": [2, 3.5],
}


def test_each_metric_is_stored_under_each_complete_set_of_dimensions() -> None:
    found = list(metrics_in(json.dumps(LINE)))
    assert found == [
        Datum("N", "A", {"service": "s"}, 1700000000.5, "Count", [1.0]),
        Datum("N", "B", {"service": "s"}, 1700000000.5, "None", [2.0, 3.5]),
    ], "the set with the undefined dimension 'task' is dropped"


def test_a_line_with_text_before_the_document_counts() -> None:
    assert len(list(metrics_in(f"2026-01-01 INFO {json.dumps(LINE)}"))) == 2


@pytest.mark.parametrize(
    "line",
    [
        "",
        "plain text",
        '{"A": 1}',
        '{"_aws": 3}',
        '{"_aws": {"CloudWatchMetrics": []}}',
        '{"_aws"',
        json.dumps(LINE | {"A": "high", "B": True}),
    ],
)
def test_other_lines_are_no_metrics(line: str) -> None:
    assert list(metrics_in(line)) == []

"""Alarms that a person is told of, and one dashboard."""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from configs.contracts.names import METRIC_NAMESPACE, Function, Metric

PERIOD = Duration.minutes(5)
Comparison = cloudwatch.ComparisonOperator


def own_metric(metric: Metric, service: Function, statistic: str = "Sum") -> cloudwatch.Metric:
    """Return one of the application's own metrics."""
    return cloudwatch.Metric(
        namespace=METRIC_NAMESPACE,
        metric_name=metric.value,
        dimensions_map={"service": service.value},
        statistic=statistic,
        period=PERIOD,
    )


def queue_metric(queue_name: str, metric: str, statistic: str = "Maximum") -> cloudwatch.Metric:
    """Return a metric of a queue."""
    return cloudwatch.Metric(
        namespace="AWS/SQS",
        metric_name=metric,
        dimensions_map={"QueueName": queue_name},
        statistic=statistic,
        period=PERIOD,
    )


def share(part: cloudwatch.IMetric, whole: cloudwatch.IMetric) -> cloudwatch.MathExpression:
    """Return part / whole, 0 while nothing happened."""
    return cloudwatch.MathExpression(
        expression="IF(whole > 0, part / whole, 0)",
        using_metrics={"part": part, "whole": whole},
        period=PERIOD,
    )


class Alarms(Construct):
    """Alarms that publish to one topic."""

    def __init__(self, scope: Construct, name: str, *, topic: sns.ITopic) -> None:
        super().__init__(scope, name)
        self._action = actions.SnsAction(topic)
        self.made: list[cloudwatch.Alarm] = []

    def above(
        self,
        name: str,
        metric: cloudwatch.IMetric,
        threshold: float,
        *,
        meaning: str,
        periods: int = 1,
    ) -> None:
        """Raise an alarm while the metric is above the threshold; no data is no alarm."""
        alarm = cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=Comparison.GREATER_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=meaning,
        )
        alarm.add_alarm_action(self._action)
        self.made.append(alarm)


def dashboard(
    scope: Construct,
    name: str,
    *,
    rows: Mapping[str, Sequence[cloudwatch.IMetric]],
    alarms: Sequence[cloudwatch.IAlarm],
) -> cloudwatch.Dashboard:
    """Return a dashboard: all alarms on top, then one graph for each title."""
    board = cloudwatch.Dashboard(scope, name, period_override=cloudwatch.PeriodOverride.AUTO)
    board.add_widgets(cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=24))
    graphs = [
        cloudwatch.GraphWidget(title=title, left=list(metrics), width=8)
        for title, metrics in rows.items()
    ]
    board.add_widgets(*graphs)
    return board

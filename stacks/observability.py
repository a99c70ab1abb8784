"""What a person is told of and looks at: alarms, dashboard, budget."""

from aws_cdk import App, Fn
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_sns as sns

from cdk.monitoring import Alarms, dashboard, own_metric, queue_metric, share
from cdk.naming import stack_name
from configs.contracts.names import PRODUCT, Function, Metric, Queue, Topic
from configs.settings.environment import EnvironmentSettings
from stacks.base import SevenLensStack

VISIBLE = "ApproximateNumberOfMessagesVisible"
AGE = "ApproximateAgeOfOldestMessage"
RECOMMEND = Function.RECOMMEND
WORKER = Function.REASON_WORKER
BUDGET_SHARE = 80.0


class Observability(SevenLensStack):
    """Alarms on what the application itself measures, and on what waits unprocessed."""

    def __init__(self, app: App, settings: EnvironmentSettings) -> None:
        super().__init__(app, "observability", settings, "alarms, dashboard and budget")
        topic_arn = self.handles.topic_arn(Topic.ALARMS.value)
        topic = sns.Topic.from_topic_arn(self, "AlarmsTopic", topic_arn)
        alarms = Alarms(self, "Alarms", topic=topic)
        answers = own_metric(Metric.RECOMMENDATIONS, RECOMMEND)
        rules = own_metric(Metric.RULE_ANSWERS, RECOMMEND)
        failed = own_metric(Metric.RECORDS_FAILED, RECOMMEND)
        queue_failed = own_metric(Metric.REASON_QUEUE_FAILED, RECOMMEND)
        latency = own_metric(Metric.LATENCY, RECOMMEND, "p95")
        executions = own_metric(Metric.EXECUTIONS_FAILED, Function.RECORD_EXECUTION)
        dead = queue_metric(self._queue_name(f"{Queue.REASONS}_dead"), VISIBLE)
        age = queue_metric(self._queue_name(Queue.REASONS.value), AGE)
        bounds = settings.alarms
        alarms.above(
            "RecordsFailed", failed, 0, meaning="A decision could not be recorded: rules answered"
        )
        alarms.above(
            "ReasonQueueFailed", queue_failed, 0, meaning="Orders for better reasons were lost"
        )
        alarms.above(
            "Latency",
            latency,
            bounds.latency_p95_ms,
            meaning=f"p95 of the decision above {bounds.latency_p95_ms} ms",
            periods=3,
        )
        alarms.above(
            "RuleShare",
            share(rules, answers),
            bounds.rule_share,
            meaning="Too many answers come from the rule layer",
            periods=3,
        )
        alarms.above(
            "ExecutionFailed", executions, 0, meaning="A run of the training pipeline failed"
        )
        alarms.above("ReasonsDead", dead, 0, meaning="Orders for reasons failed three times")
        alarms.above(
            "ReasonsLate",
            age,
            bounds.queue_age_s,
            meaning=f"Orders for reasons wait longer than {bounds.queue_age_s} s",
        )
        dashboard(
            self,
            "Dashboard",
            rows={
                "Answers": [answers, rules, own_metric(Metric.REQUESTS_REFUSED, RECOMMEND)],
                "Latency p95 (ms)": [latency],
                "Reasons": [
                    own_metric(Metric.REASON_CACHE_HITS, RECOMMEND),
                    own_metric(Metric.REASON_REWRITES, WORKER),
                    own_metric(Metric.REASON_REJECTED, WORKER),
                ],
                "Failures": [failed, queue_failed, executions],
                "Reason queue": [age, dead],
                "Stages": [
                    own_metric(Metric.STAGES_RUN, Function.STAGE_CONTROL),
                    own_metric(Metric.STAGES_SKIPPED, Function.STAGE_CONTROL),
                ],
            },
            alarms=alarms.made,
        )
        self._budget(topic_arn)

    def _queue_name(self, queue: str) -> str:
        return Fn.select(5, Fn.split(":", self.handles.queue_arn(queue)))

    def _budget(self, topic_arn: str) -> None:
        def at(percent: float, kind: str) -> budgets.CfnBudget.NotificationWithSubscribersProperty:
            return budgets.CfnBudget.NotificationWithSubscribersProperty(
                notification=budgets.CfnBudget.NotificationProperty(
                    comparison_operator="GREATER_THAN",
                    notification_type=kind,
                    threshold=percent,
                    threshold_type="PERCENTAGE",
                ),
                subscribers=[
                    budgets.CfnBudget.SubscriberProperty(address=topic_arn, subscription_type="SNS")
                ],
            )

        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=stack_name(self.settings.name, "monthly"),
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(
                    amount=self.settings.budget.monthly_usd, unit="USD"
                ),
                cost_filters={"TagKeyValue": [f"user:product${PRODUCT}"]},
            ),
            notifications_with_subscribers=[
                at(BUDGET_SHARE, "ACTUAL"),
                at(100.0, "FORECASTED"),
            ],
        )

"""Logical names of queues, topics, functions, machines, metrics, events and parameters."""

from enum import StrEnum

METRIC_NAMESPACE = "SevenLens"
EVENT_SOURCE = "sevenlens"
PRODUCT = "sevenlens"


class Function(StrEnum):
    """Lambda functions; the value is the folder in `lambdas/`."""

    BEGIN_RUN = "begin_run"
    STAGE_CONTROL = "stage_control"
    GATE = "gate"
    REGISTER_MODEL = "register_model"
    REQUEST_APPROVAL = "request_approval"
    RESUME_APPROVAL = "resume_approval"
    PUBLISH_MODEL = "publish_model"
    PUBLISH_RECORDS = "publish_records"
    FLIP_POINTER = "flip_pointer"
    SMOKE_TEST = "smoke_test"
    RECORD_EXECUTION = "record_execution"
    RECOMMEND = "recommend"
    REASON_WORKER = "reason_worker"
    REVIEW_COLLECT = "review_collect"
    OPS_AGENT = "ops_agent"
    AUDIT_AGENT = "audit_agent"
    REVIEW_REPORT = "review_report"


class Machine(StrEnum):
    """State machines; the value is the module in `step_functions/`."""

    TRAINING_PIPELINE = "training_pipeline"
    OPS_REVIEW = "ops_review"


class Queue(StrEnum):
    """SQS queues; each has a dead-letter queue `<name>_dead`."""

    REASONS = "reasons"


class Topic(StrEnum):
    """SNS topics."""

    APPROVALS = "approvals"
    ALARMS = "alarms"


class Metric(StrEnum):
    """Metrics of the namespace, written as EMF log lines, dimension `service`."""

    RECOMMENDATIONS = "Recommendations"
    RULE_ANSWERS = "RuleAnswers"
    LATENCY = "DecisionLatency"
    REASON_CACHE_HITS = "ReasonCacheHits"
    REASON_REWRITES = "ReasonRewrites"
    REASON_REJECTED = "ReasonRejected"
    REASON_ABSTAINED = "ReasonAbstained"
    REASON_QUEUE_FAILED = "ReasonQueueFailed"
    RECORDS_FAILED = "DecisionRecordsFailed"
    REQUESTS_REFUSED = "RequestsRefused"
    STAGES_SKIPPED = "StagesSkipped"
    STAGES_RUN = "StagesRun"
    EXECUTIONS_FAILED = "ExecutionsFailed"


class Control(StrEnum):
    """Items of the control table."""

    SERVING_MODEL = "serving_model"
    KILL_SWITCH = "kill_switch"


class Parameter(StrEnum):
    """SSM parameters below `/sevenlens/<env>/`: how operators and other stacks find things."""

    VERSION = "version"
    LAKE_BUCKET = "lake/bucket"
    AUDIT_BUCKET = "audit/bucket"
    TRAINING_PIPELINE_ARN = "machines/training_pipeline"
    OPS_REVIEW_ARN = "machines/ops_review"
    API_URL = "api/url"
    API_ID = "api/id"
    API_STAGE = "api/stage"
    MODEL_GROUP = "registry/group"
    IMAGE_DIGEST = "images"
    """`images/<image>`: `<tag>@sha256:...` of the pushed image, `unbuilt` before the first."""
    RECOMMEND_FUNCTION = "functions/recommend"
    FLIP_POINTER_FUNCTION = "functions/flip_pointer"
    BUILD_PROJECT = "builds"
    """`builds/<image>`: CodeBuild project of an image."""
    TABLES = "tables"
    """`tables/<logical>`: physical names."""
    PRICE_TABLE = "prices"

    def path(self, env: str, leaf: str = "") -> str:
        """Return the full parameter path, e.g. `/sevenlens/local/tables/stages`."""
        return f"/{PRODUCT}/{env}/{self.value}" + (f"/{leaf}" if leaf else "")

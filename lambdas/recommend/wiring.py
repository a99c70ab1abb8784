"""The service with its real stores, made once for the life of the process."""

import uuid
from datetime import UTC, datetime
from functools import cache

from configs.version import version
from lambdas.recommend.ports import Ports
from lambdas.recommend.service import Recommender
from lambdas.stores import bundled
from lambdas.stores.bounded import bounded_client
from lambdas.stores.control_items import ControlItems
from lambdas.stores.customer_records import CustomerRecords
from lambdas.stores.decision_log import DecisionLog
from lambdas.stores.reason_cache import ReasonCache
from lambdas.stores.rewrite_queue import RewriteQueue
from lambdas.stores.serving_models import ServingModels


class SystemClock:
    """The machine's clock and random ids."""

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC)

    def new_id(self) -> str:
        """Return a random id of 32 hexadecimal digits."""
        return uuid.uuid4().hex


@cache
def ports() -> Ports:
    """Return the real ports. Raises SettingsError when the bundle lacks its settings."""
    policy = bundled.decision_policy()
    tables = bounded_client("dynamodb")
    languages = bundled.languages()
    return Ports(
        control=ControlItems(tables, cache_seconds=policy["control"]["cache_seconds"]),
        models=ServingModels(
            bounded_client("s3"), protected=[row.protected for row in languages.values()]
        ),
        customers=CustomerRecords(tables),
        reasons=ReasonCache(tables),
        decisions=DecisionLog(tables),
        rewrites=RewriteQueue(bounded_client("sqs")),
        clock=SystemClock(),
        policy=policy,
        agents=bundled.agents_policy(),
        languages=languages,
        version=version(),
    )


@cache
def recommender() -> Recommender:
    """Return the service."""
    return Recommender(ports())

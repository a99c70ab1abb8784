"""The planted mechanisms, one a file, each visible mainly to one lens."""

from training_jobs.data.synthetic.mechanisms.base import EventBatch, Mechanism
from training_jobs.data.synthetic.mechanisms.cause import Cause
from training_jobs.data.synthetic.mechanisms.community import Community
from training_jobs.data.synthetic.mechanisms.crosses import Crosses
from training_jobs.data.synthetic.mechanisms.drift import Drift
from training_jobs.data.synthetic.mechanisms.rhythm import Rhythm
from training_jobs.data.synthetic.mechanisms.shape import Shape
from training_jobs.data.synthetic.mechanisms.tree_taste import TreeTaste

MECHANISMS: tuple[Mechanism, ...] = (
    Crosses(),
    Rhythm(),
    TreeTaste(),
    Shape(),
    Community(),
    Cause(),
    Drift(),
)
"""In the order of the columns of `State.on`."""

__all__ = ["MECHANISMS", "EventBatch", "Mechanism"]

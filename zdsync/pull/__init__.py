"""Read → upsert → checkpoint, stream by stream. Never writes to Zoho, never decides anything."""

from zdsync.pull.allowance import Allowance
from zdsync.pull.attached import Attached
from zdsync.pull.comparison import ALLOWANCE, CHECKED, Comparison, due
from zdsync.pull.estimate import Estimate, Estimator, Price
from zdsync.pull.names import refuse_unknown
from zdsync.pull.pace import paced
from zdsync.pull.past import PastReader
from zdsync.pull.progress import Progress, Quiet, StreamOutcome
from zdsync.pull.puller import Puller
from zdsync.pull.purse import Purse
from zdsync.pull.reconcile import Reconciler

__all__ = [
    "ALLOWANCE",
    "CHECKED",
    "Allowance",
    "Attached",
    "Comparison",
    "Estimate",
    "Estimator",
    "PastReader",
    "Price",
    "Progress",
    "Puller",
    "Purse",
    "Quiet",
    "Reconciler",
    "StreamOutcome",
    "due",
    "paced",
    "refuse_unknown",
]

"""What the rules want of Zoho: plan it, guard it, write it down, do it, show it."""

from zdsync.changes.apply import Applied, apply_plan
from zdsync.changes.evaluate import Evaluation, evaluate
from zdsync.changes.guard import Guard
from zdsync.changes.journal import Journal
from zdsync.changes.memory import unsaid
from zdsync.changes.plan import Plan, Skipped
from zdsync.changes.recover import IN_VAIN, WORTH, recover
from zdsync.changes.rehearse import Rehearsal, rehearse
from zdsync.changes.spent import Past, spent
from zdsync.changes.store import Messenger

__all__ = [
    "IN_VAIN",
    "WORTH",
    "Applied",
    "Evaluation",
    "Guard",
    "Journal",
    "Messenger",
    "Past",
    "Plan",
    "Rehearsal",
    "Skipped",
    "apply_plan",
    "evaluate",
    "recover",
    "rehearse",
    "spent",
    "unsaid",
]

"""What an earlier run began and could not end: found in the journal, put into a plan again.

What counts as cut off tells changes/tails.py. Must not write.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zdsync.changes import Evaluation, Journal, Plan
from zdsync.changes.keeping import unheld
from zdsync.changes.tails import Tail, cut_off, with_tails
from zdsync.changes.wire import is_speech
from zdsync.model import Change


@dataclass(slots=True)
class CutOff:
    """The journal, and `recall`: a plan that was being applied, by its id."""

    journal: Journal
    recall: Callable[[str], Plan | None] = lambda plan_id: None
    speechless: str = ""  # why rules may say nothing in this run

    def read(self, evaluation: Evaluation) -> Sequence[Tail]:
        """Read what an earlier run began and could not end."""
        return cut_off(self.journal.recent(), evaluation.rules_digest, evaluation.as_of)

    def plan(
        self,
        evaluation: Evaluation,
        tails: Sequence[Tail],
        paused: frozenset[str] = frozenset(),
        *,
        rule: str | None = None,
        ticket: str | None = None,
    ) -> Plan:
        """Plan, and add what was cut off, as far as it is asked for and its rule acts now."""
        acting = evaluation.acting
        again = {one.id for one in acting.values() if one.reassert}

        def wanted(change: Change) -> bool:
            asked = rule in (None, change.rule) and ticket in (
                None,
                change.ticket_id,
                change.ticket_number,
            )
            silent = bool(self.speechless) and is_speech(change.field)
            return asked and change.rule in acting and change.rule not in paused and not silent

        def free(plan: Plan) -> Plan:
            return unheld(plan, evaluation.held(plan), again)

        return with_tails(evaluation.plan(paused), tails, self.recall, wanted, free)

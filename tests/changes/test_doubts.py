"""A person says what became of a write of which nobody knows: that stands, nothing else does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.changes.test_apply import raising
from tests.changes.test_speak import NOTE, REPLY, Spoken, scene
from tests.changes.world import rule
from tests.conftest import FakeClock
from zdsync.changes.doubts import settle
from zdsync.changes.journal import Entry
from zdsync.errors import Misconfigured, OutcomeUnknown
from zdsync.rules.compiled import Tags


@pytest.fixture
def place(tmp_path: Path, clock: FakeClock) -> Spoken:
    """A reply without an answer, in a run that also set a tag."""
    found = scene(tmp_path, clock, rule("r", Tags(add=("bug",)), REPLY))
    found.desk.refuse["reply"] = raising(OutcomeUnknown("no answer"))
    found.apply()
    assert found.outcomes() == {("T1", "tag:bug"): "applied", ("T1", "reply"): "unknown"}
    clock.sleep(7200)
    return found


def entry(place: Spoken, field: str = "reply") -> Entry:
    return next(one for one in place.journal.entries() if one.field == field)


def refused(place: Spoken, word: str, outcome: Any = "applied") -> str:
    with pytest.raises(Misconfigured) as told:
        settle(place.mirror, place.journal, word, outcome, place.clock.now())
    return f"{told.value.what}; {told.value.hint}"


@pytest.mark.parametrize("outcome", ["applied", "unsent"])
def test_what_a_person_says_stands_in_the_journal_and_that_a_person_said_it(
    place: Spoken, outcome: Any
) -> None:
    before = entry(place)
    done = settle(place.mirror, place.journal, before.change_id[:6], outcome, place.clock.now())
    assert (done.change_id, done.outcome, done.settled) == (before.change_id, outcome, 1)
    assert (done.ticket_id, done.rule, done.field) == ("T1", "r", "reply")
    after = entry(place)
    assert (after.outcome, after.error) == (
        outcome,
        f"a person said so with zdsync settle, {place.clock.now():%Y-%m-%d %H:%M} UTC",
    )


def test_it_is_not_taken_for_a_write_of_now(place: Spoken) -> None:
    """Else what others did to the ticket meanwhile would look like our own doing."""
    before = entry(place).settled_at
    settle(place.mirror, place.journal, entry(place).change_id, "applied", place.clock.now())
    assert entry(place).settled_at == before


def test_saying_it_again_changes_nothing_and_saying_otherwise_is_refused(place: Spoken) -> None:
    change = entry(place).change_id
    settle(place.mirror, place.journal, change, "applied", place.clock.now())
    lines = list(place.journal.lines())
    again = settle(
        place.mirror, place.journal, change, "applied", place.clock.now() + timedelta(days=1)
    )
    assert (again.settled, again.outcome) == (0, "applied")
    assert refused(place, change, "unsent").startswith(
        f"the outcome of {change} is known: applied (a person said so with zdsync settle, "
    )
    assert list(place.journal.lines()) == lines


def test_what_is_known_or_was_not_looked_up_yet_is_refused(place: Spoken) -> None:
    tag = entry(place, "tag:bug").change_id
    assert refused(place, tag) == f"the outcome of {tag} is known: applied; nothing was settled"
    (open_,) = _intended(place)
    told = refused(place, open_.change_id)
    assert told.startswith(f"{open_.change_id} has no outcome yet")
    assert "zdsync run --once" in told


def _intended(place: Spoken) -> Sequence[Any]:
    place.rules = (rule("other", NOTE),)
    changes = place.plan().changes
    place.journal.intend(changes, run_id="dead", plan_id="p", rules_digest="d")
    return changes


def test_a_word_that_names_no_change_or_several_is_refused_with_near_names(place: Spoken) -> None:
    change = entry(place).change_id
    near = change[:-1] + ("0" if change[-1] != "0" else "1")
    assert refused(place, near).endswith(f"did you mean {change}?")
    assert "zdsync journal --unresolved" in refused(place, "\x1bzz")
    assert "\x1b" not in refused(place, "\x1bzz")
    assert "is a run" in refused(place, "run1")
    told = refused(place, "")
    assert "begins 2 changes" in told and "give more of it" in told


def test_a_change_that_several_runs_left_unknown_is_settled_in_all(
    tmp_path: Path, clock: FakeClock
) -> None:
    place = scene(tmp_path, clock, rule("r", Tags(add=("bug",))))
    place.desk.refuse["add_tags"] = raising(OutcomeUnknown("no answer"))
    plan = place.plan()
    for number in (1, 2):
        place.journal.intend(plan.changes, run_id=f"run{number}", plan_id="p", rules_digest="d")
        place.journal.settle([_unknown(place, plan.changes[0].change_id)], run_id=f"run{number}")
    assert (
        settle(
            place.mirror, place.journal, plan.changes[0].change_id, "unsent", clock.now()
        ).settled
        == 2
    )
    assert {one.outcome for one in place.journal.entries()} == {"unsent"}


def _unknown(place: Spoken, change_id: str) -> Any:
    from zdsync.model import Receipt

    return Receipt(change_id, "unknown", place.clock.now(), None, "no answer")

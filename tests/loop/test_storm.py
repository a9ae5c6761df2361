"""A Zoho in a storm: 5xx, pages of HTML, resets before and after the effect, both 429, tokens that
expire. Every intended change is made once, and none twice. STORM=10000 makes so many changes.
"""

from __future__ import annotations

import os
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.loop.portal import Portal, portal
from tests.loop.talk import open_tickets
from tests.pull.world import Ticking
from zdsync.errors import TokenRefused, ZohoFailed
from zdsync.sandbox import Variant
from zdsync.sandbox.faults import Faults

CHANGES = int(os.environ.get("STORM", "300"))
ROUNDS = 40 + CHANGES // 50  # a token that expires twice at once ends a run
RULES = """
version: 1
limits: {changes_per_rule: 100000, destructive_per_tick: 100000, destructive_per_day: 100000}
rules:
  - {id: sla, mode: apply, when: {priority: {known: false}}, then: [{set: {priority: High}}]}
  - id: first
    mode: apply
    when: {tags: {has_none: [seen]}}
    then: [{tag: {add: [seen]}}, {comment: "Look at {{ subject }}"}]
  - id: done
    mode: apply
    when: {department: Trials, tags: {has_none: [seen]}}
    then: [{close: {outcome: Resolved}}]
"""


def _rounds(place: Portal, clock: Ticking) -> int:
    """Apply, a few minutes apart, until a plan asks for nothing; returns how often."""
    for number in range(1, ROUNDS):
        clock.sleep(180)
        with suppress(ZohoFailed, TokenRefused):  # a run that could not even look back
            place.app().pull()
            plan, applied = place.app().apply(None, lambda plan: True, destructive=True)
            if applied is None and not plan.writes and _settled(place):
                return number
    raise AssertionError("the storm is never over")


def _settled(place: Portal) -> bool:
    asked = "select count(*) from zdsync.journal where coalesce(outcome, 'unknown') = 'unknown'"
    return place.rows(asked) == [(0,)]


def _written(place: Portal) -> Counter[tuple[str, str]]:
    """How often each field of each ticket was written, as the sandbox took it down."""
    found: Counter[tuple[str, str]] = Counter()
    for one in place.box.writes:
        what = one.path.rpartition("/")[2] if one.method == "POST" else ""
        body: dict[str, Any] = one.body or {}
        fields = [what] if what else [*body]
        found.update((str(one.ticket_id), name) for name in fields)
    return found


def _intended(plan: Any) -> set[tuple[str, str]]:
    calls = {"comment": "comments", "tag:seen": "associateTag", "cf.cf_outcome": "cf"}
    return {(one.ticket_id, calls.get(one.field, one.field)) for one in plan.writes}


def test_in_a_storm_every_change_is_made_once(tmp_path: Path) -> None:
    clock = Ticking()
    options: dict[str, Any] = {"now": clock.now, "sleep": lambda seconds: None}
    # validating a hundred thousand answers would take longer than all the rest
    times = "iso" if CHANGES < 1000 else "epoch"
    variant = Variant(edition="enterprise", daily_credits=10**7, times=times)
    with portal(tmp_path, tickets=CHANGES * 2, variant=variant, **options) as place:
        place.clock = clock  # one for both sides: pauses take no time
        more = {"every": place.settings.every * 10_000, "child_credits": 10**9}
        place.settings = place.settings.model_copy(update=more)
        place.pull()
        place.rules(RULES)
        intended = _intended(place.app().plan())
        assert len(intended) > CHANGES * 9 // 10, (len(intended), len(open_tickets(place)))
        place.box.api.faults = Faults("storm", 11)
        rounds = _rounds(place, clock)
        place.box.api.faults = Faults("none", 11)
        written = _written(place)
        twice = {what: many for what, many in written.items() if many > 1}
        assert not twice
        # The storm edits tickets too: what somebody changed between two writes is left alone.
        stale = place.rows("select distinct ticket_id from zdsync.journal where outcome = 'stale'")
        lost = intended - set(written)
        assert set(written) <= intended
        assert {ticket for ticket, _ in lost} <= {ticket for (ticket,) in stale}
        assert len(lost) <= len(intended) // 50
        refused = Counter(str(one.status) for one in place.box.calls)
        tries = place.rows("select outcome, count(*) from zdsync.journal group by all")
        print(len(intended), "changes in", rounds, "runs:", sorted(tries), sorted(refused.items()))
        settled = place.rows(
            "select count(*) from (select ticket_id, field from zdsync.journal "
            "where outcome = 'applied' group by all having count(*) > 1)"
        )
        assert settled == [(0,)]

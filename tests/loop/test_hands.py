"""Whose hand was on a ticket, end to end: touched, closed_by, and the contact's open tickets."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.loop.portal import Portal, portal
from tests.loop.talk import open_tickets
from tests.pull.world import Ticking
from zdsync.sandbox import Variant

WRITE = """
version: 1
rules:
  - {id: tag, mode: apply, when: {ZZZ}, then: [{tag: [looked-at]}]}
  - {id: set, mode: apply, when: {ZZZ}, then: [{set: {category: looked at}}]}
"""
CLOSED = """
version: 1
rules:
  - id: who
    mode: plan
    scope: all
    when: {status_type: Closed, closed_by: {known: true}}
    then: [{set: {category: told}}]
"""


def _touched(place: Portal, ticket: str) -> Any:
    rows = place.rows(
        "SELECT touched, modified FROM zdsync.rule_tickets WHERE ticket_id = ?", ticket
    )
    return rows[0]


def _apply(place: Portal, rule: str, ticket: Any) -> None:
    lines = WRITE.replace("ZZZ", f"subject: '{ticket.subject}'").splitlines()
    other = next(n for n, line in enumerate(lines) if f"id: {rule}," not in line and "id:" in line)
    place.rules("\n".join(line for n, line in enumerate(lines) if n != other))
    plan, applied = place.app().apply(None, lambda plan: True)
    assert applied is not None
    assert ticket.id in {one.ticket_id for one in plan.writes}
    assert applied.clean


@pytest.mark.parametrize("bump", [False, True])
def test_touched_moves_by_every_hand_but_zdsyncs(bump: bool, tmp_path: Path) -> None:
    clock = Ticking()
    variant = Variant(tags_bump_modified=bump)
    with portal(tmp_path, tickets=40, variant=variant, now=clock.now) as place:
        place.clock = clock
        place.pull()
        ticket = open_tickets(place)[0]
        first, modified = _touched(place, ticket.id)
        assert first >= modified
        for rule in ("tag", "set"):
            clock.sleep(7200)
            place.pull()
            _apply(place, rule, ticket)
            clock.sleep(60)
            place.pull(full=True)
            assert _touched(place, ticket.id)[0] == first
        assert _touched(place, ticket.id)[1] > first
        clock.sleep(3600)
        place.box.edit(ticket.id, by="agent", priority="High")
        edited = datetime.fromtimestamp(ticket.modified // 1000, UTC).replace(tzinfo=None)
        place.pull()
        assert _touched(place, ticket.id)[0] == edited
        clock.sleep(3600)
        place.box.reply(ticket.id, "And?", by="customer")
        place.pull()
        assert _touched(place, ticket.id)[0] > edited


def _histories(place: Portal) -> int:
    return sum(one.endpoint.endswith("/History") for one in place.box.calls)


def _seen(plan: Any) -> dict[str, Any]:
    return {one.ticket_id: one.evidence["closed_by"] for one in plan.changes}


@pytest.mark.parametrize("name", ["likely", "oldest-first", "base-1", "names", "no-actor", "epoch"])
def test_closed_by_says_who_closed_and_reads_history_only_for_those_it_is_asked_of(
    name: str, tmp_path: Path
) -> None:
    options: dict[str, dict[str, Any]] = {
        "oldest-first": {"history_newest_first": False},
        "base-1": {"history_from_base": 1},
        "names": {"history_values": "name"},
        "no-actor": {"history_actor": False},
        "epoch": {"times": "epoch", "ids_as_int": True},
    }
    clock, variant = Ticking(), Variant(**options.get(name, {}))
    with portal(tmp_path, tickets=40, variant=variant, now=clock.now) as place:
        place.clock = clock
        place.pull()
        by_hand, by_customer, by_robot, again = [one.id for one in open_tickets(place)[:4]]
        clock.sleep(600)
        for one, by in ((by_hand, "agent"), (by_customer, "customer"), (by_robot, "Workflow")):
            place.box.edit(one, by=by, status="Closed")
        place.box.edit(again, by="agent", status="Closed")
        clock.sleep(60)
        place.box.edit(again, by="agent", status="Open")
        clock.sleep(600)
        place.pull()
        place.rules(CLOSED)
        poor = place.app(child_credits=0).plan()
        assert not poor.changes
        assert any("closings are not read" in one.reason for one in poor.skipped)
        closed = [one for one in place.box.state.tickets.values() if one.status_type == "Closed"]
        live = [one for one in closed if not (one.spam or one.trashed or one.archived)]
        seen = _seen(place.app().plan())
        assert _histories(place) == len(live)
        if name == "no-actor":
            assert not {by_hand, by_customer, by_robot} & seen.keys()
        else:
            events = place.box.state.children.history(place.box.state.tickets[by_hand])
            agents = {one.id: one.email for one in place.box.state.agents.values()}
            assert seen[by_hand] == agents[events[-1].actor.id]
            assert seen[by_customer] == "customer"
            assert seen[by_robot] == "automation"
            assert again not in seen
        assert _seen(place.app().plan()) == seen
        assert _histories(place) == len(live)


def test_what_zdsync_closed_was_closed_by_zdsync(tmp_path: Path) -> None:
    clock = Ticking()
    with portal(tmp_path, tickets=40, now=clock.now) as place:
        place.clock = clock
        place.pull()
        ticket = open_tickets(place)[0]
        place.rules(
            "version: 1\nrules:\n"
            f"  - {{id: c, mode: apply, when: {{subject: '{ticket.subject}'}},"
            " then: [{close: {outcome: Resolved}}]}\n"
        )
        place.app().apply(None, lambda plan: True, destructive=True)
        place.rules(CLOSED)
        assert _seen(place.app().plan())[ticket.id] == "zdsync"


def test_open_tickets_of_the_contact_are_live_and_open_this_one_included(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=80) as place:
        place.pull()
        wanted = Counter(one.contact_id for one in open_tickets(place))
        rows = place.rows(
            "SELECT contact_id, contact_open_tickets FROM zdsync.rule_tickets "
            "WHERE presence = 'live' AND contact_id IS NOT NULL"
        )
        assert rows
        assert all(count == wanted[contact] for contact, count in rows)


SQL = """
version: 1
rules:
  - id: s
    mode: plan
    when:
      sql: >-
        contact.open_tickets > 1 and touched <= now() and thread_count * 2 >= 0
        and (list_contains(tags, 'billing') or subject like '%a%')
    then: [{set: {category: found}}]
"""


def test_an_sql_condition_runs_over_the_mirror_and_reads_the_tags_that_it_needs(
    tmp_path: Path,
) -> None:
    with portal(tmp_path, tickets=80) as place:
        place.pull()
        some = open_tickets(place)
        crowd = Counter(one.contact_id for one in some)
        mine = [one for one in some if crowd[one.contact_id] > 1]
        for one in mine[::2]:
            place.box.tag(one.id, add=("billing",))
        place.pull()
        place.rules(SQL)
        plan = place.app().plan()
        wanted = {one.id for one in mine if "billing" in one.tags or "a" in one.subject}
        assert {one.ticket_id for one in plan.changes} == wanted
        assert wanted
        assert plan.changes[0].evidence["contact.open_tickets"]
        told = place.app().explain(plan.changes[0].ticket_number)
        assert "contact.open_tickets: " in str(told)

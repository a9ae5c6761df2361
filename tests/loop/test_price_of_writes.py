"""What a changed ticket costs, counted in the sandbox's own answers: the figures of issue 5."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.loop.meddling import Hasty, alone, applied, priced, rule_for, rules_for
from tests.loop.portal import portal
from zdsync.sandbox import Variant

# What a ticket gets → calls and credits.
MOST = {
    "priority": (("set: {priority: High}",), 2, 2),
    "status": (("set: {status: On Hold}",), 2, 2),
    "fields": (("set: {priority: High, category: x}", "set: {classification: y}"), 2, 2),
    "tags": (("tag: [looked-at, seen-too]",), 2, 2),
    "untag": (("tag: {remove: [old-one]}",), 2, 2),
    "assign": (("assign: AGENT",), 2, 2),
    "close": (("close: {outcome: Resolved}",), 3, 5),
    "spam": (("close: {outcome: Spam, notify_contact: false}", "spam"), 5, 7),
}
VARIANTS = {
    "likely": {},
    "otherwise": {
        "tags_bump_modified": True, "associate_answers": "all", "times": "epoch",
        "ids_as_int": True, "history_newest_first": False,
    },
}  # fmt: skip


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_changed_ticket_costs_no_more_than_the_figures(variant: str, tmp_path: Path) -> None:
    clock = Hasty()
    with portal(tmp_path, tickets=10, now=clock.now, variant=Variant(**VARIANTS[variant])) as place:
        place.clock = clock
        department = next(one for one in place.box.state.departments.values())
        agents = place.box.state.agents.values()
        mail = next(
            one.email
            for one in agents
            if department.id in one.departments and one.status == "ACTIVE"
        )
        given = []
        for kind, (actions, _, _) in MOST.items():
            ticket = place.box.create(subject=f"Only {kind}", department_id=department.id)
            place.box.tag(ticket.id, add=("old-one", "billing"))
            given.append((ticket, [one.replace("AGENT", mail) for one in actions]))
        clock.sleep(60)
        place.pull()
        rules_for(place, given)
        place.app().plan()  # what planning reads has its own price
        bills = priced(place)
        result = applied(place)
        assert result.clean, result.failures
        for (ticket, _), (_, calls, credits) in zip(given, MOST.values(), strict=True):
            assert bills[ticket.id] == (calls, credits), (ticket.subject, bills[ticket.id])
        assert not place.app().plan().writes
        place.pull()
        assert not place.app().plan().writes


def test_tags_that_somebody_changed_meanwhile_are_read_and_the_ticket_waits(
    tmp_path: Path,
) -> None:
    clock = Hasty()
    with portal(tmp_path, tickets=10, now=clock.now) as place:
        place.clock = clock
        ticket = alone(place)
        place.box.tag(ticket.id, add=("billing",))
        rule_for(place, ticket, "tag: [looked-at]")
        plan = place.app().plan()
        place.box.tag(ticket.id, remove=("billing",))  # moves no modified time
        assert applied(place, plan.plan_id).outcomes == {"stale": 1}
        assert not place.box.writes
        assert applied(place).outcomes == {"applied": 1}  # the mirror learned the tags
        assert ticket.tags == ("looked-at",)


def test_a_tag_that_stands_there_already_is_not_written(tmp_path: Path) -> None:
    clock = Hasty()
    with portal(tmp_path, tickets=10, now=clock.now) as place:
        place.clock = clock
        ticket = alone(place)
        rule_for(place, ticket, "tag: [looked-at]")
        plan = place.app().plan()
        place.box.tag(ticket.id, add=("Looked-At",))
        assert applied(place, plan.plan_id).outcomes == {"already": 1}
        assert not place.box.writes
        assert not place.app().plan().writes

"""What the past tells of tags, of instants that move, of SQL, and of a choice among several."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.backtest.world import DAY, HOUR, World, outcomes, world
from zdsync.sandbox.records import Ticket
from zdsync.sql import Sql

PLANTED = {"subject": "a planted one"}
RULE = """
  - id: one
    when: {{subject: a planted one, {when}}}
    then: [{then}]
"""
HIGH = "{set: {priority: High}}"


def rule(when: str, then: str = HIGH) -> str:
    return RULE.format(when=when, then=then)


def read_tags(here: World) -> None:
    """Pull, and read all tags; then a day passes in which nothing happens."""
    here.learn()
    app = here.place.app()
    with app.place.run("run") as run:
        app.place.attached(run).sweep_tags(10_000)
    here.wait(8 * DAY)
    here.learn()


def created(here: World, ticket: Ticket) -> datetime:
    ((at,),) = here.place.rows("SELECT created_time FROM desk.tickets WHERE id = ?", ticket.id)
    assert isinstance(at, datetime)
    return at


def test_tags_are_known_of_a_moment_where_history_was_read(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        never, later, taken, always = (here.ticket(**PLANTED) for _ in range(4))
        here.box.tag(taken.id, add=["VIP"])
        here.box.tag(always.id, add=["VIP", "other"])
        here.wait(HOUR)
        here.box.tag(taken.id, remove=["VIP"])
        here.wait(HOUR)
        here.box.tag(later.id, add=["VIP"])
        moment = here.clock.now()
        here.wait(HOUR)
        here.edit(later, priority="High")
        here.edit(always, status="In Progress")  # a moment at which the tag is there
        read_tags(here)
        has = rule("tags: {has: vip}")
        assert here.tried(has).judged == 0, "what was on a ticket then is not known yet"
        found = here.tried(has, sample=100)
        told = outcomes(found)
        assert told.keys() == {later.id, taken.id, always.id}
        assert told[later.id] == "agreed"
        at = {one.decision.ticket_id: one.decision.at for one in found.seen}
        assert abs(at[later.id] - moment.replace(tzinfo=None)) < timedelta(seconds=2)
        assert found.unknown == 0
        none = here.tried(rule("tags: {has_none: [VIP]}"), sample=100)
        assert outcomes(none).keys() == {never.id, later.id, taken.id}
        assert not outcomes(here.tried(rule("tags: {has_all: [vip, nothing]}"), sample=100))
        assert outcomes(here.tried(rule("tags: {known: true}"), sample=100)).keys() == told.keys()


def test_sql_asks_the_tags_as_they_are_spelt(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        made = here.ticket(**PLANTED)
        here.box.tag(made.id, add=["Zebra"])
        here.wait(HOUR)
        read_tags(here)
        asked = rule("sql: \"list_contains(tags, 'Zebra')\"")
        assert outcomes(here.tried(asked, sample=100)).keys() == {made.id}
        assert not outcomes(here.tried(asked.replace("Zebra", "zebra"), sample=100))


def test_tags_that_were_not_read_since_a_moment_are_not_known_then(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        made = here.ticket(**PLANTED)
        here.box.tag(made.id, add=["VIP"])
        read_tags(here)  # before the rule would have seen the ticket, ten minutes after its birth
        found = here.tried(rule("tags: {has: vip}"), sample=100)
        assert (outcomes(found), found.unknown) == ({}, 1)


def test_tags_whose_changes_do_not_chain_are_not_known(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        made = here.ticket(**PLANTED)
        here.wait(HOUR)
        here.box.tag(made.id, add=["VIP"])
        read_tags(here)
        has = rule("tags: {has: vip}")
        assert outcomes(here.tried(has, sample=100)).keys() == {made.id}
        with here.place.app().place.work("test") as mirror:
            mirror.run(Sql("DELETE FROM desk.ticket_tags WHERE ticket_id = ?", (made.id,)))
        found = here.tried(has, sample=100)
        assert (outcomes(found), found.unknown) == ({}, 1)


@pytest.mark.parametrize(
    ("when", "after", "late"),
    [
        ("created: {before: 2d ago}", timedelta(days=2), 1),  # not at the instant itself
        ("created: {lte: 36h ago}", timedelta(hours=36), 0),
        ("status_since: {between: [3d ago, 1d ago]}", timedelta(days=1), 0),
        ("none: [{created: {after: 30h ago}}]", timedelta(hours=30), 0),
        ("none: [{created: {gte: 30h ago}}]", timedelta(hours=30), 1),
    ],
)
def test_an_instant_that_moves_turns_a_rule_when_it_is_met(
    when: str, after: timedelta, late: int, tmp_path: Path
) -> None:
    with world(tmp_path) as here:
        made = here.ticket(**PLANTED)
        here.wait(10 * DAY)
        here.learn()
        found = here.tried(rule(when))
        (seen,) = found.seen
        assert seen.decision.at == created(here, made) + after + timedelta(microseconds=late)
        assert (found.judged, found.unknown) == (1, 0)


def test_an_instant_ahead_is_met_before_it_comes(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        here.ticket(**PLANTED)
        here.wait(2 * DAY)
        here.learn()
        ((due,),) = here.place.rows(
            "UPDATE desk.tickets SET due_date = created_time + INTERVAL 5 HOUR "
            "WHERE subject = 'a planted one' RETURNING due_date"
        )
        (seen,) = here.tried(rule("due: {between: [now, in 2h]}")).seen
        assert seen.decision.at == due - timedelta(hours=2)


@pytest.mark.parametrize(
    "when",
    [
        "created: {older_than: 2 business hours}",
        "created: {before: 1 business day ago}",
        'sql: "created < now()"',
    ],
)
def test_when_business_time_or_sql_turns_a_rule_is_not_known(when: str, tmp_path: Path) -> None:
    with world(tmp_path) as here:
        here.ticket(**PLANTED)
        here.wait(10 * DAY)
        here.learn()
        found = here.tried(rule(when))
        assert (outcomes(found), found.unknown) == ({}, 1)


def test_sql_over_what_is_known_is_known(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        low, none = here.ticket(**PLANTED, priority="Low"), here.ticket(**PLANTED)
        here.wait(HOUR)
        here.edit(low, priority="High")
        here.learn()
        found = here.tried(rule("sql: \"priority = 'Low' and length(subject) > 3\""))
        assert outcomes(found) == {low.id: "agreed"}
        assert (found.judged, found.unknown) == (2, 0)
        dark = here.tried(rule("sql: \"category = 'x' or priority = 'Low'\""))
        assert outcomes(dark).keys() <= {low.id}
        assert none.id not in outcomes(dark)


def test_whoever_could_have_been_chosen_agrees(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        made = [here.ticket(**PLANTED) for _ in range(4)]
        first, second, third = here.agents(made[0])[:3]
        here.wait(HOUR)
        for ticket, agent in zip(made, (first, second, third), strict=False):
            here.edit(ticket, assignee_id=agent)
        here.wait(8 * DAY)
        here.learn()
        among = f"{{assign: {{among: [{here.mail(first)}, {here.mail(second)}]}}}}"
        found = here.tried(rule("channel: {known: true}", among))
        assert outcomes(found) == {
            made[0].id: "agreed",
            made[1].id: "agreed",
            made[2].id: "differed",
            made[3].id: "nothing",
        }

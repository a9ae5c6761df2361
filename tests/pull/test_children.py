"""What hangs on tickets is read as rules need it, once, within the allowance, and never guessed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.loop.talk import reading_calls
from tests.pull.world import World, world
from zdsync.app import App
from zdsync.changes import Applied, Plan
from zdsync.errors import TokenRefused, ZohoFailed
from zdsync.sandbox import Variant
from zdsync.sandbox.records import Ticket

QUIET = Variant(reply_bumps_modified=False, comment_bumps_modified=False)
CHASE = """
version: 1
rules:
  - id: chase
    mode: apply
    when: {{{more} attempts: {{gte: 1}}}}
    then: [{{set: {{category: chased}}}}]
"""
WAITING = """
version: 1
rules:
  - id: waiting
    mode: apply
    when: {last_direction: in}
    then: [{set: {category: waiting}}]
"""
TAGGED = """
version: 1
rules:
  - id: vip
    mode: apply
    when: {tags: {has: Refill}}
    then: [{set: {category: vip}}]
"""
LABEL = """
version: 1
rules:
  - id: label
    mode: apply
    when: {subject: {starts_with: Zebra}}
    then: [{tag: [striped]}]
"""


class Desk:
    """A world with a rules file; counts what each command cost beyond pulling."""

    def __init__(self, place: World, rules: str, credits: float = 10_000) -> None:
        self.place = place
        path = place.settings.data_dir.parent / "rules.yaml"
        path.write_text(rules, encoding="utf-8")
        self.settings = place.settings.model_copy(update={"rules": path, "child_credits": credits})

    def app(self) -> App:
        return App(self.settings, clock=self.place.clock)

    def pull(self, *names: str) -> None:
        for outcome in self.app().pull(names):
            assert outcome.error is None, (outcome.stream, outcome.error)

    def spent(self, act: Callable[[], object]) -> int:
        """Credits that `act` spent on what hangs on tickets."""
        before = len(self.place.box.calls)
        act()
        return sum(one.credits for one in reading_calls(self.place, before))

    def plan(self) -> Plan:
        return self.app().plan()

    def apply(self) -> Applied | None:
        return self.app().apply(None, lambda plan: True, destructive=True)[1]

    def hit(self) -> set[str]:
        return {change.ticket_id for change in self.plan().changes}

    def open(self) -> list[Ticket]:
        rows = self.place.rows("SELECT id FROM zdsync.open_tickets ORDER BY id")
        return [self.place.box.state.tickets[row[0]] for row in rows]

    def later(self, **span: float) -> None:
        self.place.clock.at += timedelta(**span)


def _chase(more: str = "") -> str:
    return CHASE.format(more=more)


def _answered(desk: Desk) -> set[str]:
    """Open tickets with an outbound mail after the customer's last message."""
    threads = desk.place.box.state.children.threads
    chats = {"CHAT", "ONLINE_CHAT"}
    return {
        one.id
        for one in desk.open()
        if threads(one)[-1].direction == "out" and threads(one)[-1].channel not in chats
    }


def test_the_direction_of_the_last_message_costs_nothing(tmp_path: Path) -> None:
    with world(tmp_path, tickets=80) as place:
        desk = Desk(place, WAITING)
        desk.pull()
        plans: list[Plan] = []
        assert desk.spent(lambda: plans.append(desk.plan())) == 0
        hit = {change.ticket_id for change in plans[0].changes}
        assert hit == {one.id for one in desk.open() if one.last_direction == "in"}
        assert plans[0].cost.read_calls == 0


def test_only_tickets_for_which_the_rest_holds_are_read(tmp_path: Path) -> None:
    with world(tmp_path, tickets=200) as place:
        desk = Desk(place, _chase("priority: High,"))
        desk.pull()
        high = [one for one in desk.open() if one.priority == "High"]
        silent = [one for one in high if one.last_direction == "in" and not one.comments]
        assert len(silent) < len(high)
        assert desk.spent(desk.plan) == 3 * (len(high) - len(silent))
        assert desk.spent(desk.plan) == 0


@pytest.mark.parametrize("endpoint", [200, 404])
def test_the_allowance_is_never_passed_and_the_rest_is_said_and_read_later(
    tmp_path: Path, endpoint: int
) -> None:
    with world(tmp_path, tickets=300, variant=Variant(conversations=endpoint)) as place:
        desk = Desk(place, _chase(), 40)
        desk.pull()
        wanted = _answered(desk)
        seen: list[int] = []
        for _ in range(60):
            plans: list[Plan] = []
            spent = desk.spent(lambda: plans.append(desk.plan()))  # noqa: B023 - called at once
            plan = plans[0]
            assert spent <= 40
            assert plan.cost.read_credits == spent
            assert {change.ticket_id for change in plan.changes} <= wanted
            left = len(plan.needs.conversations)
            reasons = [one.reason for one in plan.skipped if one.rule == "chase"]
            assert bool(left) == bool(reasons)
            if not left:
                break
            assert f"are not read: {left} (reading them costs about {3 * left}" in reasons[0]
            seen.append(left)
        assert seen == sorted(set(seen), reverse=True)
        assert len(seen) > 2
        assert desk.hit() == wanted


def test_a_moved_ticket_is_read_again_and_only_that_one(tmp_path: Path) -> None:
    with world(tmp_path, tickets=120) as place:
        desk = Desk(place, _chase())
        desk.pull()
        hit = desk.hit()
        one = next(iter(hit))
        desk.later(minutes=20)
        place.box.reply(one, "Here I am", by="customer")
        desk.pull()
        assert desk.spent(desk.plan) == 3 * bool(place.box.state.tickets[one].comments)
        assert desk.hit() == hit - {one}


def test_own_writes_make_nobody_read_again(tmp_path: Path) -> None:
    with world(tmp_path, tickets=120) as place:
        desk = Desk(place, _chase())
        desk.pull()
        hit = desk.hit()
        applied = desk.apply()
        assert applied is not None
        assert applied.outcomes == {"applied": len(hit)}
        assert desk.spent(desk.plan) == 0
        assert not desk.hit()
        desk.later(minutes=20)
        desk.pull()
        assert desk.spent(desk.plan) == 0


def test_promise_6_a_write_is_stale_where_somebody_wrote_in_the_ticket_since(
    tmp_path: Path,
) -> None:
    with world(tmp_path, tickets=120, variant=QUIET) as place:
        desk = Desk(place, _chase())
        desk.pull()
        one = sorted(desk.hit())[0]

        def agree(plan: Plan) -> bool:
            place.box.reply(one, "I answer just now", by="customer")
            return True

        applied = desk.app().apply(None, agree, destructive=True)[1]
        assert applied is not None
        assert [change.ticket_id for change, _ in applied.failures] == [one]
        assert applied.outcomes["stale"] == 1


def test_a_reply_that_moves_nothing_is_noticed_within_the_hour_on_a_ticket_of_the_day(
    tmp_path: Path,
) -> None:
    with world(tmp_path, tickets=120, variant=QUIET) as place:
        desk = Desk(place, _chase())
        desk.pull()
        one = sorted(desk.hit())[0]
        place.box.edit(one, subject="moved today")
        desk.pull()
        place.box.reply(one, "I answer", by="customer")
        desk.later(minutes=61)
        desk.pull()
        assert one not in desk.hit()


def test_a_reply_that_moves_nothing_is_noticed_within_a_day_on_an_old_ticket(
    tmp_path: Path,
) -> None:
    with world(tmp_path, tickets=120, variant=QUIET) as place:
        desk = Desk(place, _chase())
        desk.pull()
        hit = desk.hit()
        one = sorted(hit)[0]
        place.box.reply(one, "I answer", by="customer")
        desk.later(hours=25)
        desk.pull()
        assert desk.hit() == hit - {one}
        before = len(place.box.calls)
        desk.plan()
        assert not [c for c in place.box.calls[before:] if "search" in c.endpoint], "rows are fresh"


def test_a_comment_that_vanished_is_buried_and_counts_no_more(tmp_path: Path) -> None:
    with world(tmp_path, tickets=120) as place:
        desk = Desk(place, _chase())
        desk.pull()
        quiet = sorted({one.id for one in desk.open()} - desk.hit())[0]
        place.box.comment(quiet, "<div>Called, nobody there</div>")
        note = place.box.state.children.comments(place.box.state.tickets[quiet])[-1].id
        place.box.edit(quiet, subject="so that it moves")
        desk.later(minutes=20)
        desk.pull()
        assert quiet in desk.hit()
        place.box.uncomment(quiet, note)
        place.box.edit(quiet, subject="and again")
        desk.later(minutes=20)
        desk.pull()
        assert quiet not in desk.hit()
        if place.box.state.tickets[quiet].comments:  # else the row told: nothing was read
            found = place.rows("SELECT presence FROM desk.comments WHERE id = ?", note)
            assert found == [("gone",)]


def test_promise_4_a_list_that_suddenly_shows_nothing_is_a_fault(tmp_path: Path) -> None:
    with world(tmp_path, tickets=60) as place:
        desk = Desk(place, _chase())
        desk.pull()
        place.box.fail_next(
            r"GET .*/(conversations|threads)", status=200, body=b'{"data":[]}', times=500
        )
        plan = desk.plan()
        assert plan.needs.conversations
        assert not [one for one in plan.changes if one.ticket_id in plan.needs.conversations]
        assert desk.spent(desk.plan) == 0, "they rest for an hour"
        place.box.faults._planned.clear()
        desk.later(minutes=61)
        desk.pull()
        assert desk.hit() == _answered(desk)


def test_without_comments_attempts_cannot_be_counted_and_the_rule_says_so(tmp_path: Path) -> None:
    with world(tmp_path, tickets=60) as place:
        desk = Desk(place, _chase())
        desk.settings = desk.settings.model_copy(update={"exclude": ("desk.comments.content",)})
        desk.pull()
        plans: list[Plan] = []
        assert desk.spent(lambda: plans.append(desk.plan())) == 0
        assert not plans[0].changes
        assert "leaves out desk.comments.content" in plans[0].skipped[0].reason
        desk.pull("desk.comments")
        rows = "SELECT count(*), count(content), count(commented_time) FROM desk.comments"
        ((many, contents, times),) = place.rows(rows)
        assert (contents, times) == (0, many)
        assert many


def test_streams_named_by_hand_are_read_for_tickets_that_moved(tmp_path: Path) -> None:
    with world(tmp_path, tickets=60) as place:
        desk = Desk(place, _chase(), 60)
        desk.pull()
        assert place.rows("SELECT count(*) FROM desk.threads") == [(0,)]
        first = desk.spent(lambda: desk.pull("desk.threads", "desk.comments"))
        assert 55 <= first <= 60
        open_ones = len(desk.open())
        ((read,),) = place.rows(
            "SELECT count(*) FROM zdsync.conversations "
            "JOIN zdsync.open_tickets o ON o.id = ticket_id"
        )
        assert read == min(open_ones, first // 3), "open tickets come first"
        while desk.spent(lambda: desk.pull("desk.threads")):
            pass
        live = place.rows("SELECT count(*) FROM desk.tickets WHERE presence = 'live'")
        assert (
            place.rows("SELECT count(*) FROM zdsync.conversations WHERE read_at > '2000-01-01'")
            == live
        )
        status = {one.stream: one for one in desk.app().status().streams}
        assert status["desk.threads"].rows == place.rows("SELECT count(*) FROM desk.threads")[0][0]
        assert status["desk.comments"].last_pull_at is not None


def test_tags_of_a_ticket_that_moved_are_read_again_before_a_rule_acts(tmp_path: Path) -> None:
    with world(tmp_path, tickets=120) as place:
        desk = Desk(place, TAGGED)
        desk.pull()
        hit = desk.hit()
        one = sorted({ticket.id for ticket in desk.open()} - hit)[0]
        assert desk.spent(desk.plan) == 0
        place.box.tag(one, add=["Refill"])
        place.box.edit(one, subject="and it moves")
        desk.later(minutes=20)
        desk.pull()
        assert desk.spent(lambda: desk.hit() == hit | {one}) == 1
        assert desk.hit() == hit | {one}


def test_tags_that_stand_as_wanted_are_not_read_again(tmp_path: Path) -> None:
    with world(tmp_path, tickets=60) as place:
        desk = Desk(place, LABEL)
        desk.pull()
        one, other = [ticket.id for ticket in desk.open()][:2]
        for ticket in (one, other):
            place.box.edit(ticket, subject="Zebra crossing")
        place.box.tag(one, add=["striped"])
        desk.later(minutes=20)
        desk.pull()
        assert desk.hit() == {other}
        place.box.edit(one, priority="Low")
        place.box.edit(other, priority="Low")
        desk.later(minutes=20)
        desk.pull()
        assert desk.spent(desk.plan) == 1, "only the one that would be written"


def _swept(desk: Desk) -> dict[str, list[str]]:
    rows = desk.place.rows("SELECT ticket_id, tag FROM desk.ticket_tags ORDER BY 1, 2")
    found: dict[str, list[str]] = {}
    for ticket, tag in rows:
        found.setdefault(ticket, []).append(tag)
    return found


def _true_tags(desk: Desk) -> dict[str, list[str]]:
    return {one.id: sorted(one.tags) for one in desk.open() if one.tags}


NOTHING = """
version: 1
rules: [{id: none, mode: off, when: {status: Open}, then: [{set: {priority: Low}}]}]
"""


def _open_only(desk: Desk, tags: dict[str, list[str]]) -> dict[str, list[str]]:
    ids = {one.id for one in desk.open()}
    return {one: names for one, names in tags.items() if one in ids}


def test_the_service_sweeps_all_tags_once_a_night(tmp_path: Path) -> None:
    with world(tmp_path, tickets=150) as place:
        desk = Desk(place, NOTHING)
        assert desk.spent(lambda: desk.app().tick()) > 0
        assert _open_only(desk, _swept(desk)) == _true_tags(desk)
        one = desk.open()[0]
        place.box.tag(one.id, add=["afterwards"], remove=one.tags)
        desk.later(hours=23)
        assert desk.spent(lambda: desk.app().tick()) == 0
        desk.later(hours=1)
        assert desk.spent(lambda: desk.app().tick()) > 0
        assert _swept(desk)[one.id] == ["afterwards"]


def test_a_sweep_that_fails_halfway_changes_nothing_and_rests_an_hour(tmp_path: Path) -> None:
    with world(tmp_path, tickets=150) as place:
        desk = Desk(place, NOTHING)
        desk.app().tick()
        before = _swept(desk)
        for ticket in desk.open():
            place.box.tag(ticket.id, add=["changed"])
        desk.later(hours=25)
        place.box.fail_next(r"GET .*/tags", status=403, times=1)
        with pytest.raises((TokenRefused, ZohoFailed)):
            desk.app().tick()
        assert _swept(desk) == before
        assert desk.spent(lambda: desk.app().tick()) == 0
        desk.later(minutes=61)
        desk.app().tick()
        assert _open_only(desk, _swept(desk)) == _true_tags(desk)


def test_a_sweep_dearer_than_its_limit_is_left_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with world(tmp_path, tickets=150) as place:
        desk = Desk(place, NOTHING, 2)
        assert desk.spent(lambda: desk.app().tick()) <= 8
        assert not _swept(desk)
        assert any("tags=not swept" in one.getMessage() for one in caplog.records)


def test_a_tick_acts_on_what_it_read_and_goes_on_in_the_next(tmp_path: Path) -> None:
    with world(tmp_path, tickets=200) as place:
        desk = Desk(place, _chase() + "limits: {share_of_open_tickets: 100%}\n", 60)
        desk.pull()
        wanted = _answered(desk)
        chased: set[str] = set()
        for _ in range(30):
            desk.app().tick()
            chased = {one.id for one in desk.open() if one.category == "chased"}
            assert chased <= wanted
            if chased == wanted:
                break
            desk.later(minutes=5)
        assert chased == wanted

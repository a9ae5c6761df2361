"""What Zoho refuses: its words, what was not done and what to do; the rest of the run goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.loop.meddling import Hasty, alone, applied, priced, right_before, rule_for, rules_for
from tests.loop.portal import Portal, portal
from zdsync.sandbox import Variant
from zdsync.sandbox.records import Ticket
from zdsync.sandbox.variant import CRM_SCOPES, DESK_SCOPES

BOTH = ("set: {priority: High, status: On Hold}",)
# kind → what the rule does, Zoho's words, what to do, and what is set all the same.
REFUSED: dict[str, tuple[tuple[str, ...], str, str, bool]] = {
    "blueprint": (BOTH, "under a blueprint", "move it on in Zoho", True),
    "locked": (BOTH, "is locked", "unlock it", False),
    "archived": (BOTH, "is archived", "takes no edits", False),
    "trashed": (BOTH, "recycle bin", "restore it", False),
    "merged": (BOTH, "has been merged", "merged into another", False),
    "mandatory": (
        ("set: {priority: High}", "close: {outcome: Resolved}"),
        "cf_cid",
        "asks for more",
        True,
    ),
    "outsider": (("set: {priority: High}", "assign: AGENT"), "assigneeId", "add them there", True),
}
ANSWERS: dict[str, dict[str, Any]] = {
    "likely": {},
    "names": {"blueprint_names": True},
    "403": {"blocked_answers": 403},
    "mute": {"refusal_words": False},
}


def _variant(name: str) -> Variant:
    return Variant(close_needs="cf_cid", **ANSWERS[name])


def _prepare(place: Portal) -> dict[str, Ticket]:
    """A ticket for each refusal and one that nothing is wrong with, pulled, with their rules."""
    state = place.box.state
    support = next(one.id for one in state.departments.values() if one.name == "Support")
    made = {
        kind: place.box.create(subject=f"Only {kind}", department_id=support)
        for kind in (*REFUSED, "good")
    }
    agent = next(
        one
        for one in state.agents.values()
        if support in one.departments and one.status == "ACTIVE"
    )
    assert place.clock
    place.clock.sleep(60)
    place.pull()
    rules = [
        (made[kind], [one.replace("AGENT", agent.email) for one in actions])
        for kind, (actions, _, _, _) in REFUSED.items()
    ]
    rules_for(place, [*rules, (made["good"], BOTH)])
    place.box.block(made["blueprint"].id, "blueprint", "status")
    place.box.block(made["locked"].id, "locked")
    place.box.block(made["merged"].id, "merged")
    place.box.archive(made["archived"].id)
    gone = made["trashed"].id
    right_before(place, gone, "PATCH", lambda: place.box.trash(gone))
    right_before(place, made["outsider"].id, "PATCH", lambda: agent.departments.remove(support))
    return made


@pytest.mark.parametrize("name", ANSWERS)
def test_each_refusal_is_told_and_costs_only_its_own_change(name: str, tmp_path: Path) -> None:
    clock = Hasty()
    with portal(tmp_path, tickets=5, now=clock.now, variant=_variant(name)) as place:
        place.clock = clock
        made = _prepare(place)
        result = applied(place)
        assert result.stopped is None and not result.left
        assert (made["good"].priority, made["good"].status) == ("High", "On Hold")
        told: dict[str, list[str]] = {}
        for change, receipt in result.failures:
            assert receipt.outcome in {"rejected", "unsent"}, (change.field, receipt)
            told.setdefault(change.ticket_id, []).append(receipt.error)
        for kind, (_, words, todo, partly) in REFUSED.items():
            said = " | ".join(told.pop(made[kind].id))
            known = name != "mute" or kind in {"mandatory", "outsider"}
            assert not known or words in said, (kind, said)
            assert not known or todo in said, (kind, said)
            assert "was not set" in said, (kind, said)
            assert (made[kind].priority == "High") is partly, (kind, said)
        assert not told
        kept = place.rows("SELECT count(*) FROM zdsync.journal WHERE outcome IS NULL")
        assert kept == [(0,)]


def test_a_mark_of_spam_that_zoho_left_out_in_silence_is_told_and_is_nobodys_hand(
    tmp_path: Path,
) -> None:
    clock, variant = Hasty(), Variant(bulk_is_atomic=False)
    with portal(tmp_path, tickets=5, now=clock.now, variant=variant) as place:
        place.clock = clock
        ticket = alone(place)
        rule_for(place, ticket, "spam")
        place.box.block(ticket.id, "locked")
        assert applied(place).outcomes == {"rejected": 1}
        (outcome,) = place.rows("SELECT outcome, error FROM zdsync.journal")
        assert outcome[0] == "rejected" and "was not marked as spam" in outcome[1]
        place.box.state.blocks.clear()
        clock.sleep(300)
        place.pull()
        assert applied(place).outcomes == {"applied": 1}
        assert ticket.spam


def test_an_archived_ticket_is_asked_once_not_field_by_field(tmp_path: Path) -> None:
    clock = Hasty()
    with portal(tmp_path, tickets=5, now=clock.now) as place:
        place.clock = clock
        ticket = alone(place)
        rule_for(place, ticket, *BOTH)
        place.box.archive(ticket.id)
        bills = priced(place)
        assert applied(place).outcomes == {"rejected": 2}
        assert bills[ticket.id] == (2, 2)


_UNTAGGED = DESK_SCOPES.replace("Desk.tickets.CREATE,", "")
LACKS = {
    "scope": ({"scopes": f"{_UNTAGGED},{CRM_SCOPES}"}, "zdsync auth"),
    "right": ({"forbidden": "associateTag,dissociateTag"}, "profile of the token's user"),
}


@pytest.mark.parametrize("name", LACKS)
def test_a_missing_scope_or_right_costs_only_the_calls_that_need_it(
    name: str, tmp_path: Path
) -> None:
    knobs, todo = LACKS[name]
    clock = Hasty()
    with portal(tmp_path, tickets=5, now=clock.now, variant=Variant(**knobs)) as place:
        place.clock = clock
        ticket = alone(place)
        rule_for(place, ticket, "tag: [one-tag, two-tag]", "set: {priority: High}")
        place.app().plan()  # reads the tags
        bills = priced(place)
        result = applied(place)
        assert result.stopped is None
        assert result.outcomes == {"rejected": 2, "applied": 1}
        assert ticket.priority == "High" and not ticket.tags
        assert all(todo in receipt.error for _, receipt in result.failures)
        assert all("was not added" in receipt.error for _, receipt in result.failures)
        assert bills[ticket.id][0] == 3  # one read, one tag call, one PATCH


@pytest.mark.parametrize("loser", ["404", "trashed", "master"])
def test_a_ticket_that_was_merged_is_left_alone_and_so_is_the_one_that_took_it(
    loser: str, tmp_path: Path
) -> None:
    clock = Hasty()
    with portal(tmp_path, tickets=5, now=clock.now, variant=Variant(merged_loser=loser)) as place:
        place.clock = clock
        ticket, master = alone(place), alone(place)
        place.box.edit(master.id, subject="The other")
        place.pull()
        rule_for(place, ticket, *BOTH)
        plan = place.app().plan()
        place.box.merge(master.id, [ticket.id])
        assert applied(place, plan.plan_id).outcomes == {"stale": 2}
        assert not place.box.writes


def test_a_closed_ticket_that_takes_no_edit_says_so(tmp_path: Path) -> None:
    clock = Hasty()
    with portal(tmp_path, tickets=5, now=clock.now, variant=Variant(closed_refuses=True)) as place:
        place.clock = clock
        ticket = alone(place, "Trials")
        place.box.edit(ticket.id, status="Closed")
        clock.sleep(60)
        place.pull()
        rule_for(place, ticket, "set: {category: looked at}")
        text = place.settings.rules.read_text().replace("mode: apply", "mode: apply, scope: all")
        place.rules(text)
        ((_, receipt),) = applied(place).failures
        assert "closed ticket cannot be edited" in receipt.error
        assert "The category was not set" in receipt.error and "reopen it" in receipt.error

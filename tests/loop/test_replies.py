"""Replies to customers: only where they are allowed, from a known address, once, to a person."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loop.portal import Portal, portal
from tests.loop.test_speech import apply, nothing_left, tickets
from tests.loop.test_speech_crash import Later, killed
from zdsync.sandbox import Variant
from zdsync.sandbox.records import Thread, Ticket

RULE = """
version: 1
limits: {changes_per_rule: 1000}
rules:
  - id: answer
    mode: apply
    when: {department: Support}
    then:
      - reply:
          template: "Dear {{ contact.name }},\\nwe read {{ subject }}."
          from: %s
"""
OURS = "support@clinic.example"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Portal]:
    with portal(tmp_path, tickets=40) as found:
        found.settings = found.settings.model_copy(update={"replies": True})
        found.rules(RULE % OURS)
        found.pull()
        yield found


def sent(place: Portal, ticket: Ticket) -> list[Thread]:
    return [one for one in place.box.state.children.threads(ticket) if "Ref. " in one.content]


def texts(place: Portal) -> list[str]:
    return [one.content for ticket in tickets(place) for one in sent(place, ticket)]


def people(place: Portal) -> list[Ticket]:
    """Tickets of Support from an address that may be answered."""
    agents = {one.email.lower() for one in place.box.state.agents.values()}
    plan = place.app().plan()
    mails = {one.id: (one.email or "").lower() for one in tickets(place)}
    planned = {one.ticket_id for one in plan.changes}
    assert all(mails[one] and mails[one] not in agents for one in planned)
    return [one for one in tickets(place) if one.id in planned]


def test_no_customer_is_answered_unless_a_setting_lets_it(place: Portal) -> None:
    place.settings = place.settings.model_copy(update={"replies": False})
    plan = place.app().plan()
    assert not plan.changes
    assert "ZDSYNC_REPLIES" in plan.skipped[0].reason


def test_a_reply_goes_once_to_the_tickets_address_and_is_escaped(place: Portal) -> None:
    first = people(place)[0]
    place.box.edit(first.id, subject="<b>5 & 6</b>")
    place.pull()
    some = people(place)
    found = apply(place, destructive=True)
    assert found.outcomes == {"applied": len(some)}
    for one in some:
        (mail,) = sent(place, one)
        assert (mail.sender, mail.to, mail.direction) == (OURS, one.email, "out")
    (mail,) = sent(place, first)
    assert "&lt;b&gt;5 &amp; 6&lt;/b&gt;" in mail.content
    place.pull()
    nothing_left(place)
    assert len([one for one in place.box.mails if one.kind == "reply"]) == len(some)
    files = (place.settings.private_dir / "journal").glob("*.ndjson")
    assert str(first.email) not in "".join(path.read_text("utf-8") for path in files)


def test_agents_machines_and_automatic_answers_get_no_reply(place: Portal) -> None:
    some = people(place)[:4]
    agent = next(iter(place.box.state.agents.values()))
    for ticket, email in zip(some, [agent.email, "No-Reply@shop.example", OURS], strict=False):
        place.box.edit(ticket.id, email=email)
    place.box.edit(some[3].id, subject="Automatic reply: away")
    place.pull()
    plan = place.app().plan()
    assert not {one.ticket_id for one in plan.changes} & {one.id for one in some}
    reasons = {one.ticket_id: one.reason for one in plan.unresolved}
    assert [reasons[one.id].partition("no reply: ")[2] for one in some] == [
        "its e-mail address is an agent's",
        "its e-mail address is a machine's",
        "its e-mail address is the portal's own",
        "it is an automatic answer itself",
    ]


def test_another_address_of_the_portal_gets_no_reply(place: Portal) -> None:
    first = people(place)[0]
    place.box.edit(first.id, email="it@clinic.example")
    place.pull()
    found = apply(place, destructive=True)
    ((change, receipt),) = found.failures
    assert (change.ticket_id, receipt.outcome) == (first.id, "rejected")
    assert not sent(place, first)


def test_a_reply_comes_only_from_an_address_of_the_portal(place: Portal) -> None:
    place.rules(RULE % "ceo@clinic.example")
    found = apply(place, destructive=True)
    assert set(found.outcomes) == {"rejected"}
    assert (
        "ceo@clinic.example is no address that the portal replies from"
        in found.failures[0][1].error
    )
    assert not [one for one in place.box.mails if one.kind == "reply"]


@pytest.mark.parametrize("status", [403, 404])
def test_where_addresses_are_not_shown_zoho_itself_refuses_a_wrong_one(
    tmp_path: Path, status: int
) -> None:
    with portal(tmp_path, tickets=30, variant=Variant(reply_addresses=status)) as place:
        place.settings = place.settings.model_copy(update={"replies": True})
        place.pull()
        place.rules(RULE % "ceo@clinic.example")
        assert set(apply(place, destructive=True).outcomes) == {"rejected"}
        place.rules(RULE % OURS)
        assert set(apply(place, destructive=True).outcomes) == {"applied"}


def test_replies_pay_for_the_destructive_limits(place: Portal) -> None:
    place.rules((RULE % OURS).replace("1000}", "1000, destructive_per_tick: 2}"))
    some = people(place)
    assert len(some) > 2
    place.app().tick()
    assert not any(sent(place, one) for one in some)
    place.rules((RULE % OURS).replace("1000}", "1000, destructive_per_tick: 100}"))
    place.app().tick()
    assert not any(sent(place, one) for one in some), "what is paused waits for a person"
    place.app().resume("answer")
    place.app().tick()
    assert all(len(sent(place, one)) == 1 for one in some)


@pytest.mark.parametrize("kind", ["reset_after", "reset_before"])
def test_a_reply_without_an_answer_is_found_or_stays_unknown(place: Portal, kind: str) -> None:
    some = people(place)
    place.box.fail_next("POST .*/sendReply", kind=kind)
    assert apply(place, destructive=True).outcomes == {"applied": len(some) - 1, "unknown": 1}
    nothing_left(place)
    counts = [len(sent(place, one)) for one in some]
    ((unknown,),) = place.rows("select count(*) from zdsync.journal where outcome = 'unknown'")
    assert max(counts) == 1
    assert unknown == len(some) - sum(counts)
    place.clock = Later(90)
    place.pull()
    nothing_left(place)
    assert [len(sent(place, one)) for one in some] == counts


@pytest.mark.parametrize("moment", ["start:after-intend:1", "start:after-reply:2"])
def test_a_killed_apply_answers_each_customer_once(
    place: Portal, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = people(place)
    monkeypatch.setenv("ZDSYNC_REPLIES", "on")
    killed(place.settings, moment, "--destructive")
    for minutes in (0, 2, 6):  # a reply may come late for 5
        place.clock = Later(minutes)
        place.app().apply(None, lambda plan: True, destructive=True)
        assert all(len(sent(place, one)) <= 1 for one in some)
    assert [len(sent(place, one)) for one in some] == [1] * len(some)


def test_addresses_that_are_shown_by_department_are_known_too(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=30, variant=Variant(reply_addresses_of="department")) as place:
        place.settings = place.settings.model_copy(update={"replies": True})
        own = place.app().place.zoho.desk.speech.reply_addresses()
        assert own is not None and {OURS, "it@clinic.example"} <= own


@pytest.mark.parametrize("shown", ["portal", "department", "first"])
@pytest.mark.parametrize("have", [None, ("Support", "IT"), ("IT",), ()])
def test_whatever_lists_of_addresses_there_are_only_a_configured_one_is_used(
    tmp_path: Path, shown: str, have: tuple[str, ...] | None
) -> None:
    """A department without an address, and a portal without any; a list of one department only."""
    variant = Variant(reply_addresses_of=shown, reply_departments=have)
    with portal(tmp_path, tickets=30, variant=variant) as place:
        place.settings = place.settings.model_copy(update={"replies": True})
        place.pull()
        place.rules(RULE % OURS)
        calls = len(place.box.calls)
        found = apply(place, destructive=True)
        sends = [call for call in place.box.calls[calls:] if "sendReply" in call.endpoint]
        if have is None or "Support" in have:
            assert set(found.outcomes) == {"applied"}
        else:
            assert set(found.outcomes) == {"rejected"} and not sends
            assert "no address that the portal replies from" in found.failures[0][1].error


def test_an_address_that_was_added_meanwhile_is_known_at_the_next_run(tmp_path: Path) -> None:
    variant = Variant(reply_departments=())
    with portal(tmp_path, tickets=30, variant=variant) as place:
        place.settings = place.settings.model_copy(update={"replies": True})
        place.pull()
        place.rules(RULE % OURS)
        app = place.app()
        _, applied = app.apply(None, lambda plan: True, destructive=True)
        assert applied is not None and set(applied.outcomes) == {"rejected"}
        place.box.api.variant = Variant()
        _, applied = app.apply(None, lambda plan: True, destructive=True)
        assert applied is not None and set(applied.outcomes) == {"applied"}


def test_a_ticket_that_has_another_address_since_the_plan_is_not_answered(place: Portal) -> None:
    first = people(place)[0]
    plan = place.app().plan()
    for email in ("other@person.example", None):
        first.email = email  # a merged contact, say: the ticket's own time may stand still
        _, applied = place.app().apply(plan.plan_id, lambda plan: True, destructive=True)
        assert applied is not None
        ((change, receipt),) = applied.failures
        assert (change.ticket_id, receipt.outcome) == (first.id, "rejected")
        assert "another one now" in receipt.error and "person.example" not in receipt.error
    assert not sent(place, first)


def test_no_customer_reads_a_gap_where_a_field_is_empty(place: Portal) -> None:
    """A contact without a name, a ticket without a contact, one without an address."""
    some = people(place)
    nameless, orphan, mailless = some[:3]
    contact = place.box.state.contacts[str(nameless.contact_id)]
    contact.first, contact.last = None, ""
    place.box.edit(orphan.id, contact_id=None)
    place.box.edit(mailless.id, email=None)
    place.pull(full=True)
    plan = place.app().plan()
    reasons = {one.ticket_id: one.reason for one in plan.unresolved}
    assert "prints an empty field (contact.name)" in reasons[nameless.id]
    assert "prints an empty field (contact.name)" in reasons[orphan.id]
    assert "no e-mail address" in reasons[mailless.id]
    apply(place, destructive=True)
    assert not sent(place, nameless) and not sent(place, orphan) and not sent(place, mailless)
    assert not [text for text in texts(place) if "Dear ," in text]


@pytest.mark.parametrize(
    ("template", "broken"),
    [
        ("{{ priority | round }}", True),  # a text is no number
        ("{% if cf.cf_outcome > 5 %}x{% endif %} hello", True),
        ("{{ 'x' * 3 }}", True),
        ("{% if priority %}{% endif %}", True),
        ("Dear {{ contact.name | default('customer') }}", False),
        ("Dear {% if contact.name %}{{ contact.name }}{% else %}customer{% endif %}", False),
    ],
)
def test_a_template_that_fails_for_a_ticket_says_nothing_to_its_customer(
    place: Portal, template: str, broken: bool
) -> None:
    from zdsync.errors import Misconfigured

    text = (RULE % OURS).replace("Dear {{ contact.name }},\\nwe read {{ subject }}.", template)
    place.rules(text)
    try:
        place.app().apply(None, lambda plan: True, destructive=True)
    except Misconfigured:
        assert broken
    assert bool(texts(place)) is not broken
    assert not [one for one in texts(place) if "{" in one or "Undefined" in one]

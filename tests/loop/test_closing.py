"""Closing rightly: one PATCH, the notification as the rule says, and nobody else touched."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from tests.loop.meddling import Hasty, applied, rules_for
from tests.loop.portal import portal


def test_a_close_is_one_patch_and_spam_touches_one_ticket_and_no_contact(tmp_path: Path) -> None:
    clock = Hasty()
    with portal(tmp_path, tickets=40, now=clock.now) as place:
        place.clock = clock
        box = place.box
        state = box.state
        support = next(one.id for one in state.departments.values() if one.name == "Support")
        contact = next(one for one in state.contacts.values() if one.email)
        loud, quiet, spam, sibling = (
            box.create(subject=f"Only {name}", department_id=support, contact_id=contact.id)
            for name in ("loud", "quiet", "spam", "sibling")
        )
        clock.sleep(60)
        place.pull()
        rules_for(
            place,
            [
                (loud, ["close: {outcome: Resolved}"]),
                (quiet, ["close: {outcome: No answer, notify_contact: false}"]),
                (spam, ["close: {outcome: Spam, notify_contact: false}", "spam"]),
            ],
        )
        others = {
            one.id: asdict(one)
            for one in state.tickets.values()
            if one.id not in {loud.id, quiet.id, spam.id}
        }
        people = {one.id: asdict(one) for one in state.contacts.values()}
        result = applied(place)
        assert result.clean, result.failures
        log = {one.id: [] for one in (loud, quiet, spam)}  # type: dict[str, list[object]]
        for write in box.writes:
            assert write.ticket_id in log, write
            log[write.ticket_id].append((write.method, write.query, write.body))
        silent = {"disableClosureNotification": ["true"]}
        assert log[loud.id] == [("PATCH", {}, _closed("Resolved"))]
        assert log[quiet.id] == [("PATCH", silent, _closed("No answer"))]
        assert log[spam.id] == [
            ("PATCH", silent, _closed("Spam")),
            ("POST", {}, {"ids": [spam.id], "isSpam": True}),
        ]
        assert [mail.ticket_id for mail in box.mails] == [loud.id]
        assert spam.spam and not contact.spam and not sibling.spam
        assert people == {one.id: asdict(one) for one in state.contacts.values()}
        assert others == {one: asdict(state.tickets[one]) for one in others}


def _closed(outcome: str) -> dict[str, object]:
    return {"status": "Closed", "cf": {"cf_outcome": outcome}}

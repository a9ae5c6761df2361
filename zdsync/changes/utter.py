"""What is said of one ticket: its reply, its comments, its notices, each with a receipt.

Promises that the journal knows of each call before it is made, that nothing of unknown outcome is
said again, that nothing is said of what its rule could not do, and that a notice which fails costs
only itself. Must not read the ticket or change a field; `serve` does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from zdsync.changes.addressee import refuses
from zdsync.changes.marks import marked
from zdsync.changes.silence import UNBACKED, unbacked
from zdsync.changes.store import Messenger, Speech
from zdsync.errors import MirrorFailed, OutcomeUnknown, Refused, ZdsyncError
from zdsync.model import Change, Outcome, Portal, Receipt, Row

NOBODY = Portal()
_DONE = frozenset({"applied", "already"})


class Seen(Protocol):
    """What was last read of a ticket, and what became of its changes so far."""

    @property
    def row(self) -> Row | None: ...

    @property
    def receipts(self) -> Sequence[tuple[Change, Receipt]]: ...


class Visit(Protocol):
    """A ticket while it is served."""

    @property
    def served(self) -> Seen: ...

    @property
    def todo(self) -> list[Change]: ...

    def brake(self) -> None: ...

    def announce(self, change: Change) -> None: ...

    def finish(
        self,
        changes: Collection[Change],
        outcome: Outcome,
        error: str = "",
        status: int | None = None,
    ) -> None: ...

    def write(self, changes: Sequence[Change], call: Callable[[], object]) -> bool: ...

    def spoke(self, column: str) -> None: ...


def _hush(visit: Visit) -> None:
    """Leave unsaid what waits with something that its rule could not do."""
    receipts = visit.served.receipts
    waits = unbacked(visit.todo, (one for one, told in receipts if told.outcome not in _DONE))
    visit.finish([one for one in visit.todo if one.change_id in waits], "unsent", UNBACKED)


def reply(visit: Visit, speech: Speech) -> None:
    """Send the replies, unless their sender or receiver turns out to be wrong."""
    _hush(visit)
    for change in [one for one in visit.todo if one.field == "reply"]:
        if change not in visit.todo:
            continue  # an earlier one has an unknown outcome
        sender, to = str(change.wire["fromEmailAddress"]), str(change.wire["to"])
        own = speech.reply_addresses(sender)
        if own is not None and sender.casefold() not in own:
            visit.finish(
                [change], "rejected", f"{sender} is no address that the portal replies from"
            )
            continue
        if why := refuses(to, "", NOBODY, own or ()):
            visit.finish([change], "rejected", f"no reply: {why}")
            continue
        text = marked(change.text, change.change_id)

        def send(change: Change = change, text: str = text) -> None:
            address = change.wire
            _refuse_another(visit.served.row, address["to"])
            visit.announce(change)
            speech.send_reply(
                change.ticket_id, text, sender=address["fromEmailAddress"], to=address["to"]
            )

        if visit.write([change], send):
            visit.spoke("thread_count")


def _refuse_another(row: Row | None, to: str) -> None:
    """A plan may be a day old: whoever the ticket belongs to now must not miss the answer."""
    if row is not None and "email" in row:
        now = str(row["email"] or "").strip()
        if now.casefold() != to.strip().casefold():
            raise Refused("no reply: the ticket's e-mail address is another one now", 0)


def comment(visit: Visit, speech: Speech) -> None:
    """Add the comments, one call each."""
    _hush(visit)
    for change in [one for one in visit.todo if one.field == "comment"]:
        if change not in visit.todo:
            continue  # an earlier one has an unknown outcome
        text = marked(change.text, change.change_id)

        def add(change: Change = change, text: str = text) -> None:
            visit.announce(change)
            speech.add_comment(change.ticket_id, text, public=bool(change.wire["isPublic"]))

        if visit.write([change], add):
            visit.spoke("comment_count")


def notify(visit: Visit, messenger: Messenger | None) -> None:
    """Send the notices; they change nothing in Zoho, so the ticket is not read again."""
    _hush(visit)
    for change in [one for one in visit.todo if one.field.startswith("notify:")]:
        visit.brake()
        if messenger is None:
            visit.finish([change], "rejected", "no settings to send notices with")
            continue
        visit.announce(change)
        subject = f"Ticket {change.ticket_number or change.ticket_id}: {change.rule}"
        try:
            messenger.send(str(change.wire["to"]), subject, change.text)
        except OutcomeUnknown as error:
            visit.finish([change], "unknown", error.what)
        except MirrorFailed:
            raise
        except ZdsyncError as error:
            visit.finish([change], "rejected", error.what, getattr(error, "status", None))
        else:
            visit.finish([change], "applied")

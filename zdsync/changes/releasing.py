"""A person lets rules decide a held field of a ticket again.

Promises that a name which is no ticket or no field is refused with near names, and that nothing is
sent to Zoho. Must not plan.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol

from zdsync.changes.explain import find_ticket
from zdsync.changes.holds import Hold, read_holds
from zdsync.changes.store import Queries
from zdsync.changes.wire import PATCHED, custom_name, is_tag
from zdsync.errors import Misconfigured
from zdsync.sql import Sql
from zdsync.text import printable

_FIELDS = (*PATCHED, "department", "spam")
log = logging.getLogger(__name__)


class Releasing(Queries, Protocol):
    """A mirror that remembers what was released."""

    def release(self, ticket_id: str, fields: Sequence[str], at: datetime) -> None: ...


@dataclass(frozen=True, slots=True)
class Released:
    """What was let go, and what of the ticket is held still."""

    ticket_id: str
    ticket_number: str
    field: str
    released: tuple[Hold, ...]
    held: tuple[Hold, ...]

    def document(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)


def release(mirror: Releasing, ticket: str, name: str, at: datetime) -> Released:
    """Release one field of a ticket (number or id), or all that is held of it where name is "".

    Raises Misconfigured where the mirror knows no such ticket, or the language no such field.
    """
    ticket_id = find_ticket(mirror, ticket)
    asked = Sql("SELECT coalesce(ticket_number, '') FROM desk.tickets WHERE id = ?", (ticket_id,))
    held = read_holds(mirror, [ticket_id]).of(ticket_id)
    spelt = name.strip().lower()
    chosen = tuple(one for one in held if spelt in ("", one.field))
    if spelt and not chosen:
        _refuse_unknown(name, held)
    if chosen:
        mirror.release(ticket_id, [spelt], at)
        log.info("released ticket=%s fields=%d", ticket_id, len(chosen))
    left = tuple(one for one in held if one not in chosen)
    return Released(ticket_id, str(mirror.rows(asked)[0][0]), spelt, chosen, left)


def _refuse_unknown(name: str, held: Sequence[Hold]) -> None:
    """Raise where a name is no field at all; one that is not held is no mistake."""
    spelt = name.strip().lower()
    if spelt in _FIELDS or (is_tag(spelt) and spelt != "tag:") or custom_name(spelt):
        return
    known = [*(one.field for one in held), *_FIELDS]
    near = difflib.get_close_matches(spelt, known, 1)
    listed = ", ".join(one.field for one in held) or "nothing"
    hint = f"did you mean {near[0]}? " if near else "a tag is written tag:NAME; "
    raise Misconfigured(
        f"{printable(name, 40)} is no field that rules set",
        hint=f"{hint}held of this ticket: {listed}",
    )

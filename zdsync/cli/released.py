"""What `zdsync release` says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zdsync.text import printable

if TYPE_CHECKING:
    from zdsync.changes.releasing import Released


def released_text(done: Released) -> str:
    """One line a field that was let go, and what is held still."""
    number = printable(done.ticket_number or done.ticket_id, 20)
    lines = [
        f"{number} {printable(one.field, 60)} is released: {one.told}" for one in done.released
    ]
    if not lines:
        what = printable(done.field, 60) if done.field else "nothing"
        lines = [f"{number}: {what} is {'not ' if done.field else ''}held."]
    lines += [f"{number} {printable(one.field, 60)} is held still: {one.told}" for one in done.held]
    return "\n".join(lines)

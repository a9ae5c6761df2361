"""Notices: from a name of the settings to a mail or a chat.

Owns what a target is. Promises that no address of a webhook reaches a message. Must not know what
a notice says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from zdsync.clock import Clock
from zdsync.errors import Refused
from zdsync.transport import MailServer, post_text

MAILTO = "mailto:"


@dataclass(frozen=True, slots=True)
class Notices:
    """Sends notices; `targets` by name: `mailto:ADDRESS` or the address of a chat's webhook."""

    targets: Mapping[str, str] = field(repr=False)
    server: MailServer | None
    clock: Clock

    def send(self, to: str, subject: str, text: str) -> None:
        """Send one notice to a name, or to an agent as `mailto:ADDRESS`.

        Raises Refused where nothing was sent, OutcomeUnknown where it may have been.
        """
        address = to if to.startswith(MAILTO) else self.targets.get(to)
        if address is None:
            raise Refused(f"{to} stands not under ZDSYNC_NOTIFY", 0)
        if not address.startswith(MAILTO):
            post_text(address, f"{subject}\n{text}")
            return
        if self.server is None:
            raise Refused("ZDSYNC_SMTP_URL and ZDSYNC_SMTP_FROM are not set", 0)
        self.server.send(address.removeprefix(MAILTO), subject, text, self.clock.now())

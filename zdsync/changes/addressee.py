"""Whom a reply must not go to: the portal itself, its agents, machines that answer. Pure.

A reply to an address that answers by itself starts a ping-pong of two programs.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from zdsync.model import Portal
from zdsync.rules.speech import ADDRESS

# What stands before the @, without `-`, `_` and `.`.
_MACHINES = re.compile(
    r"(mailerdaemon|postmaster|noreply|donotreply|autoreply|automailer|bounces?)([+=].*)?"
    r"|.*(noreply|donotreply)|(notifications?|alerts?)"
)
_AUTOMATIC = re.compile(
    r"\s*((automatic|auto)[- ]?(reply|response)|autoreply|auto:|out of (the )?office|undeliver"
    r"|delivery (status|failure)|mail delivery (failed|subsystem)|returned mail|failure notice"
    r"|abwesenheits|automatische antwort|r[ée]ponse automatique|absence du bureau"
    r"|respuesta autom[áa]tica|risposta automatica)",
    re.IGNORECASE,
)


def refuses(address: str, subject: str, portal: Portal, own: Collection[str] = ()) -> str:
    """Say why no reply goes to this address; '' where one may. `own`: the portal's addresses."""
    mail = address.strip().casefold()
    if not ADDRESS.fullmatch(mail):
        return "the ticket has no e-mail address" if not mail else "its e-mail address is malformed"
    if any((agent.email or "").strip().casefold() == mail for agent in portal.agents):
        return "its e-mail address is an agent's"
    if mail in {one.strip().casefold() for one in own}:
        return "its e-mail address is the portal's own"
    if _MACHINES.fullmatch(re.sub("[-_.]", "", mail.partition("@")[0])):
        return "its e-mail address is a machine's"
    if _AUTOMATIC.match(subject):
        return "it is an automatic answer itself"
    return ""

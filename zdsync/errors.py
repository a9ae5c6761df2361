"""The whole error tree, by what the caller should do about it.

An error holds facts (what, where, a hint); `diagnostics` turns it into text and an exit code.
No message may hold a token, a secret or a customer's text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal


class ZdsyncError(Exception):
    """Something a user, an operator or Zoho can mend; never a bug of ours."""

    exit_code = 1

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


# What a problem of a rules file stops: `file` everything; `portal` only its rule, for the portal's
# names are not as it takes them; `lack` too: the portal has no such name, which a rule may allow.
Kind = Literal["file", "portal", "lack"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend in a file or setting: where, what, the offending text, how to mend it.

    `rule` is the id of the rule that it stands in, empty for none.
    """

    where: str
    what: str
    hint: str = ""
    text: str = ""
    rule: str = ""
    kind: Kind = "file"


class Misconfigured(ZdsyncError):
    """A file or a setting must be mended; carries every problem at once."""

    exit_code = 2

    def __init__(self, what: str, problems: Sequence[Problem] = (), hint: str = "") -> None:
        super().__init__(what, hint)
        self.problems = tuple(problems)


class TokenRefused(ZdsyncError):
    """Zoho refused the credentials, the scope or the organisation: a person must act."""

    exit_code = 3


class ScopeMissing(TokenRefused):
    """The token lacks a scope that one kind of call needs; other calls may work."""

    def __init__(self, what: str, hint: str, status: int) -> None:
        super().__init__(what, hint)
        self.status = status


class TooLate(ZdsyncError):
    """A write was not sent: it had to wait until what was read before it was too old."""


class ZohoFailed(ZdsyncError):
    """Zoho did not answer, or not usefully, after all retries."""

    exit_code = 4


class Throttled(ZohoFailed):
    """Zoho asks to wait; `retry_at` is the instant from which trying again makes sense."""

    def __init__(self, what: str, retry_at: datetime, hint: str = "") -> None:
        super().__init__(what, hint)
        self.retry_at = retry_at


class CreditsSpent(Throttled):
    """The day's API credits (or our share of them) are gone."""


class Refused(ZohoFailed):
    """Zoho understood one call and said no: status, errorCode, its words, the named fields."""

    def __init__(
        self, what: str, status: int, code: str = "", fields: Sequence[str] = (), hint: str = ""
    ) -> None:
        super().__init__(what, hint)
        self.status = status
        self.code = code
        self.fields = tuple(fields)


class Missing(Refused):
    """The record asked for is not there (404, an empty 204, or INVALID_DATA on its id)."""


class OutcomeUnknown(ZohoFailed):
    """A write was sent and no usable answer came: it may have taken effect, so look first."""


class PlanRefused(ZdsyncError):
    """The plan is stale, unknown, or above a limit: nothing was written."""

    exit_code = 5


class MirrorBusy(ZdsyncError):
    """Another process holds the mirror or runs the service: says who, and since when."""

    exit_code = 6


class MirrorNewer(ZdsyncError):
    """The mirror was written by a newer zdsync."""

    exit_code = 6


class MirrorFailed(ZdsyncError):
    """The mirror could not be written or read, or not published."""

    exit_code = 1


class MirrorUnusable(MirrorFailed):
    """A file or its disk must be mended before the mirror works: full, damaged, no right."""

    exit_code = 2


class Vanishing(ZdsyncError):
    """More of a stream would vanish at once than is believable: nothing was buried."""

    exit_code = 1

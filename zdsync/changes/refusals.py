"""What Zoho's refusals of a write mean: what was not done, and what a person can do about it.

Owns the one table from status, errorCode, named fields and words to a meaning. Of most refusals the
fact sheets do not know the form (desk-tickets.md 5 point 6), so words decide where Zoho names
neither code nor field. Promises that Zoho's own words stand in the receipt. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from zdsync.changes.wire import custom_name, is_tag, names, tag_name
from zdsync.errors import Missing, Refused
from zdsync.model import Change

# What a refusal is of: one field, one call (other calls may work), or the whole ticket.
Reach = Literal["field", "call", "ticket"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """One kind of refusal: by which code, field or words it is known, how far it reaches."""

    name: str
    todo: str
    reach: Reach = "field"
    codes: tuple[str, ...] = ()
    statuses: tuple[int, ...] = ()
    fields: str = ""
    words: str = ""

    def fits(self, error: Refused) -> bool:
        """Whether a refusal is of this kind; what is not said here does not matter."""
        said = error.what.partition(": ")[2]  # behind the name of the call
        return (
            (not self.codes or error.code in self.codes)
            and (not self.statuses or error.status in self.statuses)
            and (not self.fields or any(re.search(self.fields, one) for one in error.fields))
            and (not self.words or re.search(self.words, said, re.IGNORECASE) is not None)
        )


# The first that fits tells.
MEANINGS: Sequence[Meaning] = (
    Meaning(
        "scope",
        "the refresh token lacks a scope for this; make a new one with zdsync auth",
        reach="call",
        codes=("SCOPE_MISMATCH", "OAUTH_SCOPE_MISMATCH"),
    ),
    Meaning(
        "license",
        "the portal's edition does not allow this; take it out of the rule",
        reach="call",
        codes=("LICENSE_ACCESS_LIMITED",),
    ),
    Meaning(
        "blueprint",
        "a blueprint governs the ticket; move it on in Zoho, or leave such tickets out of the rule",
        words=r"blue ?print|transition",
    ),
    Meaning(
        "archived",
        "the ticket is archived and takes no edits; the next reconcile learns that",
        reach="ticket",
        words=r"archiv",
    ),
    Meaning(
        "trashed",
        "the ticket lies in the recycle bin; restore it there if it should be changed",
        reach="ticket",
        words=r"recycle|\btrash|\bdeleted\b",
    ),
    Meaning(
        "merged",
        "the ticket was merged into another; that one is planned for by itself",
        reach="ticket",
        words=r"\bmerged\b",
    ),
    Meaning(
        "locked",
        "the ticket is locked; unlock it in Zoho, or leave such tickets out of the rule",
        words=r"\block(ed|ing)?\b",
    ),
    Meaning(
        "mandatory",
        "Zoho asks for more before it does this; let the rule set what it names, or fill it in",
        words=r"mandatory|required|\bmissing\b",
    ),
    Meaning(
        "closed",
        "a closed ticket takes no such edit; reopen it, or leave closed ones out of the rule",
        words=r"\bclosed\b",
    ),
    Meaning(
        "outsider",
        "the agent or team is not active in the ticket's department; add them there, or let the "
        "rule choose somebody else",
        fields=r"^(assigneeId|teamId)$",
    ),
    Meaning(
        "outsider",
        "the agent or team is not active in the ticket's department; add them there, or let the "
        "rule choose somebody else",
        words=r"\b(agent|assignee|owner|team)\b.*\b(department|active|belong)",
    ),
    Meaning(
        "permission",
        "the profile of the token's user lacks the right; give it the right in Zoho's set-up",
        reach="call",
        codes=("FORBIDDEN", "NO_PERMISSION", "AUTHORIZATION_FAILED"),
    ),
    Meaning(
        "permission",
        "the profile of the token's user lacks the right; give it the right in Zoho's set-up",
        reach="call",
        statuses=(403,),
    ),
    Meaning(
        "value",
        "Zoho does not take this value here; compare the rule with the field's layout in Zoho",
        codes=("INVALID_DATA",),
        fields=r".",
    ),
)
_GONE = Meaning(
    "gone", "the ticket is not there any more; the next reconcile learns that", reach="ticket"
)
_UNKNOWN = Meaning(
    "unknown", "Zoho gives no reason that zdsync knows; try the same edit by hand in Zoho"
)


def meaning(error: Refused) -> Meaning:
    """Tell what kind of refusal it is."""
    found = next((one for one in MEANINGS if one.fits(error)), _UNKNOWN)
    # desk-tickets.md 1 table: 404 also for a missing record. INVALID_DATA on an id is no 404.
    if isinstance(error, Missing) and found in (_UNKNOWN, *MEANINGS[-1:]):
        return _GONE
    return found


def concerns_all(error: Refused) -> bool:
    """Whether nothing can be written to the ticket: trying part by part would cost calls only."""
    return meaning(error).reach == "ticket"


def concerns_call(error: Refused) -> bool:
    """Whether the whole call is refused, whatever it sets."""
    return meaning(error).reach in ("call", "ticket")


def receipt_text(error: Refused, change: Change) -> str:
    """Say Zoho's words, what was not done, and what to do."""
    own = names(change) & {part for name in error.fields for part in name.split(".")}
    other = " and ".join(error.fields) if error.fields and not own else ""
    why = f" because of {other}" if other and not is_tag(change.field) else ""
    return f"{error.what}. {_not_done(change)}{why}: {meaning(error).todo}"


def _not_done(change: Change) -> str:
    name = change.field
    if is_tag(name):
        return f"The tag {tag_name(name)} was not {'added' if change.after else 'removed'}"
    if name in _DEEDS:
        return _DEEDS[name]
    shown = custom_name(name) or name.replace("_", " ")
    return f"The {shown} was not set"


_DEEDS = {
    "department": "The ticket was not moved",
    "spam": "The ticket was not marked as spam",
    "comment": "The comment was not added",
    "reply": "The reply was not sent",
}

"""What of a record tells about a person: data and pure questions, the one place that says so.

Promises the safe side: a text column that nobody named here counts as personal, so a new stream
or table needs no edit to be forgotten rightly. No SQL, no I/O.
"""

from __future__ import annotations

import difflib
import re
from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from zdsync.errors import Problem
from zdsync.streams import BY_NAME

TICKETS = "desk.tickets"
CONTACTS = "desk.contacts"
CRM_PEOPLE = ("crm.contacts", "crm.leads")
PEOPLE = (CONTACTS, *CRM_PEOPLE)  # streams whose rows are persons; with tickets: what is forgotten
FORGETTABLE = (*PEOPLE, TICKETS)

# Of a person's own row nothing stays but its address, the times that walking and counting need,
# and the flags that make its presence.
_FLAGS = frozenset({"is_spam", "is_archived", "is_deleted", "is_trashed"})
_OF_PEOPLE = frozenset({"id", "created_time", "modified_time"}) | _FLAGS
_BOOKKEEPING = frozenset({"presence", "deleted_at", "pulled_at", "seen", "extra_seen"})
# Texts of tickets, and of what hangs on them, that are the portal's words and not a person's.
# Workload counts by them. Whatever ends in `_id` is an address.
_PLAIN = _BOOKKEEPING | frozenset(
    {
        *("id", "ticket_number", "status", "status_type", "priority", "channel", "channel_code"),
        *("language", "category", "sub_category", "classification", "relationship_type"),
        *("created_by", "modified_by", "direction", "visibility", "content_type"),
        *("author_type", "commenter_type", "responded_in"),
    }
)
# Columns of zdsync's own tables: words of ours.
_OURS = frozenset(
    {
        *("field", "actor", "source", "outcome", "rules_digest", "rule", "stream"),
        *("action", "evidence", "rule_digest", "command"),  # evidence: names of fields
    }
)
_NUMBERS = ("INT", "DOUBLE", "FLOAT", "DECIMAL", "BOOL", "TIME", "DATE")  # in names of SQL types
# Rows that say nothing once their texts are gone.
DROPPED = frozenset(
    {"zdsync.folded", "zdsync.text_hits", "zdsync.rule_settled", "desk.ticket_tags"}
)
# What rules keep of subject and description.
OF_TEXTS = ("zdsync.folded", "zdsync.text_hits")
# Columns that hold the value of the field that the column `field` names.
VALUES = frozenset({"before", "after", "value"})
PLAIN_FIELDS = frozenset(
    {
        *("assignee", "assignee_id", "team", "team_id", "department", "department_id"),
        *("status", "status_type", "priority", "category", "sub_category", "classification"),
        *("channel", "language", "due", "due_date", "spam", "presence", "contact_id"),
    }
)
# Texts of a closed ticket that retention empties, beside `cf` and `extra`.
RETIRED = ("subject", "description", "resolution", "last_thread")
# A field of rules.yaml and of the journal by its column of desk.tickets.
_RULE_NAMES = {
    "assignee_id": "assignee",
    "team_id": "team",
    "department_id": "department",
    "due_date": "due",
}
# What zdsync itself needs to read, count and forget.
_NEEDED = _OF_PEOPLE | frozenset(
    {"ticket_id", "contact_id", "zoho_crm_contact_id", "status", "status_type", "closed_time"}
)


def personal(table: str, kinds: Mapping[str, str]) -> tuple[str, ...]:
    """Columns of a table that forgetting empties; `kinds` gives the SQL type of each column."""
    if table in PEOPLE:
        kept = _OF_PEOPLE | _BOOKKEEPING
        return tuple(column for column in kinds if column not in kept)
    plain = _PLAIN | _OURS if table.startswith("zdsync.") else _PLAIN
    return tuple(
        column
        for column, kind in kinds.items()
        if column not in plain
        and not column.endswith(("_id", "_since_source"))
        and (kind.endswith("[]") or not any(word in kind for word in _NUMBERS))
    )


def plain_field(field: str) -> bool:
    """Whether the values of a field that rules set say nothing about a person."""
    return field in PLAIN_FIELDS or field.startswith("tag:")


# -- how long texts are kept -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Retention:
    """How long the texts of a closed ticket are kept: calendar months and days."""

    months: int = 0
    days: int = 0

    def cutoff(self, now: datetime) -> datetime:
        """Tickets closed before this instant lose their texts."""
        year, month = divmod(now.year * 12 + now.month - 1 - self.months, 12)
        day = min(now.day, monthrange(year, month + 1)[1])
        return now.replace(year=year, month=month + 1, day=day) - timedelta(days=self.days)


_MOST_MONTHS = 1200


def retention(text: str) -> Retention | None:
    """Read `24 months`, `2 years`, `730d` or `off`; ValueError if it is none of these."""
    word = text.strip().lower()
    if word in {"", "off", "none"}:
        return None
    match = re.fullmatch(r"(\d{1,6})\s*(months?|mo|years?|y|days?|d|weeks?|w)", word)
    number = int(match[1]) if match else 0
    unit = match[2][0] if match else ""
    months = number * (12 if unit == "y" else 1)
    if unit in {"y", "m"} and 0 < months <= _MOST_MONTHS:
        return Retention(months=months)
    days = number * (7 if unit == "w" else 1)
    if unit in {"d", "w"} and 0 < days <= _MOST_MONTHS * 30:
        return Retention(days=days)
    raise ValueError("write for example 24 months, 2 years or 730d, or off")


# -- columns that a setting names --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Named:
    """One column that a setting names; `key`: only this key of the JSON column `cf`."""

    table: str
    column: str
    key: str = ""

    @property
    def api_key(self) -> str:
        """The key of Zoho's answer, under which a value that misfits lies in `extra`."""
        if self.key:
            return self.key
        fields = BY_NAME[self.table].fields if self.table in BY_NAME else ()
        paths = {field.column: field.path for field in fields}
        return paths.get(self.column, self.column).partition(".")[0]

    @property
    def fields(self) -> tuple[str, ...]:
        """The names that this column has in zdsync.ticket_changes and in the journal."""
        if self.table != TICKETS:
            return ()
        name = f"cf.{self.key}" if self.key else self.column
        return (name, _RULE_NAMES[name]) if name in _RULE_NAMES else (name,)


def named(names: Iterable[str]) -> Iterator[Named]:
    """Read `desk.tickets.description` and `desk.tickets.cf.cf_diagnosis`."""
    for name in names:
        system, _, rest = name.partition(".")
        table, _, column = rest.partition(".")
        column, _, key = column.partition(".")
        yield Named(f"{system}.{table}", column, key)


def misnamed(setting: str, names: Iterable[str], *, stored: bool) -> Iterator[Problem]:
    """Find names that are no column; with `stored`, also those that zdsync cannot do without.

    Where `stored` is False (published columns) names of zdsync's own tables are left to the
    mirror, which knows them.
    """
    known = {
        f"{spec.name}.{field.column}" for spec in BY_NAME.values() for field in spec.fields
    } | {f"{name}.{column}" for name in BY_NAME for column in ("cf", "extra")}
    for name, one in zip(names, named(names), strict=True):
        column = f"{one.table}.{one.column}"
        if one.table not in BY_NAME and not stored:
            if not one.table.startswith(("zdsync.", "desk.")) or not one.column:
                yield no_column(setting, name, known)
        elif column not in known or (one.key and one.column != "cf"):
            yield no_column(setting, name, known)
        elif stored and one.column in _NEEDED:
            yield Problem(setting, "cannot be left out: zdsync itself needs it", "", name)


def no_column(setting: str, name: str, known: Iterable[str]) -> Problem:
    """The problem of a setting that names what is no column."""
    near = difflib.get_close_matches(name, sorted(known), 1)
    hint = f"did you mean {near[0]}?" if near else "such as desk.tickets.description"
    return Problem(setting, "names no column", hint, name)

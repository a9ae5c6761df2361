"""Nouns that cross a layer. Data only: no I/O, no rules, no SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import field as dataclass_field
from datetime import datetime
from enum import IntEnum
from typing import Any, Literal

# One decoded record: column → JSON-ready value (instants as "YYYY-MM-DD HH:MM:SS[.ffffff]" UTC).
# A key that the answer did not carry is absent, never None.
Row = dict[str, Any]
Scalar = str | int | float | bool | None
Mode = Literal["plan", "apply"]


class Shape(IntEnum):
    """Which kind of answer a row came from; at equal modified time the greater one wins."""

    LIST = 1
    SEARCH = 2
    DETAIL = 3


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """Rows of one stream and shape that were read at one instant."""

    stream: str
    shape: Shape
    rows: tuple[Row, ...]
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Span:
    """Instants from `low` (inclusive) to `high` (exclusive)."""

    low: datetime
    high: datetime


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a stream stands.

    `value`: everything modified before it is committed. `pending`: spans of created time that
    an unfinished backfill still has to read. `complete`: a backfill once finished.
    """

    stream: str
    value: datetime | None = None
    pending: tuple[Span, ...] = ()
    complete: bool = False
    last_pull_at: datetime | None = None
    deep_at: datetime | None = None  # last pull with the long lookback


# Who changed a ticket; `unknown` where the API does not tell.
Actor = Literal["agent", "customer", "automation", "zdsync", "unknown"]


@dataclass(frozen=True, slots=True)
class Told:
    """One change of one field as a ticket's History tells it.

    `field` is a column of desk.tickets or `tag:NAME`. `before` and `after` are as Zoho wrote them:
    ids or names. `event` numbers the events of the ticket, oldest first: fields that one event
    changed share it. `at` has whole seconds.
    """

    field: str
    before: str | None
    after: str | None
    at: datetime
    actor: Actor
    event: int
    agent_id: str | None = None  # of actor agent, where Zoho names one


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP call and what it cost."""

    at: datetime
    stream: str
    system: str
    method: str
    endpoint: str
    status: int
    credits: float
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Agent:
    """A Desk agent, as far as assigning needs it."""

    id: str
    email: str | None
    name: str
    zuid: str | None
    active: bool
    departments: frozenset[str]  # ids


@dataclass(frozen=True, slots=True)
class Named:
    """A department or team: id, name, the owning department's id, and whether it is in use."""

    id: str
    name: str
    department_id: str | None = None
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class CustomField:
    """A custom field that the portal declares: API name, declared type, options."""

    name: str
    type: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CrmUser:
    """A CRM user, as far as finding the Desk agent behind an owner needs it."""

    id: str
    email: str | None
    zuid: str | None


@dataclass(frozen=True, slots=True)
class Portal:
    """The names that the portal knows. `known` is False where nothing was pulled yet."""

    known: bool = False
    agents: tuple[Agent, ...] = ()
    departments: tuple[Named, ...] = ()
    teams: tuple[Named, ...] = ()
    statuses: Mapping[str, str] = field(default_factory=dict)  # name → Open, On Hold, Closed
    priorities: tuple[str, ...] = ()  # least to most urgent, as far as known
    channels: tuple[str, ...] = ()
    ticket_fields: tuple[CustomField, ...] = ()
    contact_fields: tuple[CustomField, ...] = ()
    account_fields: tuple[CustomField, ...] = ()
    crm_contact_fields: tuple[CustomField, ...] = ()
    crm_account_fields: tuple[CustomField, ...] = ()
    crm_users: tuple[CrmUser, ...] = ()
    crm: bool = True
    hidden: frozenset[str] = frozenset()  # "Accounts.SLA_Tier": values kept from the API
    sla_tier_field: str = "SLA_Tier"
    outcome_field: str = "cf_outcome"
    # custom fields that are gone, as the rules name them → their new name, or nothing
    vanished: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Voice:
    """What the settings let zdsync say, and to whom.

    `targets`: the names under ZDSYNC_NOTIFY, and `mailed` those that are e-mail addresses. `mail`:
    there is a mail server. `replies`: customers may be answered. `texts`: notices may quote them.
    """

    targets: frozenset[str] = frozenset()
    replies: bool = False
    texts: bool = False
    mail: bool = False
    mailed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Change:
    """One intended write: a ticket's field goes from `before` to `after` because of `rule`.

    `field` is a name of the rules language (`assignee`, `priority`, `department`, `status`,
    `cf.x`, `spam`) or `tag:NAME`; `before` and `after` are in the words of that language (an
    agent's e-mail, a department's name, true/false for a tag). `wire` holds what the API needs
    (ids), `notify` is False where closing must not mail the contact. `was_open`: the ticket was
    open when planned; one that a person closed since is left alone. `saw`: columns of the ticket
    that must still be so, beside the field itself (how many messages and comments it had).
    `text`: what a comment, reply or notice says; never in the journal or in a document. `spared`:
    id of whom a move that is done may have left the ticket with.
    """

    change_id: str
    ticket_id: str
    ticket_number: str
    rule: str
    field: str
    before: Scalar
    after: Scalar
    evidence: Mapping[str, Scalar]
    mode: Mode
    wire: Mapping[str, Any]
    wire_before: Mapping[str, Any]
    notify: bool = True
    was_open: bool = True
    saw: Mapping[str, Scalar] = dataclass_field(default_factory=dict)
    text: str = ""
    spared: Scalar = None


# `unsent`: the run halted, or what it depended on failed, before the call; nothing was written.
Outcome = Literal["applied", "already", "stale", "rejected", "unknown", "unsent"]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of one intent."""

    change_id: str
    outcome: Outcome
    settled_at: datetime
    http_status: int | None = None
    error: str = ""

"""Records of the simulated portal: plain slots, instants as epoch milliseconds UTC.

Owns the nouns of the sandbox. Must not hold behaviour beyond a derived name.
Compact on purpose: 200,000 tickets live in memory at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
CfMap = dict[str, Any]


@dataclass(slots=True)
class Department:
    id: str
    name: str
    created: int
    creator_id: str
    is_default: bool = False


@dataclass(slots=True)
class Team:
    id: str
    name: str
    department_id: str
    agents: list[str]


@dataclass(slots=True)
class Agent:
    id: str
    zuid: str | None
    email: str
    first: str
    last: str
    departments: list[str]
    status: str = "ACTIVE"
    role: str = "Support Agent"
    profile: str = "Agent"
    phone: str | None = None

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}"


@dataclass(slots=True)
class Account:
    id: str
    name: str
    website: str | None
    email: str | None
    phone: str | None
    industry: str | None
    owner_id: str | None
    crm_id: str | None
    created: int
    modified: int
    cf: CfMap | None = None
    trashed: int | None = None


@dataclass(slots=True)
class Contact:
    id: str
    first: str | None
    last: str
    email: str | None
    phone: str | None
    mobile: str | None
    account_id: str | None
    owner_id: str | None
    crm_id: str | None
    crm_type: str | None
    created: int
    modified: int
    country: str | None = None
    type: str | None = None
    spam: bool = False
    cf: CfMap | None = None
    trashed: int | None = None

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}" if self.first else self.last


@dataclass(slots=True)
class Ticket:
    id: str
    number: int
    subject: str
    description: str | None
    status: str
    status_type: str
    priority: str | None
    channel: str
    language: str | None
    department_id: str
    contact_id: str
    account_id: str | None
    assignee_id: str | None
    team_id: str | None
    email: str | None
    created: int
    modified: int
    phone: str | None = None
    product_id: str | None = None
    category: str | None = None
    sub_category: str | None = None
    classification: str | None = None
    resolution: str | None = None
    due: int | None = None
    response_due: int | None = None
    customer_response: int | None = None
    closed: int | None = None
    onhold: int | None = None
    created_by: str | None = None
    modified_by: str | None = None
    threads: int = 1
    comments: int = 0
    last_direction: str = "in"
    tags: tuple[str, ...] = ()
    cf: CfMap | None = None
    spam: bool = False
    archived: bool = False
    escalated: bool = False
    trashed: int | None = None
    trashed_by: str | None = None


@dataclass(slots=True)
class Tag:
    id: str
    name: str
    created: int


@dataclass(slots=True)
class Comment:
    id: str
    content: str
    content_type: str
    public: bool
    author_id: str | None
    created: int
    modified: int | None = None


@dataclass(slots=True)
class Thread:
    id: str
    direction: str
    channel: str
    created: int
    content: str
    author_id: str | None
    author_type: str
    to: str | None
    sender: str | None
    content_type: str = "text/html"
    status: str = "SUCCESS"
    description: bool = False
    private: bool = False
    forward: bool = False
    at_once: bool = False  # of a reply: sent with sendImmediately

    @property
    def reaches_customer(self) -> bool:
        """Whether the customer gets it by mail."""
        quiet = self.private or self.forward or self.status == "DRAFT"
        return self.direction == "out" and not quiet


@dataclass(slots=True)
class Event:
    """One history row; `info` holds (name, type, before, after)."""

    name: str
    at: int
    actor: Actor
    info: list[tuple[str, str, Any, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: type is Agent, Contact or Workflow as in History rows."""

    id: str | None
    name: str
    type: str


@dataclass(slots=True)
class CrmUser:
    id: str
    zuid: str | None
    email: str
    first: str
    last: str
    created: int
    modified: int
    status: str = "active"
    confirm: bool = True

    @property
    def name(self) -> str:
        return f"{self.first} {self.last}"


@dataclass(slots=True)
class CrmRecord:
    """One CRM row: `values` by API name, lookups as ids."""

    id: str
    module: str
    owner_id: str
    values: Json
    created: int
    modified: int
    deleted: int | None = None
    deleted_kind: str = ""
    converted: bool = False  # a lead that became a contact
    hidden: bool = False  # no longer shared with the token's user


@dataclass(slots=True)
class Mail:
    at: int
    ticket_id: str
    to: str | None
    kind: str


@dataclass(slots=True)
class WriteEntry:
    """One write that took effect."""

    at: int
    method: str
    path: str
    query: dict[str, list[str]]
    body: Json | None
    status: int
    ticket_id: str | None


@dataclass(slots=True)
class CallEntry:
    """One call, refused ones too. `concurrency` counts calls under way with this one."""

    system: str
    method: str
    endpoint: str
    credits: int
    status: int
    concurrency: int

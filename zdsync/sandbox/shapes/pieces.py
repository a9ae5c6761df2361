"""Pieces that the shapes of several records share: instants, ids, people in brief.

Owns how a variant writes a scalar. Must not decide who may see a record.
"""

from __future__ import annotations

import re

from ..records import Account, Agent, CfMap, Contact, Json
from ..state import State
from ..times import iso
from ..variant import Variant

LAYOUT_ID = "189199000000000001"
HAPPY = {"badPercentage": "0", "okPercentage": "0", "goodPercentage": "0"}


class Pieces:
    """Writes scalars and the people inside a record under one variant."""

    def __init__(self, state: State, variant: Variant) -> None:
        self.state = state
        self.variant = variant
        self._epoch = variant.times == "epoch"
        self._millis = variant.millis
        self._hidden = frozenset(filter(None, variant.hidden.split(",")))

    # -- scalars

    def time(self, ms: int | None) -> str | int | None:
        """Write an instant as the variant says (README 1)."""
        if ms is None:
            return None
        return ms if self._epoch else iso(ms, self._millis)

    def id(self, record_id: str | None) -> str | int | None:
        """Write an id as text or as number (DT 1, string-or-integer)."""
        if record_id is None:
            return None
        return int(record_id) if self.variant.ids_as_int else record_id

    def count(self, total: int) -> str | int:
        """Write the `count` of a search."""
        if self.variant.count_capped_at:
            total = min(total, self.variant.count_capped_at)
        return str(total) if self.variant.count_as_string else total

    def number(self, count: int) -> str | int:
        """Write a counter of a record as text or as number (DT 1)."""
        return count if self.variant.counts_as_int else str(count)

    def pick(self, value: str | None) -> str | None:
        """Write a choice; a pick list without one as the variant does."""
        empty = {"null": None, "none": "-None-", "blank": ""}
        return value or empty[self.variant.empty_picks]

    # -- people and places

    def account_ref(self, account_id: str | None) -> Json | None:
        """Write the account object inside a contact."""
        account = self.state.accounts.get(account_id or "")
        if account is None:
            return None
        return {"id": self.id(account.id), "accountName": account.name, "website": account.website}

    def contact_ref(self, contact_id: str, with_spam: bool) -> Json | None:
        """Write the contact object inside a ticket."""
        contact = self.state.contacts.get(contact_id)
        if contact is None:
            return None
        row = self._names(contact) | {
            "email": contact.email,
            "phone": contact.phone,
            "mobile": contact.mobile,
            "type": contact.type,
            "account": self.account_ref(contact.account_id),
        }
        if with_spam:
            row["isSpam"] = contact.spam
        return row

    def assignee(self, agent_id: str | None) -> Json | None:
        """Write the assignee of list and detail: key `email`."""
        agent = self.state.agents.get(agent_id or "")
        if agent is None:
            return None
        return self._names(agent) | {"email": agent.email, "photoURL": None}

    def agent_ref(self, agent_id: str | None) -> Json | None:
        """Write assignee and owner of search: keys `emailId` and `zuid` (DT 2)."""
        agent = self.state.agents.get(agent_id or "")
        if agent is None:
            return None
        return self._names(agent) | {"emailId": agent.email, "photoURL": None, "zuid": agent.zuid}

    def person_ref(self, agent_id: str | None) -> Json | None:
        """Write the owner of include=owner: id and names only."""
        agent = self.state.agents.get(agent_id or "")
        return None if agent is None else self._names(agent)

    def _names(self, person: Agent | Contact) -> Json:
        return {"id": self.id(person.id), "firstName": person.first, "lastName": person.last}

    def department(self, department_id: str) -> Json:
        """Write id and name of a department."""
        return {"id": self.id(department_id), "name": self.state.departments[department_id].name}

    def team(self, team_id: str | None) -> Json | None:
        """Write id, name and logo of a team."""
        team = self.state.teams.get(team_id or "")
        return (
            None if team is None else {"id": self.id(team.id), "name": team.name, "logoUrl": None}
        )

    # -- what records have in common

    def more(self, record_id: str) -> Json:
        """Write the keys that no schema names: Zoho adds some from time to time."""
        return dict(self.state.more.get(record_id, ()))

    def seen(self, row: Json) -> Json:
        """Leave out of a ticket what the token user's profile does not see (DT 1, DP 1)."""
        return {k: v for k, v in row.items() if k not in self._hidden} if self._hidden else row

    def layout(self) -> Json:
        """Write the layout of a detail."""
        return {"id": self.id(LAYOUT_ID), "layoutName": "Default"}

    def custom_fields(self, have: CfMap | None, labels: dict[str, str]) -> Json:
        """Write all custom fields by API name and again by label, empty ones as null."""
        edits = self.state.edits
        shown = [(one, edits.name(one)) for one in labels if one not in edits.hidden]
        cf = {name: (have or {}).get(one) for one, name in shown if name}
        by_label = {edits.labels.get(one, labels[one]): cf[name] for one, name in shown if name}
        return {"cf": cf, "customFields": by_label}


def names(person: Agent | Contact | None) -> Json:
    """Write names and address of a writer, null for somebody unknown."""
    return {
        "name": person.name if person else None,
        "firstName": person.first if person else None,
        "lastName": person.last if person else None,
        "email": person.email if person else None,
    }


def presence(record: Contact | Account) -> Json:
    """Write what the detail of a contact or account says of its life."""
    return {"isFollowing": False, "isDeleted": False, "isTrashed": record.trashed is not None}


def source() -> Json:
    """Write where a ticket or thread came from."""
    return {
        "appName": None,
        "extId": None,
        "permalink": None,
        "type": "SYSTEM",
        "appPhotoURL": None,
    }


def unmarked(html: str) -> str:
    """Take the markup from a text."""
    return re.sub(r"<[^>]*>", "", html)


def web_url(tab: str, record_id: str) -> str:
    """Write the address of a record in the web UI."""
    return f"https://desk.example/support/demo/ShowHomePage.do#{tab}/dv/{record_id}"

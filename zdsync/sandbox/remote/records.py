"""Somebody else's hand on contacts and CRM records."""

from __future__ import annotations

from typing import Any

from ..records import Account, Contact, CrmRecord
from .base import Remote


class RemoteRecords(Remote):
    """What happens to everything that is no ticket, and to records gone for good."""

    def purge(self, record_id: str) -> None:
        """Delete a ticket, contact or account for good; the bin does not know it."""
        with self.lock:
            s = self.state
            item = s.tickets.get(record_id) or s.contacts.get(record_id) or s.accounts[record_id]
            s.purge(item, self.at())
            s.children.drop(record_id)

    def edit_contact(self, contact_id: str, **attributes: Any) -> None:
        """Edit a Desk contact by attribute name; trashed=True puts it into the bin."""
        self._edit(self.state.contacts[contact_id], attributes)

    def edit_account(self, account_id: str, **attributes: Any) -> None:
        """Edit a Desk account by attribute name; trashed=True puts it into the bin."""
        self._edit(self.state.accounts[account_id], attributes)

    def relink_contact(self, contact_id: str, crm_id: str | None, kind: str = "contacts") -> None:
        """Sync a contact with the CRM, or end that; no modified time moves (DP 12 point 13)."""
        contact = self.state.contacts[contact_id]
        with self.lock, self.state.change(contact, self.at(), bump=False):
            contact.crm_id, contact.crm_type = crm_id, kind if crm_id else None

    def relink_account(self, account_id: str, crm_id: str | None) -> None:
        """Sync an account with the CRM, or end that; no modified time moves."""
        account = self.state.accounts[account_id]
        with self.lock, self.state.change(account, self.at(), bump=False):
            account.crm_id = crm_id

    def _edit(self, item: Contact | Account, attributes: dict[str, Any]) -> None:
        with self.lock, self.state.change(item, self.at()):
            if isinstance(attributes.get("trashed"), bool):
                attributes["trashed"] = (
                    self.state.stamp(self.at()) if attributes["trashed"] else None
                )
            for name, value in attributes.items():
                setattr(item, name, value)

    def create_contact(self, last: str, **attributes: Any) -> Contact:
        """Make a Desk contact; the rest by attribute name."""
        with self.lock:
            at = self.state.stamp(self.at())
            contact = Contact(
                self.state.new_id(), None, last, None, None, None, None, None, None, None, at, at
            )
            for name, value in attributes.items():
                setattr(contact, name, value)
            self.state.add(contact, at)
            return contact

    # -- the CRM

    def crm_edit(self, module: str, record_id: str, **values: Any) -> None:
        """Edit a CRM record; Owner takes a user id."""
        with self.lock:
            record = self.state.crm_records(module)[record_id]
            record.owner_id = values.pop("Owner", record.owner_id)
            record.values = {**record.values, **values}
            record.modified = self.state.stamp(self.at())
            self.state.version += 1

    def crm_create(self, module: str, **values: Any) -> CrmRecord:
        """Make a CRM record; Owner takes a user id."""
        with self.lock:
            at = self.state.stamp(self.at())
            owner = values.pop("Owner", next(iter(self.state.crm_users)))
            record = CrmRecord(self.state.new_crm_id(), module, owner, values, at, at)
            self.state.crm_records(module)[record.id] = record
            self.state.version += 1
            return record

    def crm_delete(self, module: str, record_id: str, permanent: bool = False) -> None:
        """Delete a CRM record; the deleted feed shows it."""
        with self.lock:
            record = self.state.crm_records(module)[record_id]
            record.deleted = self.state.stamp(self.at())
            record.deleted_kind = "permanent" if permanent else "recycle"
            self.state.version += 1

    def crm_restore(self, module: str, record_id: str) -> None:
        """Bring a CRM record back."""
        with self.lock:
            self.state.crm_records(module)[record_id].deleted = None
            self.state.version += 1

    def crm_recalculate(self, module: str, record_id: str, **values: Any) -> None:
        """Let formulas or roll-ups come to other values; no modified time moves (CRM 6)."""
        with self.lock:
            record = self.state.crm_records(module)[record_id]
            record.values = {**record.values, **values}
            self.state.version += 1

    def crm_convert(self, lead_id: str) -> None:
        """Convert a lead: lists show it only when asked for converted ones (CRM 3)."""
        with self.lock:
            self.state.crm_leads[lead_id].converted = True
            self.state.version += 1

    def crm_share(self, module: str, record_id: str, shared: bool = False) -> None:
        """Take a record out of the token user's sight, or give it back; no feed tells (CRM 7)."""
        with self.lock:
            self.state.crm_records(module)[record_id].hidden = not shared
            self.state.version += 1

    def crm_user(self, user_id: str, **attributes: Any) -> None:
        """Edit a CRM user by attribute name."""
        with self.lock:
            user = self.state.crm_users[user_id]
            for name, value in attributes.items():
                setattr(user, name, value)
            user.modified = self.at()
            self.state.version += 1

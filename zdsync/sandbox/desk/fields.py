"""Field metadata of the portal: standard and custom fields, options of picklists.

Owns which fields there are and the check of custom-field values on write. Must not hold
records.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ..shapes.accounts import ACCOUNT_CF
from ..shapes.contacts import CONTACT_CF
from ..shapes.tickets import CF_LABELS
from ..state import OUTCOMES, PRIORITIES, STATUSES
from ..wire import invalid

CHANNELS = ("Phone", "Email", "Web", "Chat", "Forum", "Facebook", "Twitter")
LANGUAGES = ("en", "fr", "de", "es", "ar", "ja")
_REGIONS = ("EMEA", "AMER", "APAC")


@dataclass(frozen=True, slots=True)
class Meta:
    """One field: type as the spec names it."""

    api_name: str
    label: str
    type: str
    options: tuple[str, ...] = ()
    max_length: int | None = None

    @property
    def custom(self) -> bool:
        return self.api_name.startswith("cf_")


FIELDS: dict[str, tuple[Meta, ...]] = {
    "tickets": (
        Meta("subject", "Subject", "Text", (), 1000),
        Meta("description", "Description", "Textarea", (), 65535),
        Meta("status", "Status", "Picklist", tuple(STATUSES)),
        Meta("priority", "Priority", "Picklist", PRIORITIES),
        Meta("channel", "Channel", "Picklist", CHANNELS),
        Meta("language", "Language", "Picklist", LANGUAGES),
        Meta(
            "classification",
            "Classifications",
            "Picklist",
            ("Question", "Problem", "Feature", "Others"),
        ),
        Meta("category", "Category", "Picklist", ("General", "Defects")),
        Meta("subCategory", "Sub Category", "Picklist", ("Sub General", "Sub Defects")),
        Meta("dueDate", "Due Date", "DateTime"),
        Meta("assigneeId", "Ticket Owner", "LookUp"),
        Meta("contactId", "Contact Name", "LookUp"),
        Meta("email", "Email", "Email", (), 150),
        Meta("phone", "Phone", "Phone", (), 120),
        Meta("cf_outcome", CF_LABELS["cf_outcome"], "Picklist", OUTCOMES),
        Meta("cf_cid", CF_LABELS["cf_cid"], "Text", (), 255),
        Meta("cf_follow_up", CF_LABELS["cf_follow_up"], "Date"),
    ),
    "contacts": (
        Meta("lastName", "Last Name", "Text", (), 200),
        Meta("firstName", "First Name", "Text", (), 40),
        Meta("email", "Email", "Email", (), 255),
        Meta("cf_vip", CONTACT_CF["cf_vip"], "Boolean"),
    ),
    "accounts": (
        Meta("accountName", "Account Name", "Text", (), 200),
        Meta("website", "Website", "URL", (), 120),
        Meta("cf_region", ACCOUNT_CF["cf_region"], "Picklist", _REGIONS),
    ),
    "tasks": (),
    "calls": (),
    "events": (),
    "contracts": (),
    "products": (),
}


def check_cf(cf: dict[str, Any], module: str = "tickets") -> None:
    """Refuse unknown custom fields and values that their type does not allow."""
    known = {m.api_name: m for m in FIELDS[module] if m.custom}
    for name, value in cf.items():
        meta = known.get(name)
        if meta is None:
            raise invalid(f"/cf/{name}", "invalid", f"{name} is not a field of {module}")
        if value not in (None, "") and not _valid(meta, str(value)):
            raise invalid(f"/cf/{name}", "invalid", f"The value of {name} is not valid")


def _valid(meta: Meta, value: str) -> bool:
    if meta.options:
        return value in meta.options
    if meta.type == "Date":
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", value))
    return len(value) <= (meta.max_length or 255)

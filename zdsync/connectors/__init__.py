"""Zoho's shapes and ours: the Desk and CRM connectors. No SQL, no rules."""

from zdsync.connectors.crm import Crm, forbids, has_no_module
from zdsync.connectors.desk import Desk
from zdsync.connectors.forms import Organization
from zdsync.connectors.links import LinkPage
from zdsync.connectors.proofs import Deleted, FieldCounts, Proofs
from zdsync.connectors.windows import WalkPage

__all__ = [
    "Crm",
    "Deleted",
    "Desk",
    "FieldCounts",
    "LinkPage",
    "Organization",
    "Proofs",
    "WalkPage",
    "forbids",
    "has_no_module",
]

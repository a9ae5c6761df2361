"""Zoho's shapes and ours: the Desk and CRM connectors. No SQL, no rules."""

from zdsync.connectors.conversations import Conversation, Conversations
from zdsync.connectors.crm import Crm, forbids, has_no_module
from zdsync.connectors.desk import Desk
from zdsync.connectors.forms import Organization, Tag
from zdsync.connectors.links import LinkPage
from zdsync.connectors.notices import Notices
from zdsync.connectors.proofs import Deleted, FieldCounts, Proofs
from zdsync.connectors.windows import WalkPage

__all__ = [
    "Conversation",
    "Conversations",
    "Crm",
    "Deleted",
    "Desk",
    "FieldCounts",
    "LinkPage",
    "Notices",
    "Organization",
    "Proofs",
    "Tag",
    "WalkPage",
    "forbids",
    "has_no_module",
]

"""What is mirrored, as data: one StreamSpec a kind of remote record, one Field a column.

Sources: `shape` letters follow the fact sheets (which answer carries which key): L list,
S search, D detail or the answer of a write. A key that no Field names lands in `extra`;
a key in `ignored` repeats what another column or stream holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

FieldType = Literal["text", "int", "float", "bool", "instant", "date", "json", "list"]
Walk = Literal["time", "pages", "fields", "crm", "users", "ticket"]
System = Literal["desk", "crm"]


@dataclass(frozen=True, slots=True)
class Field:
    """One column: `path` is the key in Zoho's answer, dots step into objects."""

    path: str
    column: str
    type: FieldType
    shapes: str = "LSD"
    comment: str = ""


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """One stream: its table `<name>`, where it is read and how it is walked.

    `every` is the pause in seconds between reads by the service (0: each tick).
    """

    name: str
    module: str
    walk: Walk
    fields: tuple[Field, ...]
    ignored: frozenset[str] = frozenset()
    every: int = 0
    comment: str = ""

    @property
    def system(self) -> System:
        return "crm" if self.name.startswith("crm.") else "desk"

    @property
    def timed(self) -> bool:
        """Whether rows carry a modified time that orders their versions."""
        return any(field.column == "modified_time" for field in self.fields)


def snake(name: str) -> str:
    """API name in snake_case: `modifiedTime` and `Modified_Time` give `modified_time`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name.replace(".", "_"))
    return re.sub(r"_+", "_", spaced).lower()


def _fields(kind: FieldType, names: str, shapes: str = "LSD") -> Iterator[Field]:
    for name in names.split():
        path, _, column = name.partition("=")
        yield Field(path, column or snake(path), kind, shapes)


# desk-tickets.md section 2: list rows lack what search has, search lacks counters and flags.
_TICKET = (
    *_fields(
        "text", "id ticketNumber departmentId contactId accountId assigneeId teamId productId"
    ),
    *_fields("text", "subject status statusType priority channel language category subCategory"),
    *_fields("text", "email phone webUrl layoutId"),
    *_fields("text", "channelCode sentiment", "LD"),
    *_fields("text", "relationshipType", "LS"),
    *_fields("text", "description resolution classification slaId createdBy modifiedBy", "SD"),
    *_fields("text", "contractId", "D"),
    *_fields("instant", "createdTime closedTime onholdTime dueDate responseDueDate"),
    *_fields("instant", "customerResponseTime lockedTime"),
    *_fields("instant", "modifiedTime", "SD"),
    *_fields("int", "threadCount commentCount"),
    *_fields("int", "childTicketCount", "S"),
    *_fields("int", "taskCount attachmentCount approvalCount timeEntryCount tagCount", "D"),
    *_fields("int", "followerCount", "D"),
    *_fields("bool", "isSpam isArchived isRead"),
    *_fields("bool", "isOverDue isEscalated", "SD"),
    *_fields("bool", "isResponseOverdue isDeleted isTrashed isFollowing", "D"),
    *_fields("json", "lastThread", "LS"),
    *_fields("json", "product"),
    *_fields("json", "source", "LD"),
    *_fields("json", "channelRelatedInfo layoutDetails skillsInfo", "D"),
    *_fields("json", "parentTicket sourceTicket sharedDepartments", "SD"),
    *_fields("list", "secondaryContacts entitySkills", "SD"),
    *_fields("json", "cf", "SD"),
)

# desk-people.md section 3.
_CONTACT = (
    *_fields("text", "id firstName lastName email secondaryEmail phone mobile type accountId"),
    *_fields("text", "ownerId photoURL webUrl"),
    *_fields("text", "zip country twitter city street facebook description state title", "SD"),
    *_fields("text", "layoutId", "SD"),
    *_fields("text", "zohoCRMContact.id zohoCRMContact.type"),
    *_fields("instant", "createdTime"),
    *_fields("instant", "modifiedTime", "SD"),
    *_fields("int", "accountCount", "LD"),
    *_fields("bool", "isEndUser"),
    *_fields("bool", "isAnonymous isSpam", "LD"),
    *_fields("bool", "isFollowing isDeleted isTrashed", "D"),
    *_fields("json", "customerHappiness"),
    *_fields("json", "layoutDetails", "D"),
    *_fields("json", "cf", "SD"),
)

_ACCOUNT = (
    *_fields("text", "id accountName website phone email webUrl"),
    *_fields("text", "country code city street annualrevenue description industry state", "SD"),
    *_fields("text", "ownerId fax layoutId", "SD"),
    *_fields("text", "zohoCRMAccount.id", "LD"),  # search rows do not declare it
    *_fields("instant", "createdTime"),
    *_fields("instant", "modifiedTime", "SD"),
    *_fields("bool", "isFollowing isDeleted isTrashed", "D"),
    *_fields("list", "associatedSLAIds", "D"),
    *_fields("json", "customerHappiness", "LD"),
    *_fields("json", "layoutDetails", "D"),
    *_fields("json", "cf", "SD"),
)

_AGENT = (
    *_fields("text", "id name firstName lastName emailId zuid status roleId profileId"),
    *_fields("text", "rolePermissionType phone mobile extn aboutInfo photoURL langCode"),
    *_fields("text", "countryCode timeZone"),
    *_fields("bool", "isConfirmed isZiaAgent"),
    *_fields("list", "associatedDepartmentIds associatedChatDepartmentIds channelExpert"),
    *_fields("json", "role profile cf"),
)

_DEPARTMENT = (
    *_fields("text", "id name description sanitizedName nameInCustomerPortal chatStatus creatorId"),
    *_fields("bool", "isEnabled isDefault isVisibleInCustomerPortal isAssignToTeamEnabled hasLogo"),
    *_fields("instant", "createdTime"),
)

_TEAM = (
    *_fields("text", "id name description departmentId logoUrl"),
    *_fields("list", "agents derivedAgents roles rolesWithSubordinates subTeams"),
)

_FIELD = (
    *_fields("text", "id module apiName name displayLabel type fieldId"),
    *_fields("bool", "isMandatory isCustomField isEncryptedField"),
    *_fields("int", "maxLength"),
    *_fields("json", "pickListValues"),
)

# crm.md section 15; lookups are {name, id}.
_CRM = (
    *_fields("text", "id Owner.id=owner_id Owner.name=owner_name Owner.email=owner_email", "L"),
    *_fields("text", "Created_By.id=created_by_id Modified_By.id=modified_by_id", "L"),
    *_fields("instant", "Created_Time Modified_Time", "L"),
)
_CRM_PERSON = (
    *_fields("text", "First_Name Last_Name Full_Name Email Secondary_Email Phone Mobile", "L"),
    *_fields("text", "Lead_Source Description", "L"),
    *_fields("json", "Tag", "L"),
)
_CRM_CONTACT = (
    *_CRM,
    *_CRM_PERSON,
    *_fields("text", "Account_Name.id=account_id Account_Name.name=account_name", "L"),
    *_fields("text", "Title Department", "L"),
)
_CRM_LEAD = (
    *_CRM,
    *_CRM_PERSON,
    *_fields("text", "Company Lead_Status Title", "L"),
)
_CRM_ACCOUNT = (
    *_CRM,
    *_fields("text", "Account_Name Website Phone Industry Account_Type Description", "L"),
    *_fields("text", "Parent_Account.id=parent_account_id", "L"),
    *_fields("json", "Tag", "L"),
)
_CRM_USER = (
    *_fields("text", "id email first_name last_name full_name status zuid time_zone type__s", "L"),
    *_fields("text", "role.name=role profile.name=profile", "L"),
    *_fields("bool", "confirm", "L"),
    *_fields("instant", "created_time Modified_Time", "L"),
)

_CRM_FIELD = (
    *_fields("text", "id module api_name field_label data_type json_type field_id", "L"),
    *_fields("bool", "custom_field", "L"),
    *_fields("json", "pick_list_values hipaa_compliance lookup", "L"),
)

# desk-people.md section 9. Bodies of messages are not stored: no list carries them and no rule
# asks for them; `summary` is their beginning.
_OF_TICKET = Field("ticketId", "ticket_id", "text", comment="Id of the ticket that it hangs on")
_THREAD = (
    *_fields("text", "id"),
    _OF_TICKET,
    *_fields("text", "channel direction status visibility summary contentType sentiment"),
    *_fields("text", "to cc bcc replyTo fromEmailAddress responderId respondedIn fullContentURL"),
    *_fields("text", "lastRatingIconURL facebookProfile twitterProfile"),
    *_fields("instant", "createdTime"),
    *_fields("bool", "isDescriptionThread isForward canReply hasAttach isContentTruncated"),
    *_fields("int", "attachmentCount"),
    *_fields("json", "author source channelRelatedInfo impersonatedUser keyWords aspects"),
    *_fields("json", "attachments readReceipts actions"),
)

# desk-tickets.md section 3: commentedTime, no createdTime.
_COMMENT = (
    *_fields("text", "id"),
    _OF_TICKET,
    *_fields("text", "content contentType encodedContent commenterId plainText"),
    *_fields("instant", "commentedTime modifiedTime"),
    *_fields("bool", "isPublic"),
    *_fields("json", "commenter impersonatedUser attachments mention"),
)

_HOUR = 3600
_NESTED = frozenset({"customFields", "contact", "department", "assignee", "team", "account"})
_OWNED = frozenset({"customFields", "owner", "account", "zohoCRMContact", "zohoCRMAccount"})

STREAMS: tuple[StreamSpec, ...] = (
    StreamSpec("desk.departments", "departments", "pages", _DEPARTMENT, every=_HOUR),
    StreamSpec("desk.agents", "agents", "pages", _AGENT, every=_HOUR),
    StreamSpec("desk.teams", "teams", "pages", _TEAM, every=_HOUR),
    StreamSpec("desk.fields", "fields", "fields", _FIELD, every=_HOUR),
    StreamSpec("crm.fields", "settings/fields", "fields", _CRM_FIELD, every=_HOUR),
    StreamSpec("crm.users", "users", "users", _CRM_USER, every=_HOUR),
    StreamSpec("crm.accounts", "Accounts", "crm", _CRM_ACCOUNT),
    StreamSpec("crm.contacts", "Contacts", "crm", _CRM_CONTACT),
    StreamSpec("crm.leads", "Leads", "crm", _CRM_LEAD),
    StreamSpec("desk.accounts", "accounts", "time", _ACCOUNT, _OWNED),
    StreamSpec("desk.contacts", "contacts", "time", _CONTACT, _OWNED),
    StreamSpec("desk.tickets", "tickets", "time", _TICKET, _NESTED),
)

# What hangs on tickets: read for those that need it, never as a whole; no cursor.
CHILDREN: tuple[StreamSpec, ...] = (
    StreamSpec(
        "desk.threads",
        "threads",
        "ticket",
        _THREAD,
        frozenset({"type", "content", "plainText", "attachmentIds"}),
        comment="Messages of tickets whose conversation was read (zdsync.conversations)",
    ),
    StreamSpec(
        "desk.comments",
        "comments",
        "ticket",
        _COMMENT,
        frozenset({"type"}),
        comment="Comments of tickets whose conversation was read (zdsync.conversations)",
    ),
)

BY_NAME = {spec.name: spec for spec in (*STREAMS, *CHILDREN)}

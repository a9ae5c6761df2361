"""Every Desk request and answer of the sandbox fits the OpenAPI files."""

from __future__ import annotations

from itertools import islice

import pytest

from tests.contract.validate import ContractError, Recorder, check_answer, check_request, operations
from tests.sandbox.client import Client

# operations that the sandbox leaves out: nobody in zdsync calls them
LEFT_OUT = {
    "revokeBlueprint",
    "revokeMany",
    "contracts",
    "supportPlans",
    "customerHappiness",
    "businessHours",
    "holidayList",
    "{holidayListId}",
    "webhooks",
    "bulkExport",
    "{exportId}",
    "downloadBulkExportFile",
}
SPAN = "2024-01-01T00:00:00Z,2027-01-01T00:00:00.000Z"


def _reads(c: Client) -> list[str]:
    state = c.state
    t = c.ticket("Paid Support")
    contact = state.contacts[t.contact_id]
    c.box.tag(t.id, add=["contract"])
    c.box.comment(t.id, "note")
    old, gone = (c.box.create(department_id=t.department_id) for _ in range(2))
    c.box.archive(old.id)
    c.box.trash(gone.id)
    c.box.edit_contact(c.box.create_contact("Gone").id, trashed=True)
    tag = state.tag("contract", 0).id
    agents = ",".join(islice(state.agents, 3))
    one = f"tickets/{t.id}"
    return [
        "organizations",
        "accessibleOrganizations",
        "myinfo",
        "departments",
        "myinfo?include=profile,role,associatedDepartments,associatedChatDepartments",
        "agents?limit=200&include=role,profile",
        f"agentsByIds?agentIds={agents}",
        "agents?status=DISABLED",
        "departments?limit=200&isEnabled=true",
        "teams",
        "fields?module=tickets",
        "organizationFields?module=contacts",
        "fields?module=accounts&apiNames=cf_region",
        "tickets?limit=100",
        "tickets",
        "tickets?include=contacts,products,departments,team,assignee&sortBy=createdTime&limit=5",
        "tickets?fields=subject,status&limit=5",
        f"{one}",
        f"{one}/tags",
        f"{one}/comments",
        f"{one}?include=contacts,products,departments,team,assignee,contract,isRead,skills",
        f"{one}/threads",
        f"{one}/threads/{state.children.threads(t)[0].id}?include=plainText",
        f"{one}/conversations",
        f"{one}/History",
        f"{one}/History?eventFilter=CommentHistory",
        f"{one}/metrics",
        f"{one}/blueprint",
        f"{one}/timeEntry",
        f"{one}/followers",
        f"tickets/search?limit=100&sortBy=-modifiedTime&modifiedTimeRange={SPAN}",
        f"tickets/search?limit=100&from=900&createdTimeRange={SPAN}&sortBy=createdTime",
        "tickets/search?status=${OPEN}&priority=High,Low",
        "tickets/search?tag=contract",
        f"tickets/search?id={t.id}",
        "tickets/search?customField1=cf_outcome:Resolved",
        "tickets/search?ticketNumber=1",
        "tickets/search?_all=refill*",
        f"tickets/archivedTickets?departmentId={t.department_id}",
        "ticketsCount",
        f"ticketsCount?createdTimeRange={SPAN}",
        f"agentsTicketsCount?agentIds={agents}",
        "ticketsCountByFieldValues?field=statusType,status,priority,channel,spam,overDue,escalated",
        f"ticketTags?departmentId={t.department_id}",
        f"tags/{tag}/tickets?include=isRead",
        f"contacts/{contact.id}/tickets?sortBy=-modifiedTime&include=assignee,isRead",
        "contacts?limit=100&include=accounts",
        "contacts?limit=5&fields=modifiedTime,cf",
        f"contacts/{contact.id}?include=accounts,owner",
        f"contacts/contactsByIds?ids={contact.id}",
        f"contacts/search?limit=100&sortBy=modifiedTime&modifiedTimeRange={SPAN}",
        f"contacts/search?email={contact.email}",
        "accounts?limit=100&sortBy=-modifiedTime",
        f"accounts/{contact.account_id}?include=owner",
        "accounts/search?limit=100",
        f"accounts/search?createdTimeRange={SPAN}",
        f"accounts/{contact.account_id}/sla",
        "recycleBin?sortBy=-deletedTime&include=deletedBy,department&limit=100",
        "recycleBin?module=contacts",
        f"agents/{c.agent('IT')}",
        "mailReplyAddress",
        f"departments/{t.department_id}",
    ]


def _writes(c: Client) -> None:
    t, agent = c.ticket("Paid Support"), c.agent("Paid Support")
    one = f"tickets/{t.id}"
    made = c.post(
        "tickets",
        {
            "subject": "New",
            "departmentId": t.department_id,
            "contactId": t.contact_id,
            "cf": {"cf_cid": "7"},
        },
    ).json["id"]
    c.patch(one, {"priority": "High", "assigneeId": agent, "dueDate": "2026-12-01T00:00:00.000Z"})
    c.call(
        "PATCH",
        f"/api/v1/{one}?disableClosureNotification=true",
        {"status": "Closed", "cf": {"cf_outcome": "Resolved"}},
    )
    c.post(f"{one}/associateTag", {"tags": ["Cloud Service", "bug-1"]})
    c.post(f"{one}/dissociateTag", {"tags": ["bug-1"]})
    note = c.post(
        f"{one}/comments", {"content": "hi", "isPublic": False, "contentType": "plainText"}
    ).json["id"]
    c.patch(f"{one}/comments/{note}", {"content": "hi again", "isPublic": False})
    c.post(f"{one}/addFollowers", {"followerIds": [agent]})
    c.post(f"{one}/removeFollowers", {"followerIds": [agent]})
    c.post(
        f"{one}/sendReply",
        {
            "channel": "EMAIL",
            "content": "Hello",
            "contentType": "html",
            "fromEmailAddress": "it@clinic.example",
        },
    )
    there = c.department("Trials")
    c.post(f"{one}/move?departmentId={there}", {"departmentId": there})
    c.post("tickets/markSpam", {"ids": [made], "isSpam": True})
    c.post("tickets/markSpam", {"ids": [made], "isSpam": False})
    c.post("closeTickets", {"ids": [made]})
    c.post("tickets/updateMany", {"ids": [made], "fieldName": "priority", "fieldValue": "Low"})
    c.post(f"{one}/merge", {"ids": [made], "source": {"subject": t.id}})
    c.post("tickets/moveToTrash", {"ticketIds": [t.id]})
    c.get("recycleBin?limit=10")
    c.post("recycleBin/restore", {"ids": [t.id]})
    c.post("contacts/markSpam", {"ids": [t.contact_id], "isSpam": True})


def _refusals(c: Client) -> None:
    t = c.ticket("Support")
    c.patch(f"tickets/{t.id}", {"status": "Closed"})
    c.patch(f"tickets/{t.id}", {"nonsense": 1, "subject": 7})
    c.patch(f"tickets/{t.id}", {})
    c.post(f"tickets/{t.id}/associateTag", {"tags": ["no/slash"]})
    for path in (
        "tickets?bad=1",
        "tickets/search?from=5000&limit=10",
        "tickets/7",
        "nothing",
        "tickets/search?modifiedTimeRange=yesterday",
        "contacts/search?limit=101",
    ):
        assert c.get(path).status in (404, 422), path
    c.get("tickets", orgid="1")
    c.get("tickets", orgid="")
    c.get("tickets", authorization="Bearer x")
    c.get("tickets", authorization="Zoho-oauthtoken x")
    c.call("DELETE", f"/api/v1/tickets/{t.id}")


def test_every_answer_fits_the_contract() -> None:
    recorder = Recorder()
    c = Client(tickets=1200, observer=recorder, count_as_string=True)
    for path in _reads(c):
        assert c.get(path).status in (200, 204), path
    _writes(c)
    _refusals(c)
    assert recorder.problems == []
    missing = {
        op.name
        for op in operations()
        if op.template.rsplit("/", 1)[1] not in LEFT_OUT
        and not any(s.startswith(op.name + " 2") for s in recorder.seen)
    }
    assert missing - {"GET /api/v1/accounts/{accountId}/contracts"} == set()


@pytest.mark.parametrize(
    "knobs",
    [
        {"ids_as_int": True},
        {"millis": False},
        {"subsecond": True},
        {"search_depth": 4999},
        {"contact_search_has_crm_link": "empty"},
        {"contact_search_has_crm_link": "absent"},
        {"account_search_has_crm_link": "full"},
        {"associate_answers": "all"},
        {"spam_in_search": True, "trashed_in_search": True, "archived_in_search": True},
    ],
)
def test_variants_fit_the_contract(knobs: dict[str, object]) -> None:
    recorder = Recorder()
    c = Client(tickets=300, observer=recorder, **knobs)
    for path in _reads(c):
        c.get(path)
    _writes(c)
    assert recorder.problems == []


def test_whole_world_fits_the_contract() -> None:
    """Hostile texts, odd people and every status pass through search pages."""
    recorder = Recorder()
    c = Client(tickets=1000, observer=recorder, search_depth=4999)
    for offset in range(0, 1000, 100):
        c.get(f"tickets/search?limit=100&from={offset}&sortBy=createdTime&createdTimeRange={SPAN}")
        c.get(f"tickets?limit=100&from={offset}")
    assert recorder.problems == []


def test_checker_refuses_what_does_not_fit() -> None:
    check_request("GET", "/api/v1/tickets/search", {"limit": ["100"], "from": ["900"]})
    with pytest.raises(ContractError, match="not declared"):
        check_request("GET", "/api/v1/tickets", {"modifiedTimeRange": [SPAN]})
    with pytest.raises(ContractError, match="limit"):
        check_request("GET", "/api/v1/tickets/search", {"limit": ["101"]})
    with pytest.raises(ContractError, match="body"):
        check_request("PATCH", "/api/v1/tickets/7", {}, {"statusType": "Closed"})
    with pytest.raises(ContractError, match="no such operation"):
        check_request("PUT", "/api/v1/tickets/7", {})
    with pytest.raises(ContractError, match="required property"):
        check_answer("GET", "/api/v1/tickets", 200, {"data": [{"id": "1"}]})
    with pytest.raises(ContractError, match="with a body"):
        check_answer("GET", "/api/v1/tickets", 204, {"data": []})

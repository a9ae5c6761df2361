"""The connectors against the sandbox, with its unknowns set both ways."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import responses

from tests.conftest import FakeClock
from zdsync.connectors import Crm, Desk
from zdsync.errors import Missing, OutcomeUnknown, Refused, TokenRefused, ZohoFailed
from zdsync.model import Span
from zdsync.sandbox import Sandbox, Variant
from zdsync.streams import BY_NAME
from zdsync.transport import Connection, connect

TICKETS = BY_NAME["desk.tickets"]
FIRST = datetime(2015, 1, 1, tzinfo=UTC)


class Portal:
    """A sandbox behind `responses`, and the connectors on it."""

    def __init__(
        self, stack: ExitStack, tmp_path: Path, clock: FakeClock, tickets: int, **more: Any
    ) -> None:
        faults = more.pop("faults", "none")
        self.clock = clock
        self.box = Sandbox(
            tickets=tickets,
            variant=Variant(**more),
            faults=faults,
            now=clock.now,
            sleep=lambda seconds: None,
        )
        mock = stack.enter_context(responses.RequestsMock(assert_all_requests_are_fired=False))
        creds = self.box.register(mock)
        self.org_id = creds["org_id"]
        cache = tmp_path / "token.json"
        self.connection: Connection = connect(token_cache=cache, clock=clock, **creds)
        stack.callback(self.connection.close)
        self.desk = Desk(self.connection.desk, clock)
        assert self.connection.crm
        self.crm = Crm(self.connection.crm, clock)

    def all_ids(self, stream: str, axis: Any, workers: int = 1) -> list[str]:
        span = Span(FIRST, self.clock.now() + timedelta(seconds=1))
        pages = self.desk.search(BY_NAME[stream], axis, span, workers=workers)
        return [row["id"] for page in pages for row in page.rows]

    def shown(self) -> set[str]:
        tickets = self.box.state.tickets.values()
        return {t.id for t in tickets if not (t.spam or t.archived or t.trashed)}


Make = Callable[..., Portal]


@pytest.fixture
def portal(tmp_path: Path, clock: FakeClock) -> Iterator[Make]:
    with ExitStack() as stack:

        def make(tickets: int = 300, **more: Any) -> Portal:
            return Portal(stack, tmp_path, clock, tickets, **more)

        yield make


VARIANTS: list[dict[str, Any]] = [
    {},
    {"range_start": "exclusive", "range_end": "exclusive", "search_from_base": 1, "from_base": 1},
    {"range_start": "exclusive", "count_capped_at": 100, "times": "epoch", "ids_as_int": True},
    {"range_end": "exclusive", "count_as_string": True, "millis": False, "search_depth": 4999},
    {"subsecond": True, "millis": False, "range_start": "exclusive"},
    {"subsecond": True, "list_page_cap": 50, "list_over_cap": "clamp", "from_base": 1},
    {"list_page_cap": 99, "teams_limit": 3, "fields_endpoint": False},
]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("axis", ["created", "modified"])
def test_every_shown_ticket_is_read_once(portal: Make, variant: dict[str, Any], axis: str) -> None:
    at = portal(700, **variant)
    found = at.all_ids("desk.tickets", axis)
    assert len(found) == len(set(found))
    assert set(found) == at.shown()


@pytest.mark.parametrize("variant", VARIANTS)
def test_people_are_read_once(portal: Make, variant: dict[str, Any]) -> None:
    at = portal(700, **variant)
    contacts, accounts = (
        at.all_ids("desk.contacts", "modified"),
        at.all_ids("desk.accounts", "created"),
    )
    linked = [row["id"] for batch in at.desk.links(BY_NAME["desk.contacts"]) for row in batch.rows]
    assert sorted(linked) == sorted(set(linked))
    assert set(contacts) <= set(linked)
    assert {r["id"] for b in at.desk.links(BY_NAME["desk.accounts"]) for r in b.rows} == set(
        accounts
    )
    for name in ("agents", "departments", "teams"):
        rows = [row for batch in at.desk.pages(BY_NAME[f"desk.{name}"]) for row in batch.rows]
        assert len(rows) == len({row["id"] for row in rows}) >= 5
    fields = at.desk.fields("tickets").rows
    status = next(row for row in fields if row["api_name"] == "status")
    assert status["module"] == "tickets"
    assert status["pick_list_values"]


def test_a_mass_update_beyond_the_search_depth_is_read_completely(portal: Make) -> None:
    at = portal(1_600)
    at.clock.sleep(3600)
    ids = sorted(at.shown())
    at.box.mass_update(ids, subject="moved")
    at.clock.sleep(3600)
    span = Span(at.clock.now() - timedelta(hours=1, minutes=5), at.clock.now())
    pages = list(at.desk.search(TICKETS, "modified", span))
    found = [row["id"] for page in pages for row in page.rows]
    assert sorted(found) == ids


def test_a_storm_of_faults_costs_time_and_no_rows(portal: Make) -> None:
    at = portal(400, faults="storm")
    found = at.all_ids("desk.tickets", "created")
    assert set(found) == at.shown()


def test_the_organisation_sets_the_limits(portal: Make) -> None:
    at = portal(10, edition="professional")
    assert at.desk.organization(None).id == at.org_id
    assert at.desk.organization(at.org_id).edition == "professional"
    assert at.connection.desk.budget.concurrency == 15
    with pytest.raises(TokenRefused) as caught:
        at.desk.organization("123")
    assert at.org_id in caught.value.hint


@pytest.mark.parametrize("answers", [404, 204, 422])
def test_a_record_that_is_not_there_is_none(portal: Make, answers: int) -> None:
    at = portal(10, missing_answers=answers)
    assert at.desk.detail(TICKETS, "999999") is None


def test_a_detail_row_carries_what_search_lacks(portal: Make) -> None:
    at = portal(20)
    ticket = min(at.shown())
    row = at.desk.detail(TICKETS, ticket)
    assert row
    assert row["id"] == ticket
    assert "is_trashed" in row
    assert "tag_count" in row


def test_tags_are_added_read_swept_and_removed(portal: Make) -> None:
    at = portal(40)
    first, second = sorted(at.shown())[:2]
    before = set(at.desk.tags_of(first))
    at.desk.add_tags(first, ["Bug report", "UX-UI"])
    at.desk.add_tags(second, ["UX-UI"])
    assert set(at.desk.tags_of(first)) == before | {"Bug report", "UX-UI"}
    departments = [r["id"] for b in at.desk.pages(BY_NAME["desk.departments"]) for r in b.rows]
    used = {tag.name: tag for tag in at.desk.tags_in_use(departments)}
    assert set(at.desk.tickets_of_tag(used["UX-UI"].id)) == {first, second}
    at.desk.remove_tags(first, ["UX-UI", "Bug report"])
    assert set(at.desk.tags_of(first)) == before


def test_a_patch_returns_the_ticket_as_it_is_now(portal: Make) -> None:
    at = portal(20)
    ticket = min(at.shown())
    row = at.desk.patch_ticket(ticket, {"priority": "High"}, notify=False)
    assert (row["id"], row["priority"]) == (ticket, "High")
    with pytest.raises(Missing):
        at.desk.patch_ticket("999999", {"priority": "High"})
    with pytest.raises(Refused) as caught:
        at.desk.patch_ticket(ticket, {"assigneeId": "12345"})
    assert caught.value.fields == ("assigneeId",)


def test_moving_and_marking_spam_touch_that_ticket_only(portal: Make) -> None:
    at = portal(60)
    ticket, other = sorted(at.shown())[:2]
    state = at.box.state
    target = next(d for d in state.departments if d != state.tickets[ticket].department_id)
    at.desk.move_ticket(ticket, target)
    assert state.tickets[ticket].department_id == target
    at.desk.mark_spam(ticket)
    assert state.tickets[ticket].spam
    assert not state.tickets[other].spam
    assert not state.contacts[state.tickets[ticket].contact_id].spam


@pytest.mark.parametrize("kind", ["reset_after", "html"])
def test_a_write_that_broke_after_it_took_effect_is_unknown_and_done_once(
    portal: Make, kind: str
) -> None:
    at = portal(20)
    ticket = min(at.shown())
    at.box.fail_next(r"PATCH .*/tickets/", kind=kind)
    writes = len(at.box.writes)
    with pytest.raises(OutcomeUnknown):
        at.desk.patch_ticket(ticket, {"priority": "High"})
    assert len(at.box.writes) <= writes + 1


@pytest.mark.parametrize("module", ["contacts", "accounts", "leads"])
@pytest.mark.parametrize(
    "variant", [{}, {"crm_zone": "-06:00", "ims_answers": 204, "ims_inclusive": False}]
)
def test_crm_records_are_read_in_full_and_since(
    portal: Make, module: str, variant: dict[str, Any]
) -> None:
    at = portal(700, **variant)
    spec = BY_NAME[f"crm.{module}"]
    batch = at.crm.fields(BY_NAME["crm.fields"], spec.module)
    assert batch is not None
    fields = batch.rows
    names = [row["api_name"] for row in fields]
    custom = frozenset(row["api_name"] for row in fields if row["custom_field"])
    rows = [r for b in at.crm.records(spec, names, custom, None) for r in b.rows]
    assert len(rows) == len({row["id"] for row in rows}) > 5
    assert all(row["owner_id"] and row["modified_time"] for row in rows)
    assert all(set(row["cf"]) == custom for row in rows)
    newest = max(row["modified_time"] for row in rows)
    since = datetime.fromisoformat(newest).replace(tzinfo=UTC)
    fresh = [r for b in at.crm.records(spec, names, custom, since) for r in b.rows]
    assert newest in {row["modified_time"] for row in fresh}
    later = at.clock.now() + timedelta(days=1)
    assert not [r for b in at.crm.records(spec, names, custom, later) for r in b.rows]
    wanted = [row["id"] for row in rows[:3]]
    found = at.crm.by_ids(spec, wanted, names, custom).rows
    assert sorted(row["id"] for row in found) == sorted(wanted)


def test_crm_users_are_all_read(portal: Make) -> None:
    at = portal(50)
    rows = [row for b in at.crm.users(BY_NAME["crm.users"]) for row in b.rows]
    assert len(rows) == len(at.box.state.crm_users)


@pytest.mark.parametrize("status", [401, 403])
def test_crm_fields_that_may_not_be_read_are_none(portal: Make, status: int) -> None:
    scopes = re.sub(r",ZohoCRM\.settings\.fields\.READ", "", Variant().scopes)
    at = portal(50, scopes=scopes, crm_scope_status=status)
    assert at.crm.fields(BY_NAME["crm.fields"], "Contacts") is None
    rows = [
        row
        for b in at.crm.records(BY_NAME["crm.contacts"], (), frozenset(), None)
        for row in b.rows
    ]
    assert rows
    assert all(row["owner_id"] for row in rows)


def test_a_wrong_data_centre_is_told_and_not_retried_for_ever(portal: Make) -> None:
    at = portal(20, crm_dc_refuses=True)
    with pytest.raises(TokenRefused) as caught:
        list(at.crm.users(BY_NAME["crm.users"]))
    assert "ZDSYNC_DC" in caught.value.hint


def test_zoho_down_is_one_error(portal: Make) -> None:
    at = portal(20)
    at.box.fail_next(".*", status=503, times=1000)
    with pytest.raises(ZohoFailed):
        at.all_ids("desk.tickets", "created", workers=3)

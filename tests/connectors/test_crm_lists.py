"""Lists of the CRM that are longer than their cap, and lists that move while they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import FakeClock
from tests.connectors.test_on_sandbox import Portal
from zdsync.connectors import crm_lists
from zdsync.errors import ZohoFailed
from zdsync.sandbox import Variant
from zdsync.streams import BY_NAME

CONTACTS, LEADS = BY_NAME["crm.contacts"], BY_NAME["crm.leads"]
NO_COQL = Variant().scopes.replace(",ZohoCRM.coql.READ", "")
Make = Callable[..., Portal]


@pytest.fixture
def make(tmp_path: Path, clock: FakeClock) -> Iterator[Make]:
    with ExitStack() as stack:

        def one(tickets: int = 3200, **knobs: Any) -> Portal:
            return Portal(stack, tmp_path, clock, tickets, **knobs)

        yield one


def read(at: Portal, since: datetime | None = None, names: tuple[str, ...] = ()) -> list[str]:
    batches = at.crm.records(CONTACTS, names, frozenset(), since)
    return [row["id"] for batch in batches for row in batch.rows]


def credits(at: Portal) -> float:
    return sum(call.credits for call in at.box.calls if call.system == "crm")


@pytest.mark.parametrize("ids", ["any", "quoted", "plain"])
def test_beyond_the_cap_on_tokens_coql_gives_the_ids(make: Make, ids: str) -> None:
    at = make(crm_token_records=200, coql_ids=ids)
    there = at.box.state.crm_contacts
    assert sorted(read(at)) == sorted(there)
    assert len(there) > 400
    beyond = len(there) - 200
    # a list page, the refusal at its end, COQL (perhaps refused once), a call per 100 ids
    assert credits(at) <= 1 + 1 + 2 * 3 + (beyond // 100 + 1)


def test_coql_is_asked_again_where_its_answer_was_lost(make: Make) -> None:
    at = make(crm_token_records=200)
    at.box.fail_next(r"POST .*/coql", status=500, times=2)
    assert sorted(read(at)) == sorted(at.box.state.crm_contacts)


def test_without_coql_windows_of_modified_time_reach_all(make: Make) -> None:
    at = make(crm_token_records=200, scopes=NO_COQL, ims_inclusive=False)
    assert set(read(at)) == set(at.box.state.crm_contacts)


def test_where_nothing_reaches_further_the_message_names_the_scope(make: Make) -> None:
    at = make(crm_token_records=200, scopes=NO_COQL)
    for record in at.box.state.crm_contacts.values():
        record.modified = at.box.at()  # a mass update: all rows share one second
    with pytest.raises(ZohoFailed) as failed:
        read(at)
    assert "ZohoCRM.coql.READ" in failed.value.hint


def test_a_long_incremental_list_keeps_its_since_beyond_the_cap(make: Make) -> None:
    at = make(crm_token_records=200)
    since = at.clock.now() + timedelta(seconds=5)
    at.clock.sleep(60)
    changed = sorted(at.box.state.crm_contacts)[::2]
    for one in changed:
        at.box.crm_edit("Contacts", one, Phone="1")
    assert len(changed) > 200
    assert sorted(read(at, since)) == changed


def test_a_token_that_expires_in_mid_list_leaves_no_gap(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = make()
    pages = 0

    def slow(self: crm_lists._Reach, records: Any) -> None:
        nonlocal pages
        pages += 1
        if pages == 2:
            at.clock.at += timedelta(hours=25)

    monkeypatch.setattr(crm_lists._Reach, "note", slow)
    assert set(read(at)) == set(at.box.state.crm_contacts)
    assert pages > 4


def test_slices_that_end_on_different_pages_are_joined_by_id(make: Make) -> None:
    at = make(tickets=1400)
    there = list(at.box.state.crm_contacts)
    for extra in there[200:]:
        del at.box.state.crm_contacts[extra]
    at.box.crm_edit("Contacts", there[0], **{f"Custom_{n}": n for n in range(60)})
    asked = 0
    get = at.crm._api.get

    def counting(path: str, *args: Any, **more: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked == 2:  # between the slices of one page a record appears
            at.box.crm_create("Contacts", Last_Name="New", Custom_1="x")
        return get(path, *args, **more)

    at.crm._api.get = counting  # type: ignore[method-assign]  # the only way to act in between
    names = ("Last_Name", *(f"Custom_{n}" for n in range(60)))
    found = read(at, names=names)
    assert sorted(found) == sorted(at.box.state.crm_contacts)
    assert len(found) == 201


def test_nothing_new_costs_one_call_however_many_slices(make: Make) -> None:
    at = make(tickets=200)
    names = tuple(f"Custom_{n}" for n in range(120))
    before = len(at.box.calls)
    assert read(at, at.clock.now() + timedelta(hours=1), names) == []
    assert len(at.box.calls) == before + 1


@pytest.mark.parametrize("missing", [204, 400])
def test_a_read_of_one_record_says_whether_it_is_there(make: Make, missing: int) -> None:
    at = make(tickets=200, crm_missing=missing)
    kept, gone = list(at.box.state.crm_contacts)[:2]
    at.box.crm_delete("Contacts", gone, permanent=True)
    assert not at.crm.absent(CONTACTS, kept)
    assert at.crm.absent(CONTACTS, gone)


def test_converted_leads_are_listed_and_found_by_id(make: Make) -> None:
    at = make(tickets=600)
    lead, other = list(at.box.state.crm_leads)[:2]
    at.box.crm_convert(lead)
    rows = [r["id"] for b in at.crm.records(LEADS, (), frozenset(), None) for r in b.rows]
    assert {lead, other} <= set(rows)
    assert [r["id"] for r in at.crm.by_ids(LEADS, [lead], (), frozenset()).rows] == [lead]


def test_a_deleted_feed_that_ends_early_says_so(make: Make) -> None:
    at = make(tickets=3200, crm_deleted_records=200)
    records = list(at.box.state.crm_contacts)
    for one in records[:230]:
        at.box.crm_delete("Contacts", one)
    for one in records[230:250]:
        at.box.crm_delete("Contacts", one, permanent=True)
    feeds = list(at.crm.deleted(CONTACTS, None))
    assert any(feed.cut for feed in feeds)
    assert {one.id for feed in feeds for one in feed.records} >= set(records[230:250])
    whole = make(tickets=600).crm.deleted(CONTACTS, None)
    assert not any(feed.cut for feed in whole)

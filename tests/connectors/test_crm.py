"""CRM lists: more fields than one call takes, page tokens that are lost, renamed modules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from tests.conftest import FakeClock
from zdsync.connectors import Crm
from zdsync.errors import Refused, ZohoFailed
from zdsync.model import Row
from zdsync.streams import BY_NAME
from zdsync.transport import Answer, Api

SPEC = BY_NAME["crm.contacts"]
NAMES = [f"Field_{n}" for n in range(120)]


class FakeCrm:
    """A list of records; page tokens are bound to fields and header, and may be lost once."""

    def __init__(self, rows: int, page: int = 3) -> None:
        self.rows = {
            str(n): {"id": str(n), "Modified_Time": "2026-01-01T00:00:00Z"} for n in range(rows)
        }
        self.page = page
        self.calls: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.lose = 0
        self.edit_after: int | None = None

    def get(self, path: str, params: Mapping[str, Any], **more: Any) -> Answer:
        headers = dict(more.get("headers") or {})
        self.calls.append((path, dict(params), headers))
        names = params["fields"].split(",")
        assert len(names) <= 50
        assert len(params["fields"]) <= 1024
        start = 0
        if "page_token" in params:
            fields, header, at = params["page_token"].split("|")
            if self.lose:
                self.lose -= 1
                raise Refused("token", 400, "EXPIRED_VALUE")
            assert (fields, header) == (names[-1], str(headers))
            start = int(at)
        if len(self.calls) == self.edit_after:
            self.rows["1"]["Modified_Time"] = "2026-02-02T00:00:00Z"
        ids = (
            params["ids"].split(",")
            if "ids" in params
            else list(self.rows)[start : start + self.page]
        )
        data = [self.record(key, names) for key in ids if key in self.rows]
        more_records = "ids" not in params and start + self.page < len(self.rows)
        token = f"{names[-1]}|{headers}|{start + self.page}" if more_records else None
        info = {"more_records": more_records, "next_page_token": token}
        return Answer(200, {"data": data, "info": info}, 1.0, {})

    def record(self, key: str, names: list[str]) -> dict[str, Any]:
        row = self.rows[key]
        found = {n: f"{n} of {key} at {row['Modified_Time']}" for n in names}
        return {**found, "id": key, "Modified_Time": row["Modified_Time"]}


def read(fake: FakeCrm, names: list[str], since: datetime | None = None) -> list[Row]:
    crm = Crm(cast(Api, fake), FakeClock(), {"Contacts": "Patients"})
    batches = crm.records(SPEC, names, frozenset(names), since)
    return [row for batch in batches for row in batch.rows]


def test_slices_of_fields_are_joined_by_id() -> None:
    fake = FakeCrm(7)
    rows = read(fake, NAMES)
    assert [row["id"] for row in rows] == [str(n) for n in range(7)]
    assert all(set(row["cf"]) == set(NAMES) for row in rows)
    assert len(fake.calls) == 9
    assert {path for path, _, _ in fake.calls} == {"/Patients"}


def test_a_record_that_changed_between_two_slices_is_read_again() -> None:
    fake = FakeCrm(3)
    fake.edit_after = 2
    rows = {row["id"]: row for row in read(fake, NAMES)}
    assert len(rows) == 3
    assert {value[-20:] for value in rows["1"]["cf"].values()} == {"2026-02-02T00:00:00Z"}
    assert [params["ids"] for _, params, _ in fake.calls if "ids" in params] == ["1"] * 3


def test_a_lost_page_token_restarts_the_list_instead_of_leaving_a_gap() -> None:
    fake = FakeCrm(7)
    fake.lose = 2
    assert {row["id"] for row in read(fake, NAMES[:5])} == set(fake.rows)
    fake.lose = 9
    with pytest.raises(ZohoFailed, match="page token"):
        read(fake, NAMES[:5])


def test_every_page_carries_the_same_since_a_second_early() -> None:
    fake = FakeCrm(7)
    read(fake, NAMES[:5], datetime(2026, 1, 1, 12, tzinfo=UTC))
    asked = {headers["If-Modified-Since"] for _, _, headers in fake.calls}
    assert asked == {"2026-01-01T11:59:59+00:00"}


def test_without_known_fields_the_modelled_ones_are_asked_for() -> None:
    fake = FakeCrm(1)
    read(fake, [])
    names = fake.calls[0][1]["fields"].split(",")
    assert {"Owner", "Account_Name", "Email", "Modified_Time"} <= set(names)
    assert not any("." in name for name in names)


def test_fields_get_ids_of_ours_for_zoho_may_leave_its_own_out() -> None:
    class Metadata:
        def get(self, path: str, params: Mapping[str, Any], **more: Any) -> Answer:
            fields = [{"api_name": "SLA_Tier", "custom_field": True}, {"api_name": "Email"}]
            return Answer(200, {"fields": fields}, 1.0, {})

    crm = Crm(cast(Api, Metadata()), FakeClock())
    spec = BY_NAME["crm.fields"]
    batches = [crm.fields(spec, "Accounts"), crm.fields(spec, "Contacts")]
    rows = [row for batch in batches if batch for row in batch.rows]
    assert {row["id"] for row in rows} == {
        "Accounts.SLA_Tier",
        "Accounts.Email",
        "Contacts.SLA_Tier",
        "Contacts.Email",
    }

"""How calls end: what is repeated, what is not, and what a message may hold."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import responses

from tests.conftest import FakeClock
from zdsync.errors import (
    CreditsSpent,
    Misconfigured,
    Missing,
    OutcomeUnknown,
    Refused,
    Throttled,
    TokenRefused,
    TooLate,
    ZdsyncError,
    ZohoFailed,
)
from zdsync.transport import Connection, connect, edition_name, new_refresh_token

ACCOUNTS = "https://accounts.zoho.com/oauth/v2/token"
DESK = "https://desk.zoho.com/api/v1"
CRM = "https://www.zohoapis.com/crm/v8"
SECRETS = ("client-secret-1", "1000.refresh-1", "token-1", "token-2")
TOO_MANY = {"errorCode": "TOO_MANY_REQUESTS", "message": "slow"}


@pytest.fixture
def zoho() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def portal(tmp_path: Path, clock: FakeClock, zoho: responses.RequestsMock) -> Iterator[Connection]:
    for number in (1, 2, 3):
        grant(zoho, f"token-{number}")
    found = connect(
        client_id="id",
        client_secret="client-secret-1",
        refresh_token="1000.refresh-1",
        token_cache=tmp_path / "private" / "token.json",
        clock=clock,
        org_id="77",
        edition="standard",
    )
    yield found
    found.close()


def grant(zoho: responses.RequestsMock, token: str) -> None:
    zoho.post(
        ACCOUNTS,
        json={"access_token": token, "expires_in": 3600, "api_domain": "https://www.zohoapis.com"},
    )


def fault(status: int, code: str, **more: Any) -> dict[str, Any]:
    return {"status": status, "json": {"errorCode": code, "message": "words", **more}}


def tokens_made(zoho: responses.RequestsMock) -> int:
    return len([call for call in zoho.calls if call.request.url.startswith(ACCOUNTS)])


def patches(zoho: responses.RequestsMock) -> int:
    return len([call for call in zoho.calls if call.request.method == "PATCH"])


def patch(portal: Connection) -> Any:
    return portal.desk.send("PATCH", "/tickets/1", body={"priority": "High"}, stream="x")


UNKNOWN: list[dict[str, Any]] = [
    {"body": requests.ReadTimeout("late")},
    {"body": requests.ConnectionError("reset")},
    {"body": requests.exceptions.ChunkedEncodingError("half")},
    {"status": 500, "json": {"errorCode": "INTERNAL_SERVER_ERROR", "message": ""}},
    {"status": 502, "body": "<html>bad gateway</html>"},
    {"status": 200, "body": "<html>maintenance</html>"},
    {"status": 302, "headers": {"Location": "https://elsewhere.test/"}},
]


@pytest.mark.parametrize("answer", UNKNOWN)
def test_a_write_of_unknown_outcome_is_never_repeated(
    zoho: responses.RequestsMock, portal: Connection, answer: dict[str, Any]
) -> None:
    zoho.patch(f"{DESK}/tickets/1", **answer)
    with pytest.raises(OutcomeUnknown):
        patch(portal)
    assert patches(zoho) == 1


@pytest.mark.parametrize(
    "answer",
    [
        fault(429, "TOO_MANY_REQUESTS"),
        fault(401, "INVALID_OAUTH"),
        {"body": requests.ConnectTimeout("no way")},
    ],
)
def test_a_write_is_repeated_when_the_refusal_proves_that_nothing_happened(
    zoho: responses.RequestsMock, portal: Connection, answer: dict[str, Any]
) -> None:
    zoho.patch(f"{DESK}/tickets/1", **answer)
    zoho.patch(f"{DESK}/tickets/1", json={"id": "1"})
    assert patch(portal).body == {"id": "1"}
    assert patches(zoho) == 2


def test_promise_6_a_write_that_had_to_wait_past_its_instant_is_not_sent(
    zoho: responses.RequestsMock, portal: Connection, clock: FakeClock
) -> None:
    busy = {**fault(429, "TOO_MANY_REQUESTS"), "headers": {"Retry-After": "7"}}
    zoho.patch(f"{DESK}/tickets/1", **busy)
    zoho.patch(f"{DESK}/tickets/1", json={"id": "1"})
    with pytest.raises(TooLate), portal.desk.until(clock.monotonic() + 5):
        portal.desk.send("PATCH", "/tickets/1", body={}, stream="w")
    assert len([one for one in zoho.calls if one.request.method == "PATCH"]) == 1
    with portal.desk.until(clock.monotonic() + 5):
        portal.desk.send("PATCH", "/tickets/1", body={}, stream="w")
    clock.sleep(60)
    portal.desk.send("PATCH", "/tickets/1", body={}, stream="w")  # no limit outlives its block


def test_promise_6_a_write_that_waits_for_a_token_is_not_sent_late(
    zoho: responses.RequestsMock, portal: Connection, clock: FakeClock
) -> None:
    def refused(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        clock.sleep(6)
        return 401, {}, '{"errorCode": "INVALID_OAUTH", "message": "no"}'

    zoho.add_callback("PATCH", f"{DESK}/tickets/1", callback=refused)
    with pytest.raises(TooLate), portal.desk.until(clock.monotonic() + 5):
        portal.desk.send("PATCH", "/tickets/1", body={}, stream="w")
    assert len([one for one in zoho.calls if one.request.method == "PATCH"]) == 1


def test_a_refused_write_names_the_fields(zoho: responses.RequestsMock, portal: Connection) -> None:
    errors = [{"fieldName": "/assigneeId"}, {"fieldName": "/cf/cf_outcome"}]
    zoho.patch(f"{DESK}/tickets/1", **fault(422, "INVALID_DATA", errors=errors))
    with pytest.raises(Refused) as caught:
        patch(portal)
    assert caught.value.fields == ("assigneeId", "cf.cf_outcome")
    assert (caught.value.status, caught.value.code) == (422, "INVALID_DATA")
    assert patches(zoho) == 1


def test_a_write_to_a_ticket_that_is_gone_is_missing(
    zoho: responses.RequestsMock, portal: Connection
) -> None:
    zoho.patch(f"{DESK}/tickets/1", **fault(404, "URL_NOT_FOUND"))
    with pytest.raises(Missing):
        patch(portal)


@pytest.mark.parametrize("answer", UNKNOWN[:6])
def test_a_read_is_repeated_until_it_works(
    zoho: responses.RequestsMock, portal: Connection, clock: FakeClock, answer: dict[str, Any]
) -> None:
    zoho.get(f"{DESK}/agents", **answer)
    zoho.get(f"{DESK}/agents", json={"data": []})
    assert portal.desk.get("/agents", stream="x").body == {"data": []}
    assert len(clock.slept) == 1


@pytest.mark.parametrize("answer", UNKNOWN)
def test_a_read_that_never_works_ends_as_zoho_failed(
    zoho: responses.RequestsMock, portal: Connection, answer: dict[str, Any]
) -> None:
    zoho.get(f"{DESK}/agents", **answer)
    with pytest.raises(ZohoFailed, match=r"desk\.zoho\.com|desk GET /agents"):
        portal.desk.get("/agents", stream="x")
    assert len(zoho.calls) <= 8


def test_no_token_or_secret_stands_in_an_error_or_a_log_line(
    zoho: responses.RequestsMock, portal: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="zdsync")
    echo = "token-1 client-secret-1 1000.refresh-1 jane@example.com \x1b[31m"
    answers: list[dict[str, Any]] = [
        {"status": 422, "json": {"errorCode": "X", "message": echo}},
        {"status": 403, "json": {"errorCode": "SCOPE_MISMATCH", "message": echo}},
        {"status": 500, "json": {"errorCode": echo, "message": echo}},
        {"status": 200, "body": echo},
        {"body": requests.ConnectionError(echo)},
    ]
    said: list[str] = []
    for number, answer in enumerate(answers):
        zoho.get(f"{DESK}/tickets/{number}", **answer)
        with pytest.raises(ZdsyncError) as caught:
            portal.desk.get(f"/tickets/{number}", stream="x")
        assert caught.value.__cause__ is None
        said += [str(caught.value), caught.value.what, caught.value.hint]
    text = "\n".join([*said, *(record.getMessage() for record in caplog.records)])
    for secret in (*SECRETS, "jane@example.com", "\x1b"):
        assert secret not in text
    assert "zdsync" in caplog.text


def test_requests_carry_the_token_the_portal_and_accept(
    zoho: responses.RequestsMock, portal: Connection
) -> None:
    zoho.get(f"{DESK}/agents", status=204)
    zoho.get(f"{DESK}/organizations", json={"data": []})
    zoho.get(f"{CRM}/users", status=204)
    assert portal.crm
    portal.desk.get("/agents", stream="x")
    portal.desk.get("/organizations", stream="x")
    portal.crm.get("/users", stream="x")
    agents, organizations, users = (call.request.headers for call in list(zoho.calls)[1:])
    assert agents["Authorization"] == "Zoho-oauthtoken token-1"
    assert agents["Accept"] == "application/json"
    assert agents["orgId"] == "77"
    assert "orgId" not in organizations
    assert "orgId" not in users


def test_a_rejected_token_is_refreshed_once_and_then_a_person_must_act(
    zoho: responses.RequestsMock, portal: Connection
) -> None:
    zoho.get(f"{DESK}/agents", **fault(401, "INVALID_OAUTH"))
    with pytest.raises(TokenRefused) as caught:
        portal.desk.get("/agents", stream="x")
    assert "ZDSYNC_DC" in caught.value.hint
    assert "www.zohoapis.com" in caught.value.hint
    assert tokens_made(zoho) == 2


def test_a_fresh_token_that_was_good_and_expired_again_is_refreshed_too(
    zoho: responses.RequestsMock, portal: Connection
) -> None:
    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        token = request.headers["Authorization"].rpartition(" ")[2]
        if token.endswith("token-2"):
            portal.desk.get("/teams", stream="x")  # another thread's call, right before
        if token.endswith(("token-1", "token-2")):
            return 401, {}, '{"errorCode": "INVALID_OAUTH", "message": ""}'
        return 200, {}, '{"data": []}'

    zoho.add_callback(responses.GET, f"{DESK}/agents", callback=answer)
    zoho.get(f"{DESK}/teams", json={"data": []})
    assert portal.desk.get("/agents", stream="x").body == {"data": []}
    assert tokens_made(zoho) == 3


def test_many_threads_with_a_rejected_token_make_one_new_token(
    zoho: responses.RequestsMock, portal: Connection
) -> None:
    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        if request.headers["Authorization"].endswith("token-1"):
            return 401, {}, '{"errorCode": "INVALID_OAUTH", "message": ""}'
        return 200, {}, '{"data": []}'

    zoho.add_callback(responses.GET, f"{DESK}/agents", callback=answer)
    portal.tokens.token()
    threads = [
        threading.Thread(target=lambda: portal.desk.get("/agents", stream="x")) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tokens_made(zoho) == 2


@pytest.mark.parametrize("status", [401, 403])
def test_a_missing_scope_is_named_and_never_retried(
    zoho: responses.RequestsMock, portal: Connection, status: int
) -> None:
    zoho.get(f"{DESK}/tickets/search", **fault(status, "SCOPE_MISMATCH"))
    zoho.get(f"{CRM}/Leads", status=status, json={"code": "OAUTH_SCOPE_MISMATCH", "message": ""})
    assert portal.crm
    with pytest.raises(TokenRefused) as desk:
        portal.desk.get("/tickets/search", stream="x")
    with pytest.raises(TokenRefused) as crm:
        portal.crm.get("/Leads", stream="x")
    assert "Desk.tickets.READ, Desk.search.READ" in desk.value.hint
    assert "ZohoCRM.modules.leads.READ" in crm.value.hint
    assert len(zoho.calls) == 3


def test_a_wrong_portal_points_at_the_setting(
    zoho: responses.RequestsMock, portal: Connection
) -> None:
    zoho.get(f"{DESK}/agents", **fault(403, "OAUTH_ORG_MISMATCH"))
    with pytest.raises(TokenRefused) as caught:
        portal.desk.get("/agents", stream="x")
    assert "ZDSYNC_ORG_ID" in caught.value.hint


def test_too_many_calls_at_once_halve_the_calls_at_once(
    zoho: responses.RequestsMock, portal: Connection
) -> None:
    zoho.get(f"{DESK}/agents", **fault(429, "TOO_MANY_REQUESTS"))
    zoho.get(f"{DESK}/agents", json={"data": []})
    portal.desk.get("/agents", stream="x")
    assert portal.desk.budget.allowed_now == 5
    for _ in range(200):
        portal.desk.get("/agents", stream="x")
    assert portal.desk.budget.allowed_now == 10


@pytest.mark.parametrize(
    "answer",
    [
        fault(429, "THRESHOLD_EXCEEDED"),
        {**fault(429, "TOO_MANY_REQUESTS"), "headers": {"Retry-After": "7200"}},
    ],
)
def test_spent_credits_are_told_at_once(
    zoho: responses.RequestsMock, portal: Connection, clock: FakeClock, answer: dict[str, Any]
) -> None:
    zoho.get(f"{DESK}/agents", **answer)
    with pytest.raises(CreditsSpent) as caught:
        portal.desk.get("/agents", stream="x")
    assert caught.value.retry_at > clock.now()
    assert not clock.slept


def test_crm_429_goes_by_status_and_honours_retry_after(
    zoho: responses.RequestsMock, portal: Connection, clock: FakeClock
) -> None:
    body = {"code": "RATE_LIMIT_EXCEEDED", "message": ""}
    zoho.get(f"{CRM}/users", status=429, json=body, headers={"Retry-After": "7"})
    zoho.get(f"{CRM}/users", status=204)
    assert portal.crm
    portal.crm.get("/users", stream="x")
    assert 7 <= clock.slept[0] <= 8


@pytest.mark.parametrize("status", [200, 400])
def test_token_throttling_waits_and_never_re_authorises(
    zoho: responses.RequestsMock, portal: Connection, clock: FakeClock, status: int
) -> None:
    zoho.reset()
    throttle = {"error": "Access Denied", "error_description": "zu viele", "status": "failure"}
    zoho.post(ACCOUNTS, json=throttle, status=status)
    for _ in range(3):
        with pytest.raises(Throttled):
            portal.desk.get("/agents", stream="x")
    assert tokens_made(zoho) == 1
    clock.sleep(601)
    zoho.reset()
    grant(zoho, "token-9")
    assert portal.tokens.token() == "token-9"


@pytest.mark.parametrize("word", ["invalid_code", "invalid_client", "invalid_client_secret"])
def test_refused_credentials_inside_a_200_are_told(
    zoho: responses.RequestsMock, portal: Connection, word: str
) -> None:
    zoho.reset()
    zoho.post(ACCOUNTS, json={"error": word})
    with pytest.raises(TokenRefused, match=word) as caught:
        portal.desk.get("/agents", stream="x")
    assert "ZDSYNC_" in caught.value.hint


def test_the_token_is_cached_on_disk_for_its_owner_only(
    zoho: responses.RequestsMock, portal: Connection, tmp_path: Path, clock: FakeClock
) -> None:
    assert portal.tokens.token() == "token-1"
    cache = tmp_path / "private" / "token.json"
    assert cache.stat().st_mode & 0o777 == 0o600
    second = connect(
        client_id="id",
        client_secret="client-secret-1",
        refresh_token="1000.refresh-1",
        token_cache=cache,
        clock=clock,
    )
    assert second.tokens.token() == "token-1"
    assert tokens_made(zoho) == 1
    clock.sleep(56 * 60)
    assert second.tokens.token() == "token-2"
    assert portal.tokens.token() == "token-2"
    second.close()


def test_a_damaged_token_cache_costs_one_refresh(
    zoho: responses.RequestsMock, portal: Connection, tmp_path: Path
) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "token.json").write_bytes(b"{broken")
    assert portal.tokens.token() == "token-1"


def test_an_api_domain_is_followed_to_known_hosts_only(
    zoho: responses.RequestsMock, portal: Connection
) -> None:
    zoho.reset()
    zoho.post(ACCOUNTS, json={"access_token": "t", "api_domain": "https://evil.test"})
    portal.tokens.token()
    assert portal.tokens.api_domain is None


def test_a_read_stops_before_the_share_that_is_left_to_others(
    zoho: responses.RequestsMock, portal: Connection, clock: FakeClock
) -> None:
    left = {"X-Rate-Limit-Remaining-v3": "9999", "X-Rate-Limit-Request-Weight-v3": "3"}
    zoho.get(f"{DESK}/agents", json={"data": []}, headers=left)
    zoho.patch(f"{DESK}/tickets/1", json={"id": "1"})
    portal.desk.get("/agents", stream="x")
    with pytest.raises(CreditsSpent) as caught:
        portal.desk.get("/agents", stream="x")
    patch(portal)  # a write that completes an intent is let through
    clock.sleep((caught.value.retry_at - clock.now()).total_seconds())
    portal.desk.get("/agents", stream="x")
    assert [call.credits for call in portal.desk.budget.drain()] == [3.0, 1.0, 3.0]


def test_a_missing_record_is_an_empty_answer_where_that_is_asked_for(
    zoho: responses.RequestsMock, portal: Connection
) -> None:
    for number, answer in enumerate(
        [{"status": 204}, fault(404, "URL_NOT_FOUND"), fault(422, "INVALID_DATA")]
    ):
        zoho.get(f"{DESK}/tickets/{number}", **answer)
        got = portal.desk.get(f"/tickets/{number}", stream="x", absent_ok=True)
        assert got.body is None


@pytest.mark.parametrize("cut", [b"\\ud83d", b"\xf0\x9f"])
def test_half_an_emoji_hides_no_page(
    zoho: responses.RequestsMock, portal: Connection, cut: bytes
) -> None:
    body = b'{"data": [{"id": 1892000000042032001, "subject": "cut ' + cut + b'"}]}'
    zoho.get(f"{DESK}/tickets/search", body=body, content_type="application/json")
    answer = portal.desk.get("/tickets/search", stream="desk.tickets")
    assert answer.body["data"] == [{"id": 1892000000042032001, "subject": "cut \ufffd"}]


def test_large_ids_stay_exact(zoho: responses.RequestsMock, portal: Connection) -> None:
    zoho.get(f"{DESK}/tickets/1", body='{"id": 1892000000143099123}')
    assert portal.desk.get("/tickets/1", stream="x").body["id"] == 1892000000143099123


@pytest.mark.parametrize("url", ["http://desk.zoho.com", "ftp://x", "https://u:p@x", "nonsense"])
def test_a_secret_is_never_sent_in_the_clear(url: str, tmp_path: Path, clock: FakeClock) -> None:
    with pytest.raises(Misconfigured) as caught:
        connect(
            client_id="id",
            client_secret="s",
            refresh_token="r",
            token_cache=tmp_path / "t",
            clock=clock,
            dc="comm",
            desk_url=url,
        )
    assert {p.where for p in caught.value.problems} == {"ZDSYNC_DESK_URL", "ZDSYNC_DC"}


def test_a_code_becomes_a_refresh_token(zoho: responses.RequestsMock, clock: FakeClock) -> None:
    zoho.post(ACCOUNTS, json={"access_token": "a", "refresh_token": "1000.new"})
    zoho.post(ACCOUNTS, json={"error": "invalid_code"})
    given = {"client_id": "id", "client_secret": "s", "code": "1000.code"}
    assert new_refresh_token(**given, clock=clock) == "1000.new"
    with pytest.raises(TokenRefused, match="invalid_code"):
        new_refresh_token(**given, clock=clock)


@pytest.mark.parametrize(
    ("declared", "name"),
    [("FREE_2019", "free"), ("ZOHOONE", "enterprise"), ("STANDARD", "standard"), ("ODD", None)],
)
def test_editions_of_the_portal_are_recognised(declared: str, name: str | None) -> None:
    assert edition_name(declared) == name

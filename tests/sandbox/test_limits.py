"""Laws of tokens, scopes, credits, simultaneous calls and faults."""

from __future__ import annotations

import threading

import pytest

from tests.sandbox.client import Answer, Client
from zdsync.sandbox import Sandbox, Variant
from zdsync.sandbox.limits import depth_price
from zdsync.sandbox.variant import DESK_SCOPES


def test_eleventh_token_in_ten_minutes_is_denied_inside_http_200() -> None:
    c = Client(tickets=20)
    for _ in range(9):
        assert "access_token" in c.login()
    answer = c.oauth(grant_type="refresh_token", refresh_token="1000.sandbox.refresh.0001")
    assert answer.status == 200 and answer.json["error"] == "Access Denied"
    c.clock.tick(minutes=10, seconds=1)
    assert "access_token" in c.login()
    strict = Client(tickets=20, token_throttle_status=400, tokens_per_10_minutes=1)
    assert (
        strict.oauth(grant_type="refresh_token", refresh_token="1000.sandbox.refresh.0001").status
        == 400
    )


def test_wrong_credentials_are_errors_inside_http_200() -> None:
    c = Client(tickets=20)
    for values, error in (
        ({"refresh_token": "x"}, "invalid_code"),
        ({"client_id": "x"}, "invalid_client"),
        ({"client_secret": "x"}, "invalid_client_secret"),
    ):
        answer = c.oauth(**({"grant_type": "refresh_token"} | values))
        assert (answer.status, answer.json["error"]) == (200, error)


def test_self_client_code_is_good_once_and_for_three_minutes() -> None:
    c = Client(tickets=20)
    code = c.box.grant_code("Desk.tickets.READ")
    first = c.oauth(grant_type="authorization_code", code=code).json
    assert first["refresh_token"] and first["scope"] == "Desk.tickets.READ"
    assert first["api_domain"] == "http://sandbox.test"
    assert c.oauth(grant_type="authorization_code", code=code).json["error"] == "invalid_code"
    late = c.box.grant_code()
    c.clock.tick(minutes=4)
    assert c.oauth(grant_type="authorization_code", code=late).json["error"] == "invalid_code"


def test_tokens_expire_and_the_oldest_drops_silently() -> None:
    c = Client(tickets=20, live_tokens=2)
    first = c.token
    c.login()
    c.login()
    assert c.get("departments", authorization=f"Zoho-oauthtoken {first}").code == "INVALID_OAUTH"
    c.clock.tick(hours=1, seconds=1)
    assert c.get("departments").code == "INVALID_OAUTH"
    assert c.crm("org").code == "INVALID_TOKEN"


def test_who_may_call() -> None:
    c = Client(tickets=20, scopes=DESK_SCOPES)
    assert c.get("tickets", authorization="").code == "UNAUTHORIZED"
    assert c.get("tickets", authorization=f"Bearer {c.token}").code == "UNAUTHORIZED"
    assert c.crm("Contacts", authorization="").code == "AUTHENTICATION_FAILURE"
    wrong = c.get("tickets", orgid="123")
    assert (wrong.status, wrong.code) == (403, "OAUTH_ORG_MISMATCH")
    assert c.get("tickets", orgid="").status == 422
    assert c.get("organizations", orgid="").status == 200
    trash = c.post("tickets/moveToTrash", {"ticketIds": ["1"]})
    assert (trash.status, trash.code) == (403, "SCOPE_MISMATCH")
    assert c.crm("Contacts?fields=Email").code == "OAUTH_SCOPE_MISMATCH"
    assert Client(tickets=20, any_scope=False, scopes="Desk.basic.READ").get("teams").status == 403
    assert Client(tickets=20, scopes="Desk.basic.READ").get("teams").status == 200


def test_401_answers_carry_no_rate_headers() -> None:
    c = Client(tickets=20)
    assert not c.get("tickets", authorization="Zoho-oauthtoken x").headers
    assert c.get("tickets").headers["X-Rate-Limit-Request-Weight-v3"] == "3"


@pytest.mark.parametrize(
    ("rows", "price"), [(1, 3), (2000, 3), (2001, 10), (10_000, 10), (10_001, 50), (100_001, 100)]
)
def test_depth_has_its_price(rows: int, price: int) -> None:
    assert depth_price(rows) == price


def test_weights_of_calls() -> None:
    c = Client(tickets=200)
    t = c.ticket()
    for path, weight in (
        ("tickets?limit=100", "3"),
        (f"tickets/{t.id}", "1"),
        ("tickets?from=1990&limit=100", "10"),
        ("contacts/search", "3"),
    ):
        assert c.get(path).headers["X-Rate-Limit-Request-Weight-v3"] == weight
    ids = [i for i, t in c.state.tickets.items() if t.trashed is None and not t.archived][:5]
    c.post("tickets/markSpam", {"ids": ids, "isSpam": True})
    assert c.box.calls[-1].credits == 3


def test_credits_of_the_day_run_out_and_come_back() -> None:
    c = Client(tickets=20, daily_credits=7)
    assert c.get("tickets").headers["X-Rate-Limit-Remaining-v3"] == "4"
    c.get("tickets")
    c.get("tickets")
    answer = c.get("tickets")
    assert (answer.status, answer.code) == (429, "THRESHOLD_EXCEEDED")
    assert 0 < int(answer.headers["Retry-After"]) <= 86400
    c.clock.tick(hours=12)
    c.login()
    assert c.get("tickets").status == 200


def test_crm_tells_its_credits_only_when_half_are_used() -> None:
    c = Client(tickets=20, crm_daily_credits=4)
    assert "X-API-CREDITS-REMAINING" not in c.crm("org").headers
    assert c.crm("org").headers["X-API-CREDITS-REMAINING"] == "2"
    for _ in range(2):
        c.crm("org")
    assert c.crm("org").status == 429


def test_calls_beyond_the_edition_are_429_without_retry_after() -> None:
    started, release = threading.Semaphore(0), threading.Event()

    def sleep(_: float) -> None:
        started.release()
        release.wait(5)

    release.set()  # the login must not wait
    c = Client(tickets=20, concurrency=2, latency=0.1, sleep=sleep)
    release.clear()
    started.acquire()
    answers: list[Answer] = []
    threads = [
        threading.Thread(target=lambda: answers.append(c.get("departments"))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
        started.acquire(timeout=5)
    release.set()
    for thread in threads:
        thread.join(5)
    refused = [a for a in answers if a.status == 429]
    assert [a.code for a in refused] == ["TOO_MANY_REQUESTS"]
    assert "Retry-After" not in refused[0].headers
    assert [call.concurrency for call in c.box.calls] == [1, 2, 3]
    assert c.get("departments").status == 200


def test_planned_faults_hit_their_call_only() -> None:
    c = Client(tickets=20)
    c.box.fail_next(r"GET /api/v1/tickets", status=503, times=2)
    assert [c.get(p).status for p in ("departments", "tickets", "tickets", "tickets")] == [
        200,
        503,
        503,
        200,
    ]
    c.box.fail_next("teams", kind="html")
    assert c.get("teams").text.startswith("<html")
    c.box.fail_next("teams", kind="concurrency429")
    assert c.get("teams").code == "TOO_MANY_REQUESTS"
    c.box.fail_next("teams", kind="credits429")
    assert "Retry-After" in c.get("teams").headers
    assert c.get("teams").status == 200
    c.box.fail_next("teams", kind="expired_token")
    assert c.get("teams").code == "INVALID_OAUTH"
    c.login()
    assert c.get("teams").status == 200
    with pytest.raises(ValueError, match="unknown fault"):
        c.box.fail_next("x", kind="nonsense")


def test_reset_before_has_no_effect_and_reset_after_has_one() -> None:
    c = Client(tickets=50)
    t = c.ticket("Support", priority="Low")
    c.box.fail_next("PATCH", kind="reset_before")
    assert c.patch(f"tickets/{t.id}", {"priority": "High"}).raw.drop
    assert t.priority == "Low" and c.box.writes == []
    c.box.fail_next("PATCH", kind="reset_after")
    assert c.patch(f"tickets/{t.id}", {"priority": "High"}).raw.drop
    assert t.priority == "High" and len(c.box.writes) == 1


def test_storm_hits_often_and_the_same_way() -> None:
    seen = []
    for _ in range(2):
        c = Client(tickets=50, faults="storm", sleep=lambda s: None)
        codes = []
        for _ in range(300):
            answer = c.get("departments")
            codes.append((answer.status, answer.raw.drop))
            if answer.status == 401:
                c.clock.tick(minutes=11)
                c.login()
        seen.append(codes)
    assert seen[0] == seen[1]
    assert 15 < sum(code != (200, False) for code in seen[0]) < 100


def test_variants_are_read_from_words() -> None:
    v = Variant.parse(["search_depth=4999", "times=epoch", "millis=false", "shift_rows=0.5"])
    assert (v.search_depth, v.times, v.millis, v.shift_rows) == (4999, "epoch", False, 0.5)
    for bad in ("nope=1", "search_depth=x", "millis=maybe", "search_depth"):
        with pytest.raises(ValueError, match=bad.split("=", maxsplit=1)[0]):
            Variant.parse([bad])
    with pytest.raises(ValueError, match="unknown edition"):
        Sandbox(tickets=5, variant=Variant(edition="gold"))

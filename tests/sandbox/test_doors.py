"""Laws of the two doors: the same answers, keep-alive, resets, the process."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import responses

from zdsync.sandbox import Sandbox, Variant

ROOT = Path(__file__).parents[2]


def _session(creds: dict[str, str]) -> requests.Session:
    answer = requests.post(
        creds["accounts_url"] + "/oauth/v2/token",
        timeout=5,
        data={
            "grant_type": "refresh_token",
            "client_id": creds["client_id"],
            "client_secret": creds["client_secret"],
            "refresh_token": creds["refresh_token"],
        },
    )
    assert answer.json()["api_domain"] == creds["accounts_url"]
    session = requests.Session()
    session.headers.update(
        {
            "Authorization": "Zoho-oauthtoken " + answer.json()["access_token"],
            "orgId": creds["org_id"],
        }
    )
    return session


def _probe(creds: dict[str, str]) -> list[Any]:
    http = _session(creds)
    ticket = http.get(creds["desk_url"] + "/tickets", params={"limit": 1}, timeout=5).json()
    url = f"{creds['desk_url']}/tickets/{ticket['data'][0]['id']}"
    answers = [
        http.get(creds["desk_url"] + "/tickets/search", params={"subject": "réf…*"}, timeout=5),
        http.get(creds["desk_url"] + "/tickets", params={"from": 10**6}, timeout=5),
        http.patch(url, json={"priority": "High"}, timeout=5),
        http.patch(url, json={"priority": "Nope"}, timeout=5),
        http.get(creds["crm_url"] + "/Contacts", params={"fields": "Email"}, timeout=5),
    ]
    return [(a.status_code, len(a.content) > 0, sorted(a.headers)[:0]) for a in answers]


def test_both_doors_behave_the_same() -> None:
    with Sandbox(tickets=100).serve() as creds:
        over_http = _probe(creds)
    with responses.RequestsMock() as mock:
        over_mock = _probe(Sandbox(tickets=100).register(mock))
    assert over_http == over_mock
    assert [status for status, *_ in over_http] == [204, 204, 200, 422, 200]


def test_http_door_keeps_the_connection_alive_and_stays_on_loopback() -> None:
    with Sandbox(tickets=50).serve() as creds:
        assert creds["desk_url"].startswith("http://127.0.0.1:")
        http = _session(creds)
        for path in ("departments", "tickets?from=100000", "tickets/1"):
            http.get(f"{creds['desk_url']}/{path}", timeout=5)
        pools = http.get_adapter(creds["desk_url"]).poolmanager.pools  # type: ignore[attr-defined]
        assert [pools[key].num_connections for key in pools.keys()] == [1]  # noqa: SIM118


@pytest.mark.parametrize("kind", ["reset_before", "reset_after"])
def test_resets_reach_the_client_as_connection_errors(kind: str) -> None:
    box = Sandbox(tickets=50)
    with box.serve() as creds:
        http = _session(creds)
        box.fail_next("departments", kind=kind)
        with pytest.raises(requests.exceptions.ConnectionError):
            http.get(creds["desk_url"] + "/departments", timeout=5)
        assert http.get(creds["desk_url"] + "/departments", timeout=5).ok
    with responses.RequestsMock() as mock:
        creds = box.register(mock)
        http = _session(creds)
        box.fail_next("departments", kind=kind)
        with pytest.raises(requests.exceptions.ConnectionError):
            http.get(creds["desk_url"] + "/departments", timeout=5)


def test_half_a_request_asks_for_nothing() -> None:
    box = Sandbox(tickets=50)
    ticket = next(iter(box.state.tickets.values()))
    with box.serve() as creds:
        token = _session(creds).headers["Authorization"]
        place = urlsplit(creds["desk_url"])
        head = (
            f"POST {place.path}/tickets/{ticket.id}/move?departmentId={ticket.department_id}"
            f" HTTP/1.1\r\nHost: x\r\nAuthorization: {token!s}\r\norgId: {creds['org_id']}"
            "\r\nContent-Length: 40\r\n\r\n"
        )
        with socket.create_connection((place.hostname or "", place.port or 0), timeout=5) as wire:
            wire.sendall(head.encode() + b'{"departmentId"')
            wire.shutdown(socket.SHUT_WR)
            assert wire.recv(100) == b""
    assert not any(one.path.endswith("/move") for one in box.calls)


def test_slow_answers_run_into_the_timeout() -> None:
    box = Sandbox(tickets=50)
    with responses.RequestsMock() as mock:
        creds = box.register(mock)
        http = _session(creds)
        box.fail_next("teams", kind="slow", delay=30)
        with pytest.raises(requests.exceptions.ReadTimeout):
            http.get(creds["desk_url"] + "/teams", timeout=(1, 5))


def test_other_methods_and_paths_are_answered_too() -> None:
    with Sandbox(tickets=50).serve() as creds:
        http = _session(creds)
        assert http.put(creds["desk_url"] + "/tickets", timeout=5).status_code == 405
        assert http.get(creds["accounts_url"] + "/favicon.ico", timeout=5).status_code == 404


def test_observer_sees_every_call() -> None:
    seen: list[tuple[str, str, int]] = []
    box = Sandbox(tickets=50, observer=lambda m, p, q, h, b, s, a: seen.append((m, p, s)))
    with box.serve() as creds:
        _session(creds).get(creds["desk_url"] + "/teams", timeout=5)
    assert seen == [("POST", "/oauth/v2/token", 200), ("GET", "/api/v1/teams", 200)]
    assert [(c.system, c.endpoint) for c in box.calls] == [("desk", "/api/v1/teams")]


def test_process_prints_credentials_and_ends_on_sigterm() -> None:
    command = [
        sys.executable,
        "-m",
        "zdsync.sandbox",
        "--tickets",
        "30",
        "--variant",
        "search_depth=4999",
        "times=epoch",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        creds = json.loads(process.stdout.readline())
        rows = _session(creds).get(creds["desk_url"] + "/tickets", timeout=5).json()["data"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert isinstance(rows[0]["createdTime"], int)


def test_process_refuses_what_it_does_not_know() -> None:
    command = [sys.executable, "-m", "zdsync.sandbox", "--variant", "nope=1"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=30, cwd=ROOT
    )
    assert done.returncode == 2 and "unknown variant 'nope=1'" in done.stderr


def test_edition_decides_the_budget() -> None:
    free = Sandbox(tickets=20, variant=Variant(edition="free"))
    assert free.api.meters["desk"].budget == 5000 and free.api.meters["desk"].at_once == 5

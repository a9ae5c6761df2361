"""HTTP calls to one system of Zoho, with retries.

Owns `Api`: the only way to Zoho. Promises that a GET is retried, that a write whose outcome is
unknown is never repeated (promise 5), that redirects are not followed, and that no message or
log line holds a token. Must not know what a record looks like.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
import requests

from zdsync.clock import Clock
from zdsync.errors import CreditsSpent, OutcomeUnknown, TokenRefused, TooLate, ZdsyncError
from zdsync.model import Call
from zdsync.transport.account import rest_hint
from zdsync.transport.auth import TokenProvider
from zdsync.transport.budget import Budget, price_of
from zdsync.transport.hosts import host_of
from zdsync.transport.patience import Again, persist
from zdsync.transport.refusal import Asked, Verdict, judge, says_absent
from zdsync.transport.wire import (
    TIMEOUT,
    Bearer,
    decode_body,
    never_sent,
    new_session,
    seconds_of,
    unreachable,
)

log = logging.getLogger(__name__)

Params = Mapping[str, str | int]
_TOKENS = 4  # that one call tries at most; Zoho makes 10 in 10 minutes (desk-people.md 11)
_WITHOUT_ORG = ("/organizations",)  # desk-people.md 1: takes no orgId


@dataclass(frozen=True, slots=True)
class Answer:
    """One good answer. `body` is None where there was none (204, 304, an empty 200)."""

    status: int
    body: Any
    credits: float
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Sending:
    asked: Asked
    url: str
    params: Params
    headers: Mapping[str, str]
    payload: bytes | None
    stream: str
    absent_ok: bool
    latest: float | None = None  # monotonic instant after which it must not be sent

    @property
    def writes(self) -> bool:
        return self.asked.method != "GET"


class Api:
    """Calls one system. Thread-safe; close it when done."""

    def __init__(
        self,
        system: str,
        base: str,
        tokens: TokenProvider,
        budget: Budget,
        clock: Clock,
        *,
        org_id: str | None = None,
    ) -> None:
        self.system = system
        self.budget = budget
        self._base = base.rstrip("/")
        self._tokens = tokens
        self._clock = clock
        self._org_id = org_id
        self._session = new_session(self._base)
        self._latest = threading.local()
        self._taken = ""  # the last token that Zoho accepted

    def use_org(self, org_id: str) -> None:
        """Send this portal id from now on."""
        self._org_id = org_id

    def close(self) -> None:
        """Give the connections back."""
        self._session.close()

    def get(
        self,
        path: str,
        params: Params | None = None,
        *,
        stream: str,
        endpoint: str | None = None,
        headers: Mapping[str, str] | None = None,
        absent_ok: bool = False,
    ) -> Answer:
        """Read; 200, 204 and 304 return. With `absent_ok` a missing record is an empty answer.

        Raises CreditsSpent, without a call, once the share that is left to others is reached.
        """
        asked = self._asked("GET", path, endpoint)
        sending = self._prepare(asked, path, params, stream, headers=headers, absent_ok=absent_ok)
        with self.budget.reading(price_of(self.system, sending.params)):
            return self._persist(lambda: self._attempt(sending))

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: Mapping[str, Any] | None,
        stream: str,
        endpoint: str | None = None,
    ) -> Answer:
        """Write once. OutcomeUnknown if it may have taken effect without a usable answer.

        TooLate where `until` says so. Credits never hold it back: what was read right before it is
        what was booked, and a write under way may use the share that is left to others.
        """
        sending = self._prepare(
            self._asked(method, path, endpoint),
            path,
            params,
            stream,
            body=body,
            latest=getattr(self._latest, "value", None),
        )
        return self._persist(lambda: self._attempt(sending))

    @contextmanager
    def until(self, latest: float) -> Iterator[None]:
        """Within it this thread's writes raise TooLate instead of being sent after `latest`.

        `latest`: monotonic. A write may wait for its turn, for a token, and after a 429.
        """
        self._latest.value = latest
        try:
            yield
        finally:
            self._latest.value = None

    def _asked(self, method: str, path: str, endpoint: str | None) -> Asked:
        return Asked(self.system, method, endpoint or re.sub(r"/\d+(?=/|$)", "/{id}", path))

    def _prepare(
        self,
        asked: Asked,
        path: str,
        params: Params | None,
        stream: str,
        *,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        absent_ok: bool = False,
        latest: float | None = None,
    ) -> _Sending:
        sent = {"Accept": "application/json", **(headers or {})}
        if self.system == "desk" and self._org_id and path not in _WITHOUT_ORG:
            sent["orgId"] = self._org_id
        payload = None
        if body is not None:
            payload = orjson.dumps(dict(body))
            sent["Content-Type"] = "application/json"
        url = self._base + path
        return _Sending(asked, url, params or {}, sent, payload, stream, absent_ok, latest)

    def _persist(self, attempt: Callable[[], Answer]) -> Answer:
        try:
            return persist(attempt, self._clock)
        except Again as again:
            if again.busy and self.system == "crm" and self.budget.allowed_now == 1:
                # Its 429 says not which limit (crm.md 13). One call at a time, refused again and
                # again, cannot be too many at once.
                raise self._rest(again.error, again.wait) from None
            raise again.error from None

    def _rest(self, error: ZdsyncError, wait: float | None) -> CreditsSpent:
        until = self.budget.account.exhausted(wait)
        return CreditsSpent(error.what, until, rest_hint(until))

    def _attempt(self, sending: _Sending) -> Answer:
        """Send once; after a 401 refresh the token and send once more.

        And again, a few times, where Zoho took the fresh token from another thread meanwhile: it
        was good, and expired as the first did.
        """
        token = self._tokens.token()
        for number in range(_TOKENS):
            with self.budget.slot() as taken:
                answer, verdict = self._exchange(sending, token)
            if verdict is None or verdict.action != "token":
                self._taken = token
                break
            if number == _TOKENS - 1 or (number and token != self._taken):
                break
            token = self._tokens.refresh(token)
        if verdict is None:
            self.budget.speed_up()
            return answer
        if verdict.action == "slow":
            self.budget.slow_down(taken)
        return self._refuse(sending, verdict)

    def _refuse(self, sending: _Sending, verdict: Verdict) -> Answer:
        error = verdict.error
        if verdict.action == "rest":
            raise self._rest(error, verdict.wait)
        if sending.absent_ok and says_absent(error):
            return Answer(404, None, 0.0, {})
        if sending.writes and not verdict.sure:
            raise OutcomeUnknown(error.what, "It may have taken effect: look before repeating.")
        if verdict.action in ("slow", "again"):
            raise Again(error, verdict.wait, verdict.action == "slow")
        if isinstance(error, TokenRefused) and verdict.action == "token":
            raise TokenRefused(error.what, error.hint + self._where())
        raise error

    def _where(self) -> str:
        domain = self._tokens.api_domain
        return f" The token was made for {host_of(domain)}." if domain else ""

    def _exchange(self, sending: _Sending, token: str) -> tuple[Answer, Verdict | None]:
        began = self._clock.monotonic()
        if sending.latest is not None and began > sending.latest:
            raise TooLate(f"{sending.asked}: not sent, for it had to wait too long")
        try:
            response = self._session.request(
                sending.asked.method,
                sending.url,
                params=dict(sending.params),
                data=sending.payload,
                headers=dict(sending.headers),
                auth=Bearer(token),
                timeout=TIMEOUT,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            self._record(sending, 0, 0.0, began, None)
            return Answer(0, None, 0.0, {}), _no_answer(sending, error)
        body = decode_body(response.content)
        weight = _credits(self.system, sending, response)
        self._record(sending, response.status_code, weight, began, _left(self.system, response))
        verdict = judge(
            sending.asked,
            response.status_code,
            body,
            retry_after=seconds_of(response.headers.get("Retry-After")),
            secrets=(token, *self._tokens.secrets),
        )
        return Answer(response.status_code, body, weight, response.headers), verdict

    def _record(
        self, sending: _Sending, status: int, weight: float, began: float, left: int | None
    ) -> None:
        spent = int((self._clock.monotonic() - began) * 1000)
        asked = sending.asked
        call = Call(
            at=self._clock.now(),
            stream=sending.stream,
            system=self.system,
            method=asked.method,
            endpoint=asked.endpoint,
            status=status,
            credits=weight,
            milliseconds=spent,
        )
        self.budget.record(call, left)
        log.debug("call=%s status=%d credits=%g ms=%d", asked, status, weight, spent)


def _no_answer(sending: _Sending, error: requests.RequestException) -> Verdict:
    failure = unreachable(sending.url, error)
    return Verdict("again", failure, sure=never_sent(error))


def _left(system: str, response: requests.Response) -> int | None:
    name = "X-Rate-Limit-Remaining-v3" if system == "desk" else "X-API-CREDITS-REMAINING"
    found = seconds_of(response.headers.get(name))
    return None if found is None else int(found)


def _credits(system: str, sending: _Sending, response: requests.Response) -> float:
    weight = seconds_of(response.headers.get("X-Rate-Limit-Request-Weight-v3"))
    if weight is not None:
        return weight
    if response.status_code in (401, 429) or response.status_code >= 500:
        return 0.0
    if system == "crm" and sending.asked.endpoint == "/coql":
        return 3.0  # for the 2,000 rows that we ask (crm.md 8)
    return price_of(system, sending.params)

"""The ledger: what a call costs, how a refusal reads, and what is written down.

Owns credits, rate headers, the call log and the write log. Promises that a refusal comes
in the words of the system that was called. Must not know what the calls do.
"""

from __future__ import annotations

from .call import Call
from .limits import Meter, meters
from .records import CallEntry, Json, WriteEntry
from .state import State
from .wire import Refused, Request, Response, dumps


class Ledger:
    """Meters and logs over one state."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.meters = meters(state.variant, len(state.agents), len(state.crm_users))

    def admit(self, system: str, under_way: int, at: int) -> None:
        """Refuse a call past a limit."""
        meter = self.meters[system]
        if under_way > meter.at_once:
            raise self.too_many(system)
        if meter.remaining(at) <= 0:
            raise self.exhausted(system)

    def too_many(self, system: str) -> Refused:
        """Make the refusal of one call too many at once."""
        if system == "crm":
            return Refused(429, self._state.variant.crm_429_code, "too many requests at once")
        return Refused(
            429,
            "TOO_MANY_REQUESTS",
            "You have exceeded the number of concurrent API calls allowed.",
        )

    def exhausted(self, system: str) -> Refused:
        """Make the refusal of a call without credits."""
        if system == "crm":
            return Refused(429, "TOO_MANY_REQUESTS", "the credits of 24 hours are used up")
        return Refused(429, "THRESHOLD_EXCEEDED", "The API credits of the day are used up.")

    def refused(self, system: str, refusal: Refused, at: int) -> Response:
        """Write a refusal as the system does."""
        if system == "crm":
            body: Json = {
                "code": refusal.code,
                "details": refusal.details,
                "message": refusal.message,
                "status": "error",
            }
        else:
            body = {"errorCode": refusal.code, "message": refusal.message}
            if refusal.errors:
                body["errors"] = refusal.errors
        answer = Response(refusal.status, dumps(body))
        if refusal.code == "THRESHOLD_EXCEEDED":  # DT 1: Retry-After in the daily case only
            answer.headers["Retry-After"] = str(self.meters[system].retry_after(at))
        return answer

    def book(
        self, request: Request, response: Response, entry: CallEntry, call: Call | None, at: int
    ) -> Response:
        """Charge the call, add rate headers and log it."""
        meter = self.meters[entry.system]
        if response.status not in (401, 429):  # DT 1: 401 answers carry no rate headers (3P6)
            entry.credits = call.credits if call and call.credits is not None else 1
            self._rate_headers(entry, response, meter, meter.spend(entry.credits, at))
        self._state.calls.append(entry)
        self._state.call_counts[f"{entry.method} {entry.endpoint}"] += 1
        writes = request.method != "GET" and entry.system == "desk"  # COQL is a read
        if writes and response.status < 300 and call:
            self._state.writes.append(
                WriteEntry(
                    at,
                    request.method,
                    request.path,
                    request.query,
                    call.body or None,
                    response.status,
                    call.ticket_id,
                )
            )
        return response

    def _rate_headers(self, entry: CallEntry, response: Response, meter: Meter, left: int) -> None:
        if entry.system == "desk":
            response.headers["X-Rate-Limit-Request-Weight-v3"] = str(entry.credits)
            response.headers["X-Rate-Limit-Remaining-v3"] = str(left)
        elif left <= meter.budget // 2:  # CRM 13: only once half the budget is used
            response.headers["X-API-CREDITS-REMAINING"] = str(left)

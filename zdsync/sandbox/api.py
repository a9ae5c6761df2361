"""The behaviour core: one call in, one answer out, the same for every door.

Owns the order of checks: fault, limits, token, organisation, scope, parameters, handler.
Promises that a refused call has no effect, and that state is touched by one thread at a
time. Must not know sockets.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from . import (
    desk_bulk,
    desk_children,
    desk_counts,
    desk_meta,
    desk_people,
    desk_read,
    desk_reply,
    desk_search,
    desk_write,
)
from .accounts import TokenServer
from .crm import Crm
from .faults import HTML, Fault, Faults
from .gate import (
    DESK,
    authorised,
    check_crm_scope,
    check_organisation,
    check_scope,
    crm_template,
    json_body,
    route_of,
)
from .limits import Meter, depth_price, meters
from .records import Actor, CallEntry, Json, WriteEntry
from .shapes import Shaper
from .state import State
from .validate import check_body, check_query
from .variant import Variant
from .wire import Call, Refused, Request, Response, Route, dumps

_CRM = "/crm/v8/"
Observer = Callable[[str, str, dict[str, list[str]], dict[str, str], bytes, int, bytes], None]
_MODULES = (
    desk_meta,
    desk_people,
    desk_search,
    desk_read,
    desk_counts,
    desk_write,
    desk_bulk,
    desk_children,
    desk_reply,
)
ROUTES: list[Route] = sorted(
    (route for module in _MODULES for route in module.ROUTES), key=lambda r: r.template.count("{")
)


class Api:
    """Accounts server, Desk and CRM over one state."""

    def __init__(
        self,
        state: State,
        faults: Faults,
        *,
        clock: Callable[[], int],
        latency: float,
        sleep: Callable[[float], None],
        observer: Observer | None,
    ) -> None:
        self.state = state
        variant = self.variant = state.variant
        self.faults = faults
        self.clock = clock
        self.latency = latency
        self.sleep = sleep
        self.observer = observer
        self.tokens = TokenServer(variant)
        self.crm = Crm(state)
        self.shaper = Shaper(state, variant)
        self.meters = meters(variant, len(state.agents), len(state.crm_users))
        self.lock = threading.RLock()

    def handle(
        self, request: Request, base: str, wait: Callable[[float], None] | None = None
    ) -> Response:
        """Answer a call; `base` is the address of the door, `wait` sleeps for it."""
        system = _system(request.path)
        meter = self.meters.get(system)
        with self.lock:
            under_way = meter.enter() if meter else 1
        try:
            with self.lock:
                response = self._guarded(request, system, under_way, base)
            if response.delay:
                (wait or self.sleep)(response.delay)
        finally:
            with self.lock:
                if meter:
                    meter.leave()
        return response

    def _guarded(self, request: Request, system: str, under_way: int, base: str) -> Response:
        at = self.clock()
        fault = self.faults.pick(request.method, request.path)
        response = self._fault_before(request, fault, system, at) if fault else None
        if response is None:
            response = self._answer(request, system, under_way, at, base)
            if self.observer:
                self.observer(
                    request.method,
                    request.path,
                    request.query,
                    request.headers,
                    request.body,
                    response.status,
                    response.body,
                )
        if fault and fault.kind == "reset_after":
            response.drop = True
        response.delay += self.latency
        if fault and fault.kind == "slow":
            response.delay += fault.delay
        return response

    def _fault_before(
        self, request: Request, fault: Fault, system: str, at: int
    ) -> Response | None:
        """Return the answer of a fault that stops the call, else None."""
        match fault.kind:
            case "status":
                body = (
                    fault.body
                    if fault.body is not None
                    else dumps(
                        {
                            "errorCode": "INTERNAL_SERVER_ERROR",
                            "message": "An internal server error occurred",
                        }
                    )
                )
                return Response(fault.status, body)
            case "html":
                return Response(
                    502 if fault.status == 500 else fault.status,
                    fault.body or HTML,
                    {"Content-Type": "text/html"},
                )
            case "reset_before":
                return Response(500, drop=True)
            case "expired_token":
                self.tokens.access.clear()
                return None
            case "concurrency429":
                return self._refuse(system, _too_many(self.variant, system), at)
            case "credits429":
                return self._refuse(system, _exhausted(system), at)
            case _:
                return None

    def _answer(
        self, request: Request, system: str, under_way: int, at: int, base: str
    ) -> Response:
        if system == "accounts":
            return self.tokens.handle(request, at, base)
        if system == "":
            return Response(404, b"<html><body>404</body></html>", {"Content-Type": "text/html"})
        meter = self.meters[system]
        call: Call | None = None
        template = request.path
        try:
            if under_way > meter.at_once:
                raise _too_many(self.variant, system)
            if meter.remaining(at) <= 0:
                raise _exhausted(system)
            call, template, run = self._prepare(request, system, at)
            response = run()
        except Refused as refusal:
            response = self._refuse(system, refusal, at)
        entry = CallEntry(system, request.method, template, 0, response.status, under_way)
        return self._book(request, response, entry, call, at)

    # -- what every call passes

    def _prepare(
        self, request: Request, system: str, at: int
    ) -> tuple[Call, str, Callable[[], Response]]:
        scopes = authorised(self.tokens, self.variant, request, system, at)
        me = self.state.agents[self.state.api_agent]
        call = Call(
            self.state,
            self.variant,
            self.shaper,
            at,
            Actor(me.id, me.name, "Agent"),
            {},
            request.headers,
            origin=request.path,
        )
        if system == "crm":
            path = request.path.removeprefix(_CRM).strip("/")
            check_crm_scope(self.variant, scopes, path)
            call.q = {k: ",".join(v) for k, v in request.query.items()}
            return (
                call,
                "/crm/v8/" + crm_template(path),
                (lambda: self.crm.handle(call, request.method, path)),
            )
        route = route_of(ROUTES, request, call)
        check_organisation(request, route, self.state.org_id)
        check_scope(scopes, route, self.variant.any_scope)
        query = {k: v for k, v in request.query.items() if k != "orgId"}
        call.q = check_query(query, route.params)
        if route.body is not None:
            call.body = check_body(json_body(request, route), route.body)
        self._shift(request, route, at)
        call.depth = 0
        return call, DESK + route.template, lambda: self._run(call, route)

    def _run(self, call: Call, route: Route) -> Response:
        response = route.handler(call)
        if call.credits is None:
            call.credits = depth_price(call.depth) if route.kind == "range" else 1
        return response

    def _shift(self, request: Request, route: Route, at: int) -> None:
        """Let an automation edit a ticket before a ranged read: rows shift between pages."""
        chance = max(self.variant.shift_rows, 0.02 if self.faults.profile == "storm" else 0.0)
        if route.kind != "range" or not self.faults.chance(chance) or not self.state.tickets:
            return
        from .effects import update

        ids = list(self.state.tickets)
        ticket = self.state.tickets[ids[self.faults.choose(len(ids))]]
        if ticket.trashed is None and not ticket.archived:
            update(
                self.state,
                ticket,
                {"category": "General"},
                Actor(None, "Set category", "Workflow"),
                at,
                notify=False,
            )

    # -- what every answer gets

    def _refuse(self, system: str, refusal: Refused, at: int) -> Response:
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

    def _book(
        self, request: Request, response: Response, entry: CallEntry, call: Call | None, at: int
    ) -> Response:
        meter = self.meters[entry.system]
        if response.status not in (401, 429):  # DT 1: 401 answers carry no rate headers (3P6)
            entry.credits = call.credits if call and call.credits is not None else 1
            self._rate_headers(entry, response, meter, meter.spend(entry.credits, at))
        self.state.calls.append(entry)
        self.state.call_counts[f"{entry.method} {entry.endpoint}"] += 1
        if request.method != "GET" and response.status < 300 and call:
            self.state.writes.append(
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


def _system(path: str) -> str:
    if path.startswith("/oauth"):
        return "accounts"
    return "desk" if path.startswith(DESK) else "crm" if path.startswith(_CRM) else ""


def _too_many(variant: Variant, system: str) -> Refused:
    if system == "crm":
        return Refused(429, variant.crm_429_code, "too many requests at once")
    return Refused(
        429, "TOO_MANY_REQUESTS", "You have exceeded the number of concurrent API calls allowed."
    )


def _exhausted(system: str) -> Refused:
    if system == "crm":
        return Refused(429, "TOO_MANY_REQUESTS", "the credits of 24 hours are used up")
    return Refused(429, "THRESHOLD_EXCEEDED", "The API credits of the day are used up.")

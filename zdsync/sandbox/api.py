"""The behaviour core: one call in, one answer out, the same for every door.

Owns the order of checks: fault, limits, token, organisation, scope, parameters, handler.
Promises that a refused call has no effect, and that state is touched by one thread at a
time. Must not know sockets.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from .accounts import TokenServer
from .blocks import check_profile
from .call import Call, Route
from .crm.router import Crm
from .desk.routes import ROUTES
from .effects import update
from .faults import Fault, Faults, broken
from .gate import (
    DESK,
    authorised,
    check_crm_scope,
    check_organisation,
    check_scope,
    crm_body,
    crm_template,
    json_body,
    route_of,
)
from .ledger import Ledger
from .limits import depth_price
from .records import Actor, CallEntry
from .shapes.tickets import Shaper
from .state import State
from .validate import check_body, check_query
from .wire import Refused, Request, Response, no_page, ok

_CRM = "/crm/v8/"
Observer = Callable[[str, str, dict[str, list[str]], dict[str, str], bytes, int, bytes], None]


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
        self.crm = Crm()
        self.shaper = Shaper(state, variant)
        self.ledger = Ledger(state)
        self.meters = self.ledger.meters
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
        response = self._fault_before(fault, system, at) if fault else None
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

    def _fault_before(self, fault: Fault, system: str, at: int) -> Response | None:
        """Return the answer of a fault that stops the call, else None."""
        match fault.kind:
            case "expired_token":
                self.tokens.access.clear()
                return None
            case "concurrency429":
                return self.ledger.refused(system, self.ledger.too_many(system), at)
            case "credits429":
                return self.ledger.refused(system, self.ledger.exhausted(system), at)
            case _:
                return broken(fault)

    def _answer(
        self, request: Request, system: str, under_way: int, at: int, base: str
    ) -> Response:
        if system == "accounts":
            return self.tokens.handle(request, at, base)
        if system == "":
            return no_page()
        call: Call | None = None
        template = request.path
        prepare = self._prepare_crm if system == "crm" else self._prepare_desk
        try:
            self.ledger.admit(system, under_way, at)
            scopes = authorised(self.tokens, self.variant, request, system, at)
            asked = self._call(request, at)
            template, run = prepare(request, scopes, asked)
            call = asked
            response = run()
        except Refused as refusal:
            response = self.ledger.refused(system, refusal, at)
        entry = CallEntry(system, request.method, template, 0, response.status, under_way)
        return self.ledger.book(request, response, entry, call, at)

    # -- what every call passes

    def _call(self, request: Request, at: int) -> Call:
        me = self.state.agents[self.state.api_agent]
        actor = Actor(me.id, me.name, "Agent")
        return Call(
            self.state,
            self.variant,
            self.shaper,
            at,
            actor,
            {},
            request.headers,
            origin=request.path,
        )

    def _prepare_crm(
        self, request: Request, scopes: frozenset[str], call: Call
    ) -> tuple[str, Callable[[], Response]]:
        path = request.path.removeprefix(_CRM).strip("/")
        check_crm_scope(self.variant, scopes, path)
        call.q = {k: ",".join(v) for k, v in request.query.items()}
        call.body = crm_body(request)
        return _CRM + crm_template(path), lambda: self.crm.handle(call, request.method, path)

    def _prepare_desk(
        self, request: Request, scopes: frozenset[str], call: Call
    ) -> tuple[str, Callable[[], Response]]:
        route = route_of(ROUTES, request, call)
        check_organisation(request, route, self.state.org_id)
        check_scope(scopes, route, self.variant.any_scope)
        check_profile(self.variant, route.method, route.template)
        query = {k: v for k, v in request.query.items() if k != "orgId"}
        call.q = check_query(query, route.params)
        if route.body is not None:
            call.body = check_body(json_body(request, route), route.body)
        self._shift(route, call.at)
        call.depth = 0
        return DESK + route.template, lambda: self._run(call, route)

    def _run(self, call: Call, route: Route) -> Response:
        response = route.handler(call)
        if response.status == 204 and route.kind == "range" and self.variant.empty_lists == 200:
            response = ok({"data": []})
        if call.credits is None:
            call.credits = depth_price(call.depth) if route.kind == "range" else 1
        return response

    def _shift(self, route: Route, at: int) -> None:
        """Let an automation edit a ticket before a ranged read: rows shift between pages."""
        chance = max(self.variant.shift_rows, 0.02 if self.faults.profile == "storm" else 0.0)
        if route.kind != "range" or not self.faults.chance(chance) or not self.state.tickets:
            return
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


def _system(path: str) -> str:
    if path.startswith("/oauth"):
        return "accounts"
    return "desk" if path.startswith(DESK) else "crm" if path.startswith(_CRM) else ""

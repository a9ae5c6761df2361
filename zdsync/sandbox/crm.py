"""The CRM, v8, for reading: modules, deleted records, users, org, fields.

Owns the operations of CRM 3 to 7 and 11. Promises the codes of CRM 14. Must not change
state. Handlers here are found by path, because a module is part of it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Any

from . import crm_shapes as shape
from .crm_asks import error, field_names, known, number, order_of, since_of
from .records import CrmRecord, CrmUser
from .state import State
from .times import DAY
from .wire import Call, Response, empty, ok

_PER_PAGE = 200
_TOKEN_MAX = 100_000
_LIST = {
    "fields",
    "page",
    "per_page",
    "page_token",
    "sort_by",
    "sort_order",
    "ids",
    "cvid",
    "converted",
    "territory_id",
    "include_child",
    "approved",
}
_USER_TYPES = (
    "AllUsers",
    "ActiveUsers",
    "DeactiveUsers",
    "ConfirmedUsers",
    "NotConfirmedUsers",
    "DeletedUsers",
    "ActiveConfirmedUsers",
    "AdminUsers",
    "ActiveConfirmedAdmins",
    "CurrentUser",
)


@dataclass(slots=True)
class PageToken:
    """Where a walk goes on, and what it is bound to (CRM 4)."""

    bound: tuple[object, ...]
    after: tuple[Any, str]
    page: int
    seen: int
    until: int


class Crm:
    """Answers /crm/v8; keeps page tokens."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._tokens: dict[str, PageToken] = {}

    def handle(self, c: Call, method: str, path: str) -> Response:
        """Answer one call; `path` is what follows /crm/v8/."""
        parts = path.split("/")
        if method != "GET":
            raise error(400, "INVALID_REQUEST_METHOD", "The http request method type is not valid")
        match parts:
            case ["users"]:
                return self._users(c)
            case ["users", user_id]:
                return self._user(c, user_id)
            case ["org"]:
                return ok({"org": [shape.org(c)]})
            case ["settings", "fields"]:
                return self._fields(c)
            case [module, *rest] if module in shape.MODULES:
                return self._module(c, module, rest)
            case [_] | [_, _]:
                raise error(
                    400,
                    "INVALID_MODULE",
                    "the module name given seems to be invalid",
                    {"resource_path_index": 0},
                )
        raise error(
            404, "INVALID_URL_PATTERN", "Please check if the URL trying to access is a correct one"
        )

    def _module(self, c: Call, module: str, rest: list[str]) -> Response:
        match rest:
            case []:
                return self._list(c, module)
            case ["deleted"]:
                return self._deleted(c, module)
            case ["actions", "count"]:
                return ok({"count": len(self._live(module))})
            case [record_id]:
                return self._one(c, module, record_id)
        raise error(
            404, "INVALID_URL_PATTERN", "Please check if the URL trying to access is a correct one"
        )

    def _store(self, module: str) -> dict[str, CrmRecord]:
        s = self._state
        return shape.records(s, module)

    def _live(self, module: str) -> list[CrmRecord]:
        return [r for r in self._store(module).values() if r.deleted is None]

    # -- lists

    def _list(self, c: Call, module: str) -> Response:
        known(c, _LIST)
        names = field_names(c)
        since = since_of(c)
        size = number(c, "per_page", _PER_PAGE, _PER_PAGE)
        by, order = order_of(c, _KEYS)
        rows = c.state.memo(
            ("crm", module, by, order),
            lambda: sorted(self._live(module), key=_KEYS[by], reverse=order == "desc"),
        )
        rows = self._filtered(c, rows, since)
        # CRM 4: bound to all other parameters and to If-Modified-Since; per_page too
        bound = (module, tuple(names), by, order, size, since, c.q.get("ids"))
        token = self._token(c, bound)
        if token is not None:
            start, page = _after(rows, by, order, token), token.page
        else:
            start, page = self._discrete(c, size)
        part = rows[start : start + size]
        if not part:
            return empty(c.variant.ims_answers if since is not None and page == 1 else 204)
        more = start + size < len(rows)
        seen = (token.seen if token else (page - 1) * size) + len(part)
        info = {
            "call": False,
            "email": False,
            "per_page": size,
            "count": len(part),
            "page": page,
            "sort_by": by,
            "sort_order": order,
            "more_records": more,
            "previous_page_token": None,
            "next_page_token": None,
            "page_token_expiry": None,
        }
        if more:
            new = PageToken(bound, _KEYS[by](part[-1]), page + 1, seen, c.at + DAY)
            info.update(next_page_token=self._keep(new), page_token_expiry=shape.when(c, new.until))
        return ok({"data": [shape.record(c, r, names) for r in part], "info": info})

    def _filtered(self, c: Call, rows: list[CrmRecord], since: int | None) -> list[CrmRecord]:
        if "ids" in c.q:
            wanted = set(c.q["ids"].split(","))
            if len(wanted) > 100:
                raise error(400, "LIMIT_EXCEEDED", "too many ids", {"limit": 100})
            rows = [r for r in rows if r.id in wanted]
        if since is not None:
            least = since if c.variant.ims_inclusive else since + 1000
            rows = [r for r in rows if r.modified - r.modified % 1000 >= least]
        return rows

    def _token(self, c: Call, bound: tuple[object, ...]) -> PageToken | None:
        if "page_token" not in c.q:
            return None
        if "page" in c.q:
            raise error(400, "AMBIGUITY_DURING_PROCESSING", "page and page_token together")
        token = self._tokens.get(c.q["page_token"])
        if token is None:
            raise error(
                400, "INVALID_DATA", "the page token is invalid", {"param_name": "page_token"}
            )
        if token.until <= c.at:
            raise error(400, "EXPIRED_VALUE", "the page token is expired")
        if token.bound != bound:
            raise error(400, "TOKEN_BOUND_DATA_MISMATCH", "the page token belongs to others")
        if token.seen >= _TOKEN_MAX:
            raise error(400, "PAGINATION_LIMIT_EXCEEDED", "limit of 100000 records reached")
        return token

    def _discrete(self, c: Call, size: int) -> tuple[int, int]:
        """Return the first row and the number of a page without token: 2,000 rows at most."""
        page = number(c, "page", 1, None)
        limit = c.variant.crm_page_records
        if page * size > limit:
            raise error(
                400,
                "DISCRETE_PAGINATION_LIMIT_EXCEEDED",
                "request exceeds the discrete pagination limit",
                {"limit": limit},
            )
        return (page - 1) * size, page

    def _keep(self, token: PageToken) -> str:
        name = f"{len(self._tokens) + 1:08}sandboxpagetoken{token.until:x}"
        self._tokens[name] = token
        return name

    def _one(self, c: Call, module: str, record_id: str) -> Response:
        known(c, {"fields", "approved", "converted", "cvid"})
        record = self._store(module).get(record_id)
        if not record_id.isdigit():
            raise error(400, "INVALID_DATA", "the id given seems to be invalid")
        if record is None or record.deleted is not None:
            if c.variant.crm_missing == 400:
                raise error(400, "INVALID_DATA", "the id given seems to be invalid")
            return empty()
        since = since_of(c)
        if since is not None and record.modified < since:
            return empty(304)
        names = c.q["fields"].split(",") if "fields" in c.q else shape.all_names(module)
        return ok({"data": [shape.record(c, record, names)]})

    def _deleted(self, c: Call, module: str) -> Response:
        known(c, {"type", "page", "per_page"})
        kind = c.q.get("type", "all")
        if kind not in ("all", "recycle", "permanent"):
            raise error(400, "PATTERN_NOT_MATCHED", "type is not valid", {"param": "type"})
        since = since_of(c) if c.variant.ims_on_deleted else None
        kept = {"recycle": 60 * DAY, "permanent": 120 * DAY}  # CRM 7
        rows = [
            (r.deleted, r)
            for r in self._store(module).values()
            if r.deleted is not None
            and kind in ("all", r.deleted_kind)
            and (since is None or r.deleted >= since)
            and c.at - r.deleted < kept[r.deleted_kind]
        ]
        rows.sort(key=lambda pair: (pair[0], pair[1].id), reverse=True)
        size, page = number(c, "per_page", _PER_PAGE, _PER_PAGE), number(c, "page", 1, None)
        part = rows[(page - 1) * size : page * size]
        if not part:
            return empty()
        info = {
            "per_page": size,
            "count": len(part),
            "page": page,
            "more_records": page * size < len(rows),
        }
        return ok({"data": [shape.deleted(c, r, at) for at, r in part], "info": info})

    # -- users and metadata

    def _users(self, c: Call) -> Response:
        known(c, {"type", "page", "per_page", "ids"})
        kind = c.q.get("type", "AllUsers")
        if kind not in _USER_TYPES:
            raise error(400, "INVALID_DATA", "type is not valid", {"param_name": "type"})
        rows = [u for u in c.state.crm_users.values() if _user_fits(c, u, kind)]
        since = since_of(c) if c.variant.ims_on_users else None
        if since is not None:
            rows = [u for u in rows if u.modified >= since]
        size, page = number(c, "per_page", _PER_PAGE, _PER_PAGE), number(c, "page", 1, None)
        part = rows[(page - 1) * size : page * size]
        if not part:
            return empty(304 if since is not None else 204)
        info = {
            "per_page": size,
            "count": len(part),
            "page": page,
            "more_records": page * size < len(rows),
        }
        return ok({"users": [shape.user(c, u) for u in part], "info": info})

    def _user(self, c: Call, user_id: str) -> Response:
        found = c.state.crm_users.get(user_id)
        return empty() if found is None else ok({"users": [shape.user(c, found)]})

    def _fields(self, c: Call) -> Response:
        known(c, {"module", "type", "include"})
        module = c.q.get("module")
        if module is None:
            raise error(
                400,
                "REQUIRED_PARAM_MISSING",
                "One of the expected parameter is missing",
                {"param_name": "module"},
            )
        if module not in shape.MODULES:
            raise error(
                400,
                "INVALID_MODULE",
                "the module name given seems to be invalid",
                {"resource_path_index": 0},
            )
        return ok({"fields": shape.fields(c, module)})


_KEYS: dict[str, Any] = {
    "id": lambda r: (r.id, r.id),
    "Created_Time": lambda r: (r.created, r.id),
    "Modified_Time": lambda r: (r.modified, r.id),
}


def _after(rows: list[CrmRecord], by: str, order: str, token: PageToken) -> int:
    """Return the first row past the token: a walk goes on by key, not by offset."""
    key, down = _KEYS[by], order == "desc"
    if down:
        return len(rows) - bisect_left(rows[::-1], token.after, key=key)
    return bisect_right(rows, token.after, key=key)


def _user_fits(c: Call, u: CrmUser, kind: str) -> bool:
    if "ids" in c.q and u.id not in c.q["ids"].split(","):
        return False
    match kind:
        case "ActiveUsers" | "ActiveConfirmedUsers":
            return u.status == "active"
        case "DeactiveUsers":
            return u.status == "disabled"
        case "DeletedUsers":
            return u.status == "deleted"
        case "NotConfirmedUsers":
            return not u.confirm
        case "AdminUsers" | "ActiveConfirmedAdmins" | "CurrentUser":
            return u is next(iter(c.state.crm_users.values()))
        case _:
            return True

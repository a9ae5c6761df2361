"""Which CRM operation a path names; a module is part of the path.

Promises the codes of CRM 14 for unknown paths. Must not change state.
"""

from __future__ import annotations

from ..call import Call
from ..wire import Response
from .asks import check_right, error, no_module, no_url
from .coql import coql
from .fields import fields
from .modules import modules_of
from .records import count, deleted, record, records
from .tokens import PageTokens
from .users import org, user, users


class Crm:
    """Answers /crm/v8; keeps page tokens."""

    def __init__(self) -> None:
        self._tokens = PageTokens()

    def handle(self, c: Call, method: str, path: str) -> Response:
        """Answer one call; `path` is what follows /crm/v8/."""
        if method != ("POST" if path == "coql" else "GET"):
            raise error(400, "INVALID_REQUEST_METHOD", "The http request method type is not valid")
        match path.split("/"):
            case ["users"]:
                return users(c)
            case ["users", user_id]:
                return user(c, user_id)
            case ["org"]:
                return org(c)
            case ["coql"]:
                return coql(c)
            case ["settings", "fields"]:
                return fields(c)
            case [module, *rest] if module in modules_of(c):
                check_right(c, module)
                return self._module(c, module, rest)
            case [_] | [_, _]:
                raise no_module()
        raise no_url()

    def _module(self, c: Call, module: str, rest: list[str]) -> Response:
        match rest:
            case []:
                return records(c, module, self._tokens)
            case ["deleted"]:
                return deleted(c, module)
            case ["actions", "count"]:
                return count(c, module)
            case [record_id]:
                return record(c, module, record_id)
        raise no_url()

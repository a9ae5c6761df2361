"""Page tokens of the CRM: where a walk goes on.

Owns the tokens and their refusals (CRM 4). Must not know records.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..call import Call
from .asks import error


@dataclass(slots=True)
class PageToken:
    """Where a walk goes on, and what it is bound to (CRM 4)."""

    bound: tuple[object, ...]
    after: tuple[Any, str]
    page: int
    seen: int
    until: int


class PageTokens:
    """The tokens that were given out."""

    def __init__(self) -> None:
        self._tokens: dict[str, PageToken] = {}

    def keep(self, token: PageToken) -> str:
        """Give out a token; return its name."""
        name = f"{len(self._tokens) + 1:08}sandboxpagetoken{token.until:x}"
        self._tokens[name] = token
        return name

    def asked(self, c: Call, bound: tuple[object, ...]) -> PageToken | None:
        """Return the token that the call brings, or refuse it."""
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
        limit = c.variant.crm_token_records
        if token.seen >= limit:
            raise error(400, "PAGINATION_LIMIT_EXCEEDED", f"limit of {limit} records reached")
        return token

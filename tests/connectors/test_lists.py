"""Lists give each record once, whatever the base of `from` and the page cap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest

from zdsync.connectors.lists import Sizes, read_list
from zdsync.errors import Refused
from zdsync.transport import Answer, Api


class FakeApi:
    """Answers one list."""

    def __init__(self, rows: int, *, cap: int, refuse: bool, base: int) -> None:
        self.rows, self.cap, self.refuse, self.base = rows, cap, refuse, base
        self.asked: list[dict[str, Any]] = []

    def get(self, path: str, params: Mapping[str, Any], *, stream: str, endpoint: str) -> Answer:
        self.asked.append(dict(params))
        limit = int(params["limit"])
        if limit > self.cap and self.refuse:
            raise Refused("limit", 422, "UNPROCESSABLE_ENTITY")
        start = max(0, int(params["from"]) - self.base) if "from" in params else 0
        found = range(start, min(self.rows, start + min(limit, self.cap)))
        body = {"data": [{"id": number} for number in found]} if found else None
        return Answer(200 if found else 204, body, 3.0, {})


@pytest.mark.parametrize("rows", [0, 1, 49, 50, 51, 99, 100, 101, 200, 201, 437])
@pytest.mark.parametrize("cap", [50, 99, 100, 200])
@pytest.mark.parametrize("refuse", [True, False])
@pytest.mark.parametrize("base", [0, 1])
def test_every_record_comes_once(rows: int, cap: int, refuse: bool, base: int) -> None:
    fake = FakeApi(rows, cap=cap, refuse=refuse, base=base)
    pages = read_list(cast(Api, fake), Sizes(), "/agents", stream="x", most=200)
    assert [r["id"] for page in pages for r in page] == list(range(rows))
    assert "from" not in fake.asked[0]


def test_a_refused_page_size_is_learned_once() -> None:
    fake = FakeApi(120, cap=99, refuse=True, base=0)
    sizes = Sizes()
    list(read_list(cast(Api, fake), sizes, "/agents", stream="x"))
    list(read_list(cast(Api, fake), sizes, "/agents", stream="x"))
    assert [asked["limit"] for asked in fake.asked].count(100) == 1

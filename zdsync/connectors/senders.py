"""The addresses that a portal replies from.

`mailReplyAddress` is third-party knowledge (desk-people.md section 9): its keys are taken as they
come, and it may be there for the portal, by department, or not at all. Must not send.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from zdsync.connectors.lists import Sizes, read_list
from zdsync.errors import Refused, TokenRefused
from zdsync.transport.session import Api

_PATH = "/mailReplyAddress"
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"']+@[^\s<>()\[\],;:\"']+")


class Senders:
    """What a portal shows of its addresses; asked once until told to forget. Thread-safe."""

    def __init__(self, api: Api, sizes: Sizes, departments: Callable[[], Sequence[str]]) -> None:
        self._api = api
        self._sizes = sizes
        self._departments = departments
        self._lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Ask anew when next needed."""
        self._asked: dict[str, frozenset[str] | None] = {}

    def known(self, sender: str = "") -> frozenset[str] | None:
        """The addresses in small letters, as far as `sender` needs them; None: not to be known.

        Empty where the portal shows that it has none.
        """
        with self._lock:
            whole = self._of("")
            if whole and (not sender or sender.casefold() in whole):
                return whole
            parts = [self._of(one) for one in self._departments()]
        shown = (whole or frozenset()).union(*(part or () for part in parts))
        if sender and sender.casefold() in shown:
            return shown
        hidden = whole is None and (not parts or None in parts)
        return None if hidden else shown

    def _of(self, department: str) -> frozenset[str] | None:
        if department not in self._asked:
            self._asked[department] = self._read({"departmentId": department} if department else {})
        return self._asked[department]

    def _read(self, params: Mapping[str, str]) -> frozenset[str] | None:
        try:
            pages = list(
                read_list(
                    self._api, self._sizes, _PATH, stream="desk.mailReplyAddress", params=params
                )
            )
        except (Refused, TokenRefused):
            return None
        return frozenset(one for page in pages for record in page for one in _addresses(record))


def _addresses(found: Any) -> Iterator[str]:
    """Every address in a record, however deep: `Support <support@clinic.example>` too."""
    if isinstance(found, str):
        yield from (one.casefold() for one in _ADDRESS.findall(found))
    elif isinstance(found, Mapping):
        for value in found.values():
            yield from _addresses(value)
    elif isinstance(found, list):
        for value in found:
            yield from _addresses(value)

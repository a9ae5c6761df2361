"""Reads `--as-of` and `--since`. Pure: the present instant is passed in.

Promises aware UTC instants with since before as_of, or Misconfigured with every problem.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from zdsync.errors import Misconfigured, Problem

_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}
_HINT = "write 2026-11-01, 2026-11-01T09:30 (UTC) or 2026-11-01T09:30+01:00"
_LONGEST = timedelta(days=36600)


def read_period(
    as_of: str | None, since: str | None, *, now: datetime, default: timedelta
) -> tuple[datetime, datetime]:
    """Read the instant and the start of the period; `since` is an instant or a span like `7d`.

    A time without an offset is UTC. Spans count back from as_of, in m, h, d or w.
    """
    problems: list[Problem] = []
    end = _read(lambda: _instant(as_of) if as_of else now, "--as-of", as_of, _HINT, problems)
    hint = _HINT + ", or a span: 12h, 7d, 4w"
    start = _read(lambda: _start(since, end or now, default), "--since", since, hint, problems)
    if start and end and start >= end:
        problems.append(Problem("--since", "is not before --as-of", "", since or ""))
    if problems or not (start and end):
        raise Misconfigured("The period of the report cannot be read", problems)
    return end, start


def _read(
    read: Callable[[], datetime], where: str, text: str | None, hint: str, problems: list[Problem]
) -> datetime | None:
    try:
        return read()
    except (ValueError, OverflowError):
        problems.append(Problem(where, "is not an instant", hint, text or ""))
        return None


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text.strip())
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _start(text: str | None, end: datetime, default: timedelta) -> datetime:
    if not text:
        return end - default
    span = re.fullmatch(r"(\d{1,9})([mhdw])", text.strip())
    if not span:
        return _instant(text)
    length = timedelta(seconds=int(span[1]) * _UNITS[span[2]])
    if length > _LONGEST:
        raise ValueError("longer than a century")
    return end - length

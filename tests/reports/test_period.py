"""`--as-of` and `--since`: every way to write them, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from zdsync.errors import Misconfigured
from zdsync.reports import read_period

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
WEEK = timedelta(days=7)


def test_by_default_the_period_ends_now() -> None:
    assert read_period(None, None, now=NOW, default=WEEK) == (NOW, NOW - WEEK)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T09:30", datetime(2026, 11, 1, 9, 30, tzinfo=UTC)),
        ("2026-11-01T09:30+02:00", datetime(2026, 11, 1, 7, 30, tzinfo=UTC)),
        ("2026-11-01T09:30:15Z", datetime(2026, 11, 1, 9, 30, 15, tzinfo=UTC)),
    ],
)
def test_a_time_without_offset_is_utc(text: str, instant: datetime) -> None:
    assert read_period(text, None, now=NOW, default=WEEK) == (instant, instant - WEEK)
    assert read_period(None, text, now=NOW, default=WEEK) == (NOW, instant)


@pytest.mark.parametrize(("text", "hours"), [("90m", 1.5), ("12h", 12), ("3d", 72), ("2w", 336)])
def test_a_span_counts_back_from_as_of(text: str, hours: float) -> None:
    as_of, since = read_period("2026-11-01", text, now=NOW, default=WEEK)
    assert as_of - since == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("as_of", "since", "where"),
    [
        ("yesterday", None, ["--as-of"]),
        (None, "soon", ["--since"]),
        ("x", "y", ["--as-of", "--since"]),
        ("2026-11-01", "2026-11-01", ["--since"]),
        ("2026-11-01", "2026-12-01", ["--since"]),
        (None, "999999999w", ["--since"]),
        (None, "0d", ["--since"]),
    ],
)
def test_every_problem_is_named_at_once(
    as_of: str | None, since: str | None, where: list[str]
) -> None:
    with pytest.raises(Misconfigured) as caught:
        read_period(as_of, since, now=NOW, default=WEEK)
    assert [problem.where for problem in caught.value.problems] == where

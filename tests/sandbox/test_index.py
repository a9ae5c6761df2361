"""Laws of order: after any mix of edits, search and state agree."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sandbox.client import Client
from zdsync.sandbox.index import BASE, TimeIndex
from zdsync.sandbox.records import Account

SPAN = "2024-01-01T00:00:00Z,2027-01-01T00:00:00Z"
_STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "edit",
                "create",
                "trash",
                "restore",
                "purge",
                "tag",
                "spam",
                "archive",
                "reply",
                "mass",
                "merge",
                "wait",
            ]
        ),
        st.integers(0, 10_000),
    ),
    max_size=25,
)


def _step(c: Client, kind: str, n: int) -> None:
    box, ids = c.box, list(c.state.tickets)
    one = ids[n % len(ids)]
    ticket = c.state.tickets[one]
    match kind:
        case "edit":
            box.edit(one, by="customer", subject=f"edit {n}")
        case "create":
            box.create(subject=f"new {n}")
        case "trash" if ticket.trashed is None:
            box.trash(one)
        case "restore" if ticket.trashed is not None:
            box.restore(one)
        case "purge" if len(ids) > 5:
            box.purge(one)
        case "tag":
            box.tag(one, add=[f"tag {n % 5}"], remove=[f"tag {n % 3}"])
        case "spam":
            box.mark_spam(one, n % 2 == 0)
        case "archive":
            box.archive(one)
        case "reply":
            box.reply(one)
        case "mass":
            box.mass_update(ids[:10], priority="High")
        case "merge" if len(ids) > 5:
            box.merge(one, [ids[(n + 1) % len(ids)]])
        case "wait":
            c.clock.tick(seconds=n % 90)


@settings(max_examples=40, deadline=None)
@given(_STEPS, st.booleans())
def test_search_shows_exactly_what_is_visible_once_the_lag_is_over(
    steps: list[tuple[str, int]], lagging: bool
) -> None:
    c = Client(tickets=30, index_lag_seconds=60 if lagging else 0)
    for kind, n in steps:
        _step(c, kind, n)
    c.clock.tick(minutes=5)
    visible = [
        t for t in c.state.tickets.values() if not t.spam and not t.archived and t.trashed is None
    ]
    for axis, attr in (("modifiedTime", "modified"), ("createdTime", "created")):
        answer = c.get(f"tickets/search?limit=100&sortBy={axis}&{axis}Range={SPAN}")
        want = sorted(visible, key=lambda t, attr=attr: (getattr(t, attr), t.id))
        assert [r["id"] for r in answer.rows] == [t.id for t in want]
        for row, ticket in zip(answer.rows, want, strict=True):
            assert row == c.box.api.shaper.search_row(ticket, c.box.at())


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5), st.integers(0, 5))),
    st.integers(0, 5),
    st.integers(0, 5),
)
def test_span_is_the_same_as_filtering(puts: list[tuple[int, int, int]], lo: int, hi: int) -> None:
    index, known = TimeIndex(), {}
    for n, created, modified in puts:
        item = Account(str(BASE + n), "", None, None, None, None, None, None, created, modified)
        index.put(item)
        known[item.id] = item
    assert len(index) == len(known)
    for start in ("inclusive", "exclusive"):
        for end in ("inclusive", "exclusive"):
            left, right = index.span("modified", lo, hi, start, end)
            low, high = lo + (start != "inclusive"), hi - (end != "inclusive")
            assert right - left == sum(low <= a.modified <= high for a in known.values())

"""What a backfill by several workers costs: pages, and rounds of calls until the last one ends.

One round is one call of each worker; with equal answer times the wall time is the rounds.
"""

from __future__ import annotations

import math
import random
from datetime import timedelta

import pytest

from tests.connectors.fake import START, FakeSearch
from zdsync.connectors.spans import Ground, Reader, Share
from zdsync.model import Span

WORKERS = 5
ROWS = 20_000
YEARS = 730 * 86_400


def times(kind: str, seed: int, many: int = ROWS) -> list[float]:
    """Creation times over two years."""
    rng = random.Random(seed)

    def one() -> float:
        match kind:
            case "even":
                return rng.random()
            case "growing":
                return math.log1p(rng.random() * math.expm1(3)) / 3
            case "exploding":
                return math.log1p(rng.random() * math.expm1(5)) / 5
            case "shrinking":
                return 1 - math.log1p(rng.random() * math.expm1(3)) / 3
            case "office":
                while True:
                    at = rng.random() * YEARS
                    weekend, night = (at // 86_400) % 7 >= 5, not 8 <= (at % 86_400) / 3600 < 18
                    if rng.random() < (0.1 if weekend else 1) * (0.05 if night else 1):
                        return at / YEARS
            case "late":
                return 0.8 + 0.2 * rng.random()
            case _:  # a third comes from an import within one day
                return rng.random() / 730 if rng.random() < 1 / 3 else rng.random()

    return sorted(float(int(one() * YEARS)) for _ in range(many))


def simulate(fake: FakeSearch, span: Span, workers: int) -> tuple[int, int, list[str]]:
    """Return calls, rounds and the ids handed out; a crowded second keeps its worker busy."""
    ground = Ground(fake.fetch, "created", lambda: (), Span(START, START + timedelta(days=4000)))
    share = Share(ground, span, workers)
    handed: list[str] = []

    def advance(reader: Reader) -> int:
        before = len(fake.calls)
        for page in reader.advance():
            handed.extend(row["id"] for row in page.rows)
        return len(fake.calls) - before

    rounds = advance(share.readers[0])
    crew: list[tuple[Reader | None, int]] = [(reader, 0) for reader in share.split_first()]
    while crew:
        rounds += 1
        following: list[tuple[Reader | None, int]] = []
        for reader, busy in crew:
            if busy:
                following.append((reader, busy - 1))
            elif reader:
                spent = advance(reader)
                following.append((share.steal() if reader.done else reader, max(0, spent - 1)))
        crew = [(reader, busy) for reader, busy in following if reader or busy]
    return len(fake.calls), rounds, handed


@pytest.mark.parametrize("kind", ["even", "growing", "exploding", "shrinking", "office", "late"])
@pytest.mark.parametrize("years_before", [0, 20])
def test_twenty_thousand_tickets_cost_at_most_206_pages_and_little_waiting(
    kind: str, years_before: int
) -> None:
    rows = times(kind, 1)
    fake = FakeSearch([(at, at) for at in rows])
    low = START - timedelta(days=365 * years_before)
    high = START + timedelta(seconds=rows[-1] + 900)
    pages, rounds, handed = simulate(fake, Span(low, high), WORKERS)
    assert len(handed) == len(set(handed)) == ROWS
    assert pages <= 206
    assert rounds <= 1.15 * pages / WORKERS


@pytest.mark.parametrize("kind", ["growing", "office"])
def test_a_large_backfill_ends_for_all_workers_at_about_the_same_time(kind: str) -> None:
    many, workers = 120_000, 10
    rows = times(kind, 1, many)
    fake = FakeSearch([(at, at) for at in rows])
    high = START + timedelta(seconds=rows[-1] + 900)
    pages, rounds, handed = simulate(fake, Span(START, high), workers)
    assert len(handed) == len(set(handed)) == many
    assert pages <= 1.03 * many / 100
    assert rounds <= 1.04 * pages / workers


def test_an_import_within_one_day_costs_a_tenth_more_at_most() -> None:
    rows = times("import", 1)
    fake = FakeSearch([(at, at) for at in rows])
    pages, rounds, handed = simulate(fake, Span(START, START + timedelta(days=731)), WORKERS)
    assert len(handed) == ROWS
    assert pages <= 220
    assert rounds <= 1.15 * pages / WORKERS


def test_a_small_walk_is_not_split() -> None:
    fake = FakeSearch([(float(n * 600), 0.0) for n in range(350)])
    pages, _, handed = simulate(fake, Span(START, START + timedelta(days=5)), WORKERS)
    assert len(handed) == 350
    assert pages <= 4

"""`zdsync backtest` over one open mirror: the period, the sample and its price, what is kept.

Has no method of its own (backtest/ has it). Knows no screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from zdsync.backtest import Backtest, Sample, backtest, keep
from zdsync.backtest.sample import SEED, draw, readable
from zdsync.connectors.history import CREDITS
from zdsync.errors import MirrorFailed
from zdsync.pull import Allowance
from zdsync.reports import read_period
from zdsync.sql import Sql

if TYPE_CHECKING:
    from zdsync.workplace import Run, Workplace

PERIOD = timedelta(days=90)
_PAGES = 2  # of History a ticket may have on average before a sample without a price is cut


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks: `since` as typed, one rule, a sample by size or by its price."""

    since: str | None = None
    rule: str | None = None
    sample: int | None = None
    credits: float | None = None
    seed: int = SEED


def look_back(place: Workplace, run: Run, asked: Asked) -> Backtest:
    """Try the rules on the past of this mirror, and keep what came of it."""
    until = _as_of(run)
    _, since = read_period(None, asked.since, now=until, default=PERIOD)
    flow = place.flow(run)
    rules = place.rulebook.load(flow.portal, asked.rule)
    sample = _sample(place, run, asked, since, until)
    found = backtest(
        run.mirror,
        rules,
        flow.portal,
        since=since,
        until=until,
        only=asked.rule,
        sample=sample,
        unfit=flow.evaluator.untried(rules, until),
        owner_map=flow.evaluator.owner_map,
    )
    keep(run.mirror, found, place.clock.now())
    return found


def _as_of(run: Run) -> datetime:
    at = run.mirror.rows(Sql("SELECT as_of FROM zdsync.as_of"))[0][0]
    if at is None:
        raise MirrorFailed("the mirror holds no tickets yet", "run zdsync pull first")
    made: datetime = at.replace(tzinfo=UTC)
    return made


def _sample(
    place: Workplace, run: Run, asked: Asked, since: datetime, until: datetime
) -> Sample | None:
    """Draw the sample and read its History within the price; None where none is asked for."""
    if asked.sample is None and asked.credits is None:
        return None
    price = asked.credits if asked.credits is not None else CREDITS * _PAGES * (asked.sample or 0)
    count = asked.sample if asked.sample is not None else int(price // CREDITS)
    drawn = draw(run.mirror, since, until, count, asked.seed)
    allowance = Allowance(price)
    place.past(run).whole(drawn.unread, allowance)
    credits = price - allowance.left
    tickets = readable(run.mirror, drawn.tickets)
    return Sample(count, tickets, drawn.of, asked.seed, round(credits / CREDITS), credits)

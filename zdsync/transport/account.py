"""The account of one system's credits: what was spent, what is left to us, until when to rest.

Promises that no read is booked which would touch the share left to others, whether Zoho tells
what is left (X-Rate-Limit-Remaining-v3, X-API-CREDITS-REMAINING) or nothing at all: then our own
spending counts, that of earlier runs of the window too. Must not know HTTP or a database.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from zdsync.clock import Clock
from zdsync.errors import CreditsSpent
from zdsync.transport.window import Day, Window, next_utc_midnight

log = logging.getLogger(__name__)

_SHORTEST = timedelta(minutes=1)  # no rest is shorter: it must not become a hot loop
_RISE = 1_000  # answers overtake one another; only more than this means that credits were bought
_DAILY = 50_000  # the edition is not known: standard (interface.md)
_JUST_NOW = timedelta(minutes=10)
_PATIENCE = 60.0  # seconds to wait for the one call that looks whether credits are back


@dataclass(frozen=True, slots=True)
class Standing:
    """How an account stands, to be kept between runs.

    `spent`: our own credits in the window. `left`: what Zoho told at `told_at`, None where it
    never did. `daily`: credits of a whole window; `most`: what Zoho showed that there are.
    """

    spent: float = 0.0
    left: int | None = None
    told_at: datetime | None = None
    daily: int = 0
    most: int = 0
    rest_until: datetime | None = None


class Account:
    """Credits of one system; thread-safe.

    `half_told`: the header appears once half of the credits are used (crm.md 13).
    """

    def __init__(
        self,
        system: str,
        clock: Clock,
        window: Window,
        *,
        daily: int | None,
        reserve: float,
        half_told: bool = False,
    ) -> None:
        self._name = {"desk": "Desk", "crm": "CRM"}.get(system, system)
        self._clock = clock
        self._window = window
        self._table = daily
        self.reserve = reserve
        self._half_told = half_told
        self._gate = threading.Condition()
        self._began = window.start(clock.now())
        self._at = Standing()
        self._promised = 0.0
        self._looking: Literal["no", "due", "out"] = "no"  # one call looks whether credits are back
        self._untold_at: datetime | None = None  # when a good answer came without the header
        self.ever = 0.0  # credits of all calls since this object was made

    # -- what is known ------------------------------------------------------------------------

    def set_daily(self, daily: int) -> None:
        """Take the credits of a window from the edition."""
        with self._gate:
            self._table = daily

    def resume(self, kept: Standing) -> None:
        """Go on from what earlier runs and other processes spent and saw."""
        with self._gate:
            now, mine = self._clock.now(), self._at
            self._began = self._window.start(now)
            last = max((mine, kept), key=lambda one: one.told_at or self._began)
            fresh = last.told_at is not None and last.told_at >= self._began
            rests = [one for one in (kept.rest_until, mine.rest_until) if one and one > now]
            self._at = Standing(
                spent=kept.spent,
                left=last.left if fresh else None,
                told_at=last.told_at if fresh else None,
                most=max(mine.most, kept.most),
                rest_until=max(rests, default=None),
            )

    def began(self, now: datetime) -> datetime:
        """When the window that holds `now` began."""
        return self._window.start(now)

    def standing(self) -> Standing:
        """What to keep for the next run."""
        with self._gate:
            return replace(self._at, daily=self.daily)

    @property
    def daily(self) -> int:
        """Credits of a whole window, as far as known."""
        if self._half_told or self._table is None:
            return self._at.most or self._table or _DAILY
        return max(self._table, self._at.most)

    @property
    def allowance(self) -> float:
        """Credits of a whole window that are ours: the reserve is left to others."""
        return (1 - self.reserve) * self.daily

    @property
    def left(self) -> int | None:
        """Credits left as Zoho told last in this window; None where it did not."""
        return self._at.left

    def resting(self) -> datetime | None:
        """Until when nothing is read; None while there are credits."""
        with self._gate:
            until = self._at.rest_until
            return until if until and until > self._clock.now() else None

    def room(self) -> float:
        """Credits that we may still spend in this window."""
        with self._gate:
            self._turn(self._clock.now())
            return self._room()

    def ends(self) -> datetime:
        """When the window ends."""
        return self._window.end(self._clock.now())

    # -- calls --------------------------------------------------------------------------------

    def book(self, price: float) -> None:
        """Set the price of a read aside before it is sent. Raises CreditsSpent."""
        with self._gate:
            self._turn(self._clock.now())
            while self._looking == "out":
                if not self._gate.wait(_PATIENCE):
                    break
            if self._looking == "due":
                self._looking = "out"
            elif self._at.rest_until is not None:
                raise self._spent()
            elif self._room() - self._promised < price:
                now = self._clock.now()
                told = self._at.left is not None
                self._rest(self._look_at(now) if told else self._window.end(now))
                raise self._spent()
            self._promised += price

    def release(self, price: float) -> None:
        """Give back what was set aside: the read is done, and recorded with what it cost."""
        with self._gate:
            self._promised -= price
            if self._looking == "out":
                self._looking = "no"
            self._gate.notify_all()

    def note(self, credits: float, left: int | None, *, good: bool) -> None:
        """Record what a call cost, and what is left if the answer told it."""
        with self._gate:
            now = self._clock.now()
            self._turn(now)
            self.ever += credits
            self._at = replace(self._at, spent=self._at.spent + credits)
            if left is not None:
                self._learn(left, now)
                known = self._at.left
                newer = known is None or left < known or left > known + _RISE
                self._at = replace(self._at, left=left if newer else known, told_at=now)
            elif good:
                self._untold_at = now
                if self._half_told:  # no header: more than half is left
                    self._at = replace(self._at, left=None, told_at=None)

    def exhausted(self, wait: float | None) -> datetime:
        """Zoho refused a call for want of credits: rest. `wait`: seconds that it asked for."""
        with self._gate:
            now = self._clock.now()
            asked = self._look_at(now) if wait is None else now + timedelta(seconds=wait)
            if self._at.left is not None and not self._half_told:
                self._at = replace(self._at, left=0)  # what was told before is not so any more
            return self._rest(max(asked, now + _SHORTEST))

    # -- inside the lock ----------------------------------------------------------------------

    def _room(self) -> float:
        kept = self.reserve * self.daily
        if self._at.left is not None:
            return self._at.left - kept
        return self.daily - kept - self._at.spent

    def _learn(self, left: int, now: datetime) -> None:
        """Credits may be bought beyond the edition's; a header that appears means one half."""
        if not self._half_told:
            self._at = replace(self._at, most=max(self._at.most, left))
        elif self._untold_at is not None and now - self._untold_at < _JUST_NOW:
            self._at = replace(self._at, most=2 * left)
        self._untold_at = None

    def _turn(self, now: datetime) -> None:
        """Begin a new window or end a rest: what was told before counts no more."""
        start = self._window.start(now)
        rested = self._at.rest_until is not None and now >= self._at.rest_until
        turned = isinstance(self._window, Day) and start > self._began
        if turned:
            self._began = start
            self._at = replace(self._at, spent=0.0)
        if rested or (turned and self._at.left is not None):
            self._at = replace(self._at, rest_until=None, left=None, told_at=None)
            self._looking = "due"

    def _look_at(self, now: datetime) -> datetime:
        """The window's end, or where it may end if the day is not that of the data centre."""
        end = self._window.end(now)
        return min(end, next_utc_midnight(now)) if isinstance(self._window, Day) else end

    def _rest(self, until: datetime) -> datetime:
        if self._at.rest_until is None or until > self._at.rest_until:
            self._at = replace(self._at, rest_until=until)
            log.warning(
                "credits=%s rest_until=%s left=%s spent=%.0f daily=%d reserve=%g",
                self._name,
                until.isoformat(timespec="seconds"),
                "unknown" if self._at.left is None else self._at.left,
                self._at.spent,
                self.daily,
                self.reserve,
            )
            return until
        return self._at.rest_until

    def _spent(self) -> CreditsSpent:
        until = self._at.rest_until
        assert until is not None
        if self._at.left is None:
            told = f"zdsync spent {self._at.spent:,.0f} {self._name} credits {self._window.words}"
        else:
            told = f"{self._at.left:,} {self._name} API credits are left {self._window.words}"
        what = f"{told}; {self.reserve:.0%} of {self.daily:,} are kept for others"
        return CreditsSpent(what, until, rest_hint(until))


def rest_hint(until: datetime) -> str:
    """Say until when nothing is read, and what goes on meanwhile."""
    return (
        f"zdsync rests until {until:%Y-%m-%d %H:%M} UTC; reports, sql, plan and status go on. "
        "ZDSYNC_CREDIT_RESERVE is the share kept for others, ZDSYNC_EDITION the portal's edition."
    )

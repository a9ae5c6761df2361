"""Fifty rules over 1,000,000 mirrored tickets, 200,000 of them open; then over 15,000 open ones.

Three of the rules are taxonomies of 33 labels (fifty.yaml); letters in six languages, two of five
in HTML (letters.py). The first plan finds nothing kept. Before the next ticks plans are
written into the mirror, as applying them would: a tick with 200,000 changes still to do is no tick.
Each step is a process of its own. CPU time stands beside the wall's, for other work on the machine
shows in the wall's alone.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from typing import Any

from bench.measure import Took, run
from bench.rows import Figure

TICKETS, FEW, CHANGED = 1_000_000, 15_000, 1_000
ROUNDS = 4  # of applying, until what is left are rules that want the contrary of one another
SHARE = 500  # open tickets that the usual way judges


def figures() -> Iterator[Figure]:
    """Fill a mirror, plan with nothing kept, after a thousand changes, and with few open."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("ZDSYNC_BENCH_DIR")) as folder:
        _step("fill", folder, TICKETS)
        floor = _said(_step("floor", folder))[0]
        took, first = _planned(folder)
        name = f"nothing kept: {first['rules']} rules, {first['changes']:,} changes"
        yield Figure(name, _times(first), "25 s", floor)
        yield Figure("its peak memory", f"{took.peak_mb:.0f} MB", "1,024 MB", "")
        for _ in range(ROUNDS):
            _step("settle", folder)
        yield from _ticks(folder, "200,000 open", "3 s", floor)
        usual = json.loads(_step("usual", folder, SHARE).out)
        _step("few", folder, FEW)
        few = _said(_step("floor", folder))[0]
        yield from _ticks(folder, "15,000 open", "2 s", few)
    pairs = TICKETS / 5 * first["rules"] / first["wall"]
    yield Figure("tickets x rules a second, nothing kept", f"{pairs:,.0f}", "", "")
    slow = usual["tickets"] * usual["rules"] / usual["wall"]
    spoken = f"rule-engine, {usual['tickets']:,} tickets, {usual['expressions']} expressions"
    yield Figure(f"the usual way: {spoken}", f"{slow:,.0f}", "", _times(usual))


def _ticks(folder: str, what: str, goal: str, floor: str) -> Iterator[Figure]:
    """Plan after a quiet time, and after a thousand tickets got another text."""
    _planned(folder)
    _, still = _planned(folder)
    yield Figure(f"{what}: nothing changed, {still['changes']:,} changes", _times(still), "", floor)
    _step("change", folder, CHANGED)
    took, tick = _planned(folder)
    name = f"{what}: {CHANGED:,} changed, {tick['changes']:,} changes"
    yield Figure(name, _times(tick), goal, floor)
    yield Figure("its peak memory", f"{took.peak_mb:.0f} MB", "", "")


def _planned(folder: str) -> tuple[Took, dict[str, Any]]:
    took = _step("plan", folder)
    return took, json.loads(took.out)


def _said(took: Took) -> tuple[str, dict[str, Any]]:
    found = json.loads(took.out)
    return _times(found), found


def _times(found: dict[str, Any]) -> str:
    return f"{found['wall']:.2f} s, CPU {found['cpu']:.2f} s"


def _step(name: str, folder: str, number: int = 0) -> Took:
    took = run(["-m", "bench.ruling", name, folder, str(number)])
    assert took.code == 0, f"{name}: {took.out}"
    return took

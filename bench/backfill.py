"""200,000 tickets backfilled from a Zoho that takes 300 ms an answer and ten calls at once.

Beside it the same pages fetched and thrown away (the floor), and the usual way: an offset walk
with an INSERT a row, of which a share is measured and the rest reckoned at that rate.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import duckdb

from bench.measure import Took, run, sandbox, settings
from bench.rows import Figure

TICKETS = 200_000
LATENCY_MS = 300
EDITION, AT_ONCE = "standard", 10  # the least that has the credits for so many; its calls at once
PAGE = 100
USUAL_SECONDS = 30  # so long the usual way is measured


def figures() -> Iterator[Figure]:
    """Pull once, then fetch as many pages of the same rows and throw them away."""
    with (
        tempfile.TemporaryDirectory() as folder,
        sandbox(TICKETS, latency_ms=LATENCY_MS, edition=EDITION) as creds,
    ):
        env = settings(creds, folder) | {"ZDSYNC_EDITION": EDITION}
        before = run(["-m", "zdsync", "pull", "desk.departments"], env)
        pulled = run(["-m", "zdsync", "pull", "desk.tickets"], env)
        assert before.code == pulled.code == 0, pulled.out
        rows, credits, pages, reading = _spent(Path(folder))
        headers = _headers(Path(folder), creds)
        floor = _floor(Path(folder), creds, headers, pages)
        usual = _usual(Path(folder), creds, headers)
    spent = credits / rows * 100
    yield Figure("tickets mirrored", f"{rows:,}", "", f"{TICKETS:,} less spam, trash, archive")
    yield Figure("credits per 100 tickets", f"{spent:.3f}", "3.090", "3.000")
    ratio = f"{pulled.wall / floor.wall:.2f} × floor"
    alone = f"{reading / floor.wall:.2f} × floor"
    yield Figure("wall: first to last page", f"{reading:.1f} s = {alone}", "1.15 ×", "the same")
    yield Figure("wall: the whole command", f"{pulled.wall:.1f} s = {ratio}", "", "the same")
    yield Figure("wall: floor", "", "", f"{floor.wall:.1f} s")
    yield Figure("pages", f"{pages:,}", "", f"{-(-rows // PAGE):,}")
    own = (pulled.cpu - before.cpu) / rows * 1000
    yield Figure("CPU per row", f"{own:.3f} ms", "0.3 ms", f"{floor.cpu / rows * 1000:.3f} ms")
    yield Figure("peak memory", f"{pulled.peak_mb:.0f} MB", "350 MB", f"{floor.peak_mb:.0f} MB")
    yield from _beside(usual, credits, pulled.wall, rows)


def _beside(usual: Took, credits: float, wall: float, rows: int) -> Iterator[Figure]:
    """The usual way's credits, time and memory in the column of what was seen, ours in the last."""
    said = json.loads(usual.out)
    share = said["rows"] / TICKETS
    whole = said["seconds"] / share
    yield Figure("the usual way: share measured", f"{share:.1%}", "", "ours: all")
    yield Figure("  credits", f"{said['credits']:,.0f}", "", f"ours {credits:,.0f}")
    yield Figure("  time at that rate", f"{whole:,.0f} s", "", f"ours {wall:,.0f} s")
    each = usual.cpu / said["rows"] * 1000
    yield Figure("  CPU per row", f"{each:.2f} ms", "", "")
    yield Figure("  peak memory", f"{usual.peak_mb:.0f} MB", "", "")
    yield Figure("  over search: ends at row", f"{said['searched']:,}", "", f"ours {rows:,}")


def _spent(folder: Path) -> tuple[int, float, int, float]:
    """Rows, credits, pages, and seconds from the first page's start to the last one's end."""
    with duckdb.connect(str(folder / "mirror.duckdb"), read_only=True) as mirror:
        rows = mirror.execute("SELECT count(*) FROM desk.tickets").fetchone()
        calls = mirror.execute(
            "SELECT sum(credits), count(*), date_diff('millisecond', min(called_at), "
            "max(called_at)) + max(milliseconds) FROM zdsync.calls WHERE endpoint LIKE '%/search'"
        ).fetchone()
    assert rows and calls
    return int(rows[0]), float(calls[0]), int(calls[1]), calls[2] / 1000


def _headers(folder: Path, creds: dict[str, str]) -> dict[str, str]:
    """What a bare client needs to be let in: the token that zdsync holds."""
    held = json.loads((folder / "private" / "token.json").read_text())
    return {"Authorization": f"Zoho-oauthtoken {held['token']}", "orgId": creds["org_id"]}


def _usual(folder: Path, creds: dict[str, str], headers: dict[str, str]) -> Took:
    work = {
        "url": creds["desk_url"] + "/tickets",
        "headers": headers,
        "file": str(folder / "usual.duckdb"),
        "seconds": USUAL_SECONDS,
        "rows": TICKETS,
    }
    file = folder / "usual.json"
    file.write_text(json.dumps(work))
    return run(["-m", "bench.usual", str(file)])


def _floor(folder: Path, creds: dict[str, str], headers: dict[str, str], count: int) -> Took:
    """Fetch as many pages of the mirrored rows, by windows known beforehand; keep nothing."""
    with duckdb.connect(str(folder / "mirror.duckdb"), read_only=True) as mirror:
        times = [
            row[0]
            for row in mirror.execute(
                "SELECT created_time FROM desk.tickets ORDER BY created_time"
            ).fetchall()
        ]
    edges = [*times[::PAGE], times[-1]]
    pages = [
        {
            "createdTimeRange": f"{low:%Y-%m-%dT%H:%M:%S.000Z},{high:%Y-%m-%dT%H:%M:%S.000Z}",
            "sortBy": "createdTime",
            "limit": str(PAGE),
        }
        for low, high in pairwise(edges)
    ]
    work = {
        "url": creds["desk_url"] + "/tickets/search",
        "headers": headers,
        "threads": AT_ONCE,
        "pages": [*pages, *pages[: max(0, count - len(pages))]],
    }
    file = folder / "pages.json"
    file.write_text(json.dumps(work))
    return run(["-m", "bench.floor", str(file)])

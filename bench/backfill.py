"""20,000 tickets backfilled from a Zoho that takes 300 ms an answer and five calls at once."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import duckdb

from bench.measure import Took, run, sandbox, settings
from bench.rows import Figure

TICKETS = 20_000
LATENCY_MS = 300
AT_ONCE = 10  # what the edition allows
EDITION = "standard"
PAGE = 100


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
        floor = _floor(Path(folder), creds, pages)
    yield Figure("tickets mirrored", f"{rows:,}", "", f"{TICKETS:,} less spam, trash, archive")
    yield Figure("credits per 100 tickets", f"{credits / rows * 100:.3f}", "3.1", "3.000")
    ratio = f"{pulled.wall / floor.wall:.2f} × floor"
    alone = f"{reading / floor.wall:.2f} × floor"
    yield Figure("wall: first to last page", f"{reading:.1f} s = {alone}", "1.15 ×", "the same")
    yield Figure("wall: the whole command", f"{pulled.wall:.1f} s = {ratio}", "", "the same")
    yield Figure("wall: floor", "", "", f"{floor.wall:.1f} s")
    yield Figure("pages", f"{pages}", "", f"{-(-rows // PAGE)}")
    own = (pulled.cpu - before.cpu) / rows * 1000
    yield Figure("CPU per row", f"{own:.3f} ms", "0.4 ms", f"{floor.cpu / rows * 1000:.3f} ms")
    yield Figure("peak memory", f"{pulled.peak_mb:.0f} MB", "300 MB", f"{floor.peak_mb:.0f} MB")


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


def _floor(folder: Path, creds: dict[str, str], count: int) -> Took:
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
    held = json.loads((folder / "private" / "token.json").read_text())
    token = held["token"]
    work = {
        "url": creds["desk_url"] + "/tickets/search",
        "headers": {"Authorization": f"Zoho-oauthtoken {token}", "orgId": creds["org_id"]},
        "threads": AT_ONCE,
        "pages": [*pages, *pages[: max(0, count - len(pages))]],
    }
    file = folder / "pages.json"
    file.write_text(json.dumps(work))
    return run(["-m", "bench.floor", str(file)])

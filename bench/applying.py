"""What applying costs: credits and calls by kind of change; time and journal of 1,000 tickets.

The kinds are written one after the other to the same open tickets of a portal in this process;
what is counted is every call to Desk from the moment a person agreed. The time is that of the
command in a process of its own, beside the same GET and PATCH calls to the same server without
journal, mirror or checks (bench/bare.py).
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

from bench.measure import Took, run, sandbox, settings
from bench.rows import Figure
from zdsync.app import App
from zdsync.changes import Plan
from zdsync.sandbox import Sandbox
from zdsync.settings import Settings

FEW = 300  # tickets of the portal whose calls are counted
# In this order: spam and closed tickets are out of reach of what comes after them.
OF_ALL = "subject: {known: true}"
KINDS = (
    ("priority", OF_ALL, "set: {priority: High}", "2.1", "2: read, write"),
    ("status", OF_ALL, "set: {status: Escalated}", "2.1", "2: read, write"),
    ("tags", OF_ALL, "tag: [looked-at]", "2.1", "2: read, write"),
    ("assign", OF_ALL, "assign: integration@clinic.example", "2.1", "2: read, write"),
    ("move", "department: Trials", "move: Community", "", "2: read, write"),
    ("spam", "department: [IT, Community]", "spam", "7", "2: read, write"),
    ("close", OF_ALL, "close: {outcome: Resolved}", "7", "2: read, write"),
)
TICKETS, MANY = 6_800, 1_000  # of the portal whose time is taken; so many are changed
LATENCY_MS = 300
AT_ONCE = {"standard": 10, "enterprise": 25}  # calls at once, by edition (desk-tickets.md 1)


def figures() -> Iterator[Figure]:
    """Count calls by kind, then take the time at two editions' concurrency."""
    yield from _by_kind()
    for edition, threads in AT_ONCE.items():
        yield from _timed(edition, threads)


def _by_kind() -> Iterator[Figure]:
    box = Sandbox(tickets=FEW)
    with tempfile.TemporaryDirectory() as folder, box.serve() as creds:
        rules = Path(folder) / "rules.yaml"
        given: dict[str, Any] = {**creds, "data_dir": Path(folder) / "data", "rules": rules}
        App(Settings(**given)).pull()
        for name, when, action, most, floor in KINDS:
            rules.write_text(_rule(action, when))
            yield _counted(box, App(Settings(**given)), name, most, floor)


def _counted(box: Sandbox, app: App, name: str, most: str, floor: str) -> Figure:
    """Write one kind of change; credits and calls to Desk for each ticket that it changed."""
    before = len(box.calls)
    agreed = 0

    def agree(plan: Plan) -> bool:
        nonlocal agreed
        agreed = len(box.calls)
        return True

    plan, applied = app.apply(None, agree, destructive=True)
    assert applied is not None, name
    assert applied.outcomes.keys() == {"applied"}, (name, applied.failures[:3])
    tickets = len({change.ticket_id for change in plan.writes})
    calls = [call for call in box.calls[agreed:] if call.system == "desk"]
    planning = [call for call in box.calls[before:agreed] if call.system == "desk"]
    each = sum(call.credits for call in calls) / tickets
    seen = f"{each:.2f} credits, {len(calls) / tickets:.2f} calls"
    read = sum(call.credits for call in planning) / tickets
    what = f"{name}, {tickets} tickets" + (f" (plan: {read:.2f} credits more)" if read else "")
    return Figure(what, seen, most, floor)


def _timed(edition: str, threads: int) -> Iterator[Figure]:
    with (
        tempfile.TemporaryDirectory() as folder,
        sandbox(TICKETS, latency_ms=LATENCY_MS, edition=edition) as creds,
    ):
        rules = Path(folder) / "rules.yaml"
        env = settings(creds, folder) | {"ZDSYNC_EDITION": edition, "ZDSYNC_RULES": str(rules)}
        assert run(["-m", "zdsync", "pull"], env).code == 0
        tickets, until = _chosen(Path(folder))
        when = f'priority: [null, Low, Medium], created: {{before: "{until}"}}'
        rules.write_text(_rule("set: {priority: High}", when))
        idle = run(["-m", "zdsync", "plan"], env)
        ours = run(["-m", "bench.written"], env)
        floor = _floor(Path(folder), creds, threads, tickets)
    yield from _beside(f"{edition}, {threads} at once", idle, ours, floor)


def _beside(name: str, idle: Took, ours: Took, floor: Took) -> Iterator[Figure]:
    said, bare = json.loads(ours.out), json.loads(floor.out)["seconds"]
    assert said["code"] == 0, said
    tickets = said["outcomes"]["applied"]
    assert tickets == MANY, said

    def ratio(seconds: float) -> str:
        return f"{seconds:.1f} s = {seconds / bare:.2f} × floor"

    yield Figure(f"{name}: {tickets:,} tickets written", ratio(said["apply_plan"]), "1.15 ×",
                 f"{bare:.1f} s")  # fmt: skip
    yield Figure("  the whole command", ratio(ours.wall), "", f"plan alone {idle.wall:.1f} s")
    journal = (said["intend"] + said["settle"]) / tickets * 1000
    yield Figure(
        "  journal per ticket, waits of all threads added up", f"{journal:.2f} ms", "3 ms", ""
    )
    each = (ours.cpu - idle.cpu) / tickets * 1000
    yield Figure("  CPU per ticket", f"{each:.2f} ms", "", f"{floor.cpu / tickets * 1000:.2f} ms")


def _rule(action: str, when: str) -> str:
    return (
        f"version: 1\nrules:\n  - id: bench\n    mode: apply\n    when: {{{when}}}\n"
        f"    then:\n      - {action}\n"
    )


def _chosen(folder: Path) -> tuple[list[str], str]:
    """The oldest open tickets that a priority may be given to, and the moment that ends them."""
    with duckdb.connect(str(folder / "mirror.duckdb"), read_only=True) as mirror:
        rows = mirror.execute(
            "SELECT id, created_time FROM desk.tickets WHERE status_type <> 'Closed' "
            "AND presence = 'live' AND coalesce(priority, '') <> 'High' ORDER BY created_time"
        ).fetchall()
    assert len(rows) > MANY, len(rows)
    return [row[0] for row in rows[:MANY]], f"{rows[MANY][1]:%Y-%m-%dT%H:%M:%SZ}"


def _floor(folder: Path, creds: Mapping[str, str], threads: int, tickets: list[str]) -> Took:
    held = json.loads((folder / "private" / "token.json").read_text())
    work = {
        "url": creds["desk_url"],
        "headers": {"Authorization": f"Zoho-oauthtoken {held['token']}", "orgId": creds["org_id"]},
        "threads": threads,
        "body": {"priority": "Low"},
        "tickets": tickets,
    }
    file = folder / "bare.json"
    file.write_text(json.dumps(work))
    return run(["-m", "bench.bare", str(file)])

"""One step of the bench of rules, as a process of its own, so that its peak memory is its own.

Run as `python -m bench.ruling STEP FOLDER [NUMBER]`: fill, plan, change, settle (write what the
plan asks for into the mirror), few (close all but so many), floor, usual. Says one JSON line.
"""

# ruff: noqa: S608 - identifiers are constants or fields of the language, values are bound

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench import mirrored
from zdsync.changes import Plan, evaluate
from zdsync.clock import SystemClock
from zdsync.mirror import Mirror
from zdsync.model import Change
from zdsync.rules import compile_rule, load_rules
from zdsync.sql import Sql, ident

MEMORY = "512MB"  # ZDSYNC_MEMORY's default
RULES = Path(__file__).with_name("fifty.yaml")
_BY_ID = "from (select unnest(from_json($1, '[[\"VARCHAR\"]]')) as r) n where t.id = n.r[1]"


def plan_now(mirror: Mirror) -> tuple[Plan, int]:
    """Plan by the fifty rules, from their text on; the plan, and how many rules there are."""
    portal = mirror.portal()
    loaded = load_rules(RULES.read_text(encoding="utf-8"), RULES.name, portal)
    assert not loaded.problems, loaded.problems
    file = loaded.rules
    rules = [compile_rule(rule, file, portal, mirrored.NOW) for rule in file.rules]
    found = evaluate(
        mirror, rules, portal, as_of=mirrored.NOW, rules_digest=file.digest, kept=True, whole=True
    )
    return found.plan(), len(rules)


def _plan(mirror: Mirror, _: int) -> dict[str, Any]:
    started, spent = time.perf_counter(), time.process_time()
    plan, rules = plan_now(mirror)
    took, cpu = time.perf_counter() - started, time.process_time() - spent
    return {"wall": took, "cpu": cpu, "rules": rules, "changes": len(plan.changes)}


def _floor(mirror: Mirror, _: int) -> dict[str, Any]:
    """Only read the open tickets' rows as rules see them, texts too, into DuckDB's memory."""
    started, spent = time.perf_counter(), time.process_time()
    mirror.rows(
        Sql(
            "select count(*), sum(hash(t)) from zdsync.rule_tickets t where t.presence = 'live' "
            "and t.row_status_type is distinct from 'Closed'"
        )
    )
    return {"wall": time.perf_counter() - started, "cpu": time.process_time() - spent}


def _settle(mirror: Mirror, _: int) -> dict[str, Any]:
    """Write a plan into the mirror as applying it would leave it."""
    plan, _ = plan_now(mirror)
    by: dict[str, list[Change]] = defaultdict(list)
    for change in plan.writes:
        by[change.field].append(change)
    tagged = [one for name, some in by.items() if name.startswith("tag:") for one in some]
    _tags(mirror, tagged)
    columns = {"assignee": "assignee_id", "department": "department_id", "team": "team_id"}
    for name, some in by.items():
        if name == "spam":
            _set(mirror, "presence = 'spam'", [(one.ticket_id, "") for one in some])
        elif name.startswith("cf."):
            continue  # only the outcome of what is closed
        elif not name.startswith("tag:"):
            rows = [(one.ticket_id, _written(one)) for one in some]
            also = ", status_type = 'Closed'" if name == "status" else ""
            _set(mirror, f"{ident(columns.get(name, name))} = n.r[2]{also}", rows)
    return {"changes": len(plan.changes)}


def _written(change: Change) -> Any:
    return next(iter(change.wire.values()))


def _set(mirror: Mirror, values: str, rows: Sequence[tuple[str, Any]]) -> None:
    mirror.run(Sql(f"update desk.tickets t set {values} {_BY_ID}", (json.dumps(rows),)))


def _tags(mirror: Mirror, changes: Sequence[Change]) -> None:
    rows = {True: [], False: []}  # type: dict[bool, list[tuple[str, str]]]
    for one in changes:
        rows[bool(one.after)].append((one.ticket_id, one.field.removeprefix("tag:")))
    source = "(select unnest(from_json($1, '[[\"VARCHAR\"]]')) as r)"
    mirror.run(
        Sql(
            f"insert into desk.ticket_tags by name select r[1] as ticket_id, r[2] as tag "
            f"from {source}",
            (json.dumps(rows[True]),),
        )
    )
    gone = f"(select (r[1], lower(r[2])) from {source})"
    mirror.run(
        Sql(
            f"delete from desk.ticket_tags t where (t.ticket_id, lower(t.tag)) in {gone}",
            (json.dumps(rows[False]),),
        )
    )


def _fill(mirror: Mirror, tickets: int) -> dict[str, Any]:
    mirrored.fill(mirror, tickets, tickets // 5)
    return {}


def _change(mirror: Mirror, many: int) -> dict[str, Any]:
    mirrored.change(mirror, many, "please see to it")
    return {}


def _few(mirror: Mirror, many: int) -> dict[str, Any]:
    mirrored.close_all_but(mirror, many)
    return {}


def _usual(mirror: Mirror, many: int) -> dict[str, Any]:
    from bench.by_library import judge

    return judge(mirror, many)


STEPS: dict[str, Callable[[Mirror, int], dict[str, Any]]] = {
    "fill": _fill,
    "plan": _plan,
    "change": _change,
    "settle": _settle,
    "few": _few,
    "floor": _floor,
    "usual": _usual,
}


def main() -> None:
    step, folder = sys.argv[1:3]
    number = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    path = Path(folder) / "private" / "mirror.duckdb"
    memory = "2GB" if step in ("fill", "settle") else MEMORY
    with Mirror.open(path, memory=memory, options={}, clock=SystemClock()) as mirror:
        print(json.dumps(STEPS[step](mirror, number)))


if __name__ == "__main__":
    main()

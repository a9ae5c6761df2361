"""Plans that were shown, kept for `apply PLAN_ID`: one private file each, for a day.

One that is applied lies here too until all of it is done: it alone holds the texts of what a crash
cut off. A plan holds evidence, which may quote a ticket: the files are 0600 and lie in the private
folder. Must not decide anything.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path

import orjson
from pydantic import TypeAdapter, ValidationError

from zdsync.changes.plan import Plan
from zdsync.errors import PlanRefused

KEEP = timedelta(hours=24)
_PLAN = TypeAdapter(Plan)


def keep(plan: Plan, folder: Path) -> None:
    """Write the plan and drop those older than a day."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in folder.glob("*.json"):
        if plan.as_of.timestamp() - old.stat().st_mtime > KEEP.total_seconds():
            old.unlink(missing_ok=True)
    draft = folder / f".{plan.plan_id}.{os.getpid()}"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(orjson.dumps(asdict(plan)))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / f"{plan.plan_id}.json")


def keeps(plan_id: str, folder: Path) -> bool:
    """Whether the plan of this id is kept."""
    return (folder / f"{plan_id}.json").exists()


def drop(plan_id: str, folder: Path) -> None:
    """Keep a plan no longer."""
    (folder / f"{plan_id}.json").unlink(missing_ok=True)


def recall(plan_id: str, folder: Path) -> Plan | None:
    """Read a plan back whatever became of it since; None where it is gone."""
    try:
        return _PLAN.validate_json((folder / f"{plan_id}.json").read_bytes())
    except (OSError, ValidationError):
        return None


def fetch(plan_id: str, folder: Path, *, rules_digest: str, now: datetime) -> Plan:
    """Read a plan back; PlanRefused where it is unknown, a day old, or of other rules."""
    again = "run zdsync plan and apply the id that it shows"
    plan = recall(plan_id, folder) if plan_id.isalnum() else None
    if plan is None:
        raise PlanRefused(f"there is no plan {plan_id[:40]!r}", again)
    if now - plan.as_of > KEEP:
        raise PlanRefused(f"the plan {plan_id} is older than a day", again)
    if plan.rules_digest != rules_digest:
        raise PlanRefused(f"the rules changed after the plan {plan_id} was made", again)
    return plan

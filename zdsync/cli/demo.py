"""The main job once, on a simulated Zoho: pull, check, plan, apply, plan again, report.

Leaves the mirror, the rules and the report in a folder. Touches no real portal: every address
and credential is the sandbox's, whatever the environment says.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from zdsync import readings
from zdsync.app import App
from zdsync.changes.render import applied_view, plan_view
from zdsync.cli.bars import watching
from zdsync.clock import SystemClock
from zdsync.errors import Misconfigured, ZdsyncError
from zdsync.reports import render, save
from zdsync.settings import Settings

_CHILD_CREDITS = 5_000  # the simulated Zoho has credits for all conversations at once
_QUERIES = (
    ("Open tickets by department", "SELECT department, count(*) AS open FROM tickets "
     "WHERE is_open GROUP BY department ORDER BY open DESC"),
    ("What was written, by rule", "SELECT rule_id, field, outcome, count(*) AS changes "
     "FROM zdsync.journal GROUP BY ALL ORDER BY changes DESC LIMIT 10"),
    ("Oldest open Gold tickets", "SELECT number, subject, agent, age_hours FROM tickets "
     "WHERE is_open AND sla_tier = 'Gold' ORDER BY created LIMIT 5"),
)  # fmt: skip


def show(tickets: int, folder: Path) -> int:
    """Run the demo with so many tickets; results go to `folder`. Returns the exit code."""
    started = time.monotonic()
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False, emoji=False)
    folder = _fresh(folder)
    rules = _rules(folder)
    console.rule("A Zoho of our own", align="left")
    with _sandbox(tickets) as creds:
        console.print(f"Desk and CRM with {tickets:,} tickets answer at {creds['accounts_url']}.")
        settings = _settings(creds, folder, rules)
        _pull(settings, console)
        _write(settings, console)
        _again(settings, console)
    _report(settings, folder, console)
    _where(folder, rules, console)
    console.print(f"\nDone in {time.monotonic() - started:.0f} s.")
    return 0


def _pull(settings: Settings, console: Console) -> None:
    console.rule("Pull", align="left")
    with watching() as progress:
        outcomes = App(settings, progress=progress).pull()
    for one in outcomes:
        if one.error:
            raise one.error
    for one in outcomes:
        console.print(f"  {one.stream:<17} {one.read:>7,} rows")


def _write(settings: Settings, console: Console) -> None:
    console.rule("Check the rules", align="left")
    app = App(settings)
    rules = app.check(None).refuse()
    examples = sum(len(rule.examples) for rule in rules.rules)
    console.print(f"{settings.rules}: {len(rules.rules)} rules, {examples} examples hold.")
    console.rule("Plan", align="left")
    plan = app.plan()
    console.print(plan_view(plan, most=5))
    console.rule("Apply", align="left")
    _, applied = app.apply(plan.plan_id, lambda plan: True, destructive=True)
    if applied:
        console.print(applied_view(applied))
        if applied.stopped:
            raise applied.stopped


def _again(settings: Settings, console: Console) -> None:
    console.rule("Pull and plan again", align="left")
    app = App(settings)
    for outcome in app.pull():
        if outcome.error:
            raise outcome.error
    plan = app.plan()
    if plan.writes:
        console.print(plan_view(plan, most=5))
        raise ZdsyncError(f"the second plan still wants {len(plan.writes)} changes")
    console.print("Nothing to apply: the rules have what they want.")


def _report(settings: Settings, folder: Path, console: Console) -> None:
    console.rule("Workload", align="left")
    report = readings.report(settings, SystemClock(), "workload", None, None)
    columns = console.width if sys.stdout.isatty() else None
    console.file.write(render(report, "table", width=columns, colour=sys.stdout.isatty()))
    save(render(report, "html"), folder / "workload.html")


def _where(folder: Path, rules: Path, console: Console) -> None:
    console.rule("Where everything is", align="left")
    console.print(f"  report   {folder / 'workload.html'}   (open it in a browser)")
    console.print(f"  mirror   {folder / 'data' / 'mirror.duckdb'}   (any DuckDB opens it)")
    console.print(f"  rules    {rules}   (the shipped rules, each in mode apply)")
    console.print(f"  journal  {folder / 'data' / 'private' / 'journal'}")
    console.print("\nThree questions to try:")
    ask = f"ZDSYNC_DATA_DIR={folder / 'data'} {_program()} sql"
    for title, query in _QUERIES:
        console.print(f'\n  # {title}\n  {ask} "{query}"', soft_wrap=True)


def _program() -> str:
    """How this program was called, for a newcomer who has not activated its environment."""
    called = Path(sys.argv[0]).absolute()
    if called.name != "zdsync" or not called.is_relative_to(Path.cwd()):
        return "zdsync"
    return str(called.relative_to(Path.cwd()))


def _fresh(folder: Path) -> Path:
    """Empty what an earlier demo left there; refuse a folder that is somebody else's."""
    ours = {"data", "rules.yaml", "workload.html"}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        others = [entry.name for entry in folder.iterdir() if entry.name not in ours]
        if others:
            raise Misconfigured(
                f"{folder} holds other files ({others[0]})", hint="name an empty folder: --keep DIR"
            )
        shutil.rmtree(folder / "data", ignore_errors=True)
    except OSError as error:
        hint = "name a folder that may be written: --keep DIR"
        raise Misconfigured(f"{folder} cannot be used: {error.strerror}", hint=hint) from None
    return folder


def _rules(folder: Path) -> Path:
    """Copy the shipped rules with every rule in mode apply."""
    places = (Path("rules.yaml"), Path(__file__).parent.parent.parent / "rules.yaml")
    shipped = next((place for place in places if place.exists()), None)
    if shipped is None:
        raise Misconfigured("there is no rules.yaml here", hint="run zdsync demo in its checkout")
    text = re.sub(r"(?m)^(\s*)mode: plan\b", r"\1mode: apply", shipped.read_text(encoding="utf-8"))
    (folder / "rules.yaml").write_text(text, encoding="utf-8")
    return folder / "rules.yaml"


def _settings(creds: Mapping[str, str], folder: Path, rules: Path) -> Settings:
    # Every setting is given, so that nothing of a real portal's environment comes in.
    given: dict[str, Any] = {
        name: field.get_default(call_default_factory=True)
        for name, field in Settings.model_fields.items()
    }
    own = {"data_dir": folder / "data", "rules": rules, "child_credits": _CHILD_CREDITS}
    return Settings(**{**given, **creds, **own})


@contextmanager
def _sandbox(tickets: int) -> Iterator[dict[str, str]]:
    """Serve the simulated Zoho from a process of its own."""
    argv = [sys.executable, "-m", "zdsync.sandbox", "--port", "0", "--tickets", str(tickets)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise ZdsyncError("the sandbox did not start", "its words stand above")
            yield json.loads(line)
        finally:
            process.terminate()

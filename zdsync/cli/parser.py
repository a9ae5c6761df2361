"""The commands and their options, as argparse wants them. No work is done here."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

_Parser = argparse.ArgumentParser
_Add = Callable[..., _Parser]
_ACCEPT = "also where over a tenth of a stream vanished"

DESCRIPTION = """\
zdsync mirrors Zoho Desk and CRM into DuckDB, plans what rules.yaml asks for,
applies it through Zoho's API and reports on the workload.

Start here:  zdsync demo          everything, on a simulated Zoho
             zdsync doctor        is the connection to your portal right?
             zdsync pull && zdsync plan
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; each command sets `run`, the name of a function in the module `room`."""
    parser = argparse.ArgumentParser(
        prog="zdsync",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Dry by default: only apply, undo, and run with rules in mode apply, write to Zoho.",
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="log in more detail")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, text: str, room: str = "commands") -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:])
        command.set_defaults(run=name, room=room)
        return command

    _look_around(add)
    _connect(add)
    _mirror(add)
    _rules(partial(add, room="rule_commands"))
    _reading(add)
    return parser


def _look_around(add: _Add) -> None:
    demo = add("demo", "pull, plan, apply and report on a simulated Zoho")
    demo.add_argument("--tickets", type=_count, default=2000, metavar="N")
    demo.add_argument("--keep", metavar="DIR", default="demo", help="where to leave the results")
    box = add("sandbox", "serve a simulated Zoho on this machine until stopped")
    box.add_argument("--port", type=int, default=0, metavar="P")
    box.add_argument("--tickets", type=_count, default=2000, metavar="N")
    box.add_argument("--seed", type=int, default=7, metavar="S")
    box.add_argument("--faults", choices=("none", "light", "storm"), default="none")
    box.add_argument("--latency-ms", type=int, default=0, metavar="MS")


def _connect(add: _Add) -> None:
    auth = add("auth", "exchange a self-client code for a refresh token")
    auth.add_argument(
        "code", nargs="?", help="the code from the API console (else it is asked for)"
    )
    auth.add_argument(
        "--scopes", action="store_true", help="print the scopes to paste into the API console"
    )
    add("doctor", "check token, scopes, organisation, edition, clock, fields, file rights")


def _mirror(add: _Add) -> None:
    pull = add("pull", "read what is new from Zoho into the mirror")
    pull.add_argument("streams", nargs="*", metavar="STREAM", help="such as desk.tickets")
    pull.add_argument("--full", action="store_true", help="read everything again")
    pull.add_argument(
        "--estimate", action="store_true", help="name the price before anything is read"
    )
    pull.add_argument("--json", action="store_true", help="the estimate as JSON")
    pull.add_argument("--accept-deletes", action="store_true", help=_ACCEPT)
    reconcile = add("reconcile", "prove that the mirror is whole, and mend it where it is not")
    reconcile.add_argument("streams", nargs="*", metavar="STREAM", help="such as desk.tickets")
    reconcile.add_argument("--accept-deletes", action="store_true", help=_ACCEPT)
    reconcile.add_argument("--json", action="store_true")
    run = add("run", "run as a service: pull, plan, apply, publish, again and again")
    run.add_argument("--once", action="store_true", help="one tick, then end")
    backup = add("backup", "copy the mirror and the journal, also while the service runs")
    backup.add_argument("directory", metavar="DIR", help="where to put zdsync-backup-<instant>")
    forget = add("forget", "empty what the mirror holds of a person; Zoho keeps what it has")
    forget.add_argument("contact", metavar="CONTACT", help="id or e-mail address of a Desk contact")
    forget.add_argument("--yes", action="store_true", help="do not ask")
    forget.add_argument("--json", action="store_true")
    add("adopt", "let rules comment, reply and notify again after the journal was lost")
    add("pause", "stop writing before the next write")
    resume = add("resume", "go on writing")
    resume.add_argument("rule", nargs="?", metavar="RULE", help="let a paused rule go on")


def _rules(add: _Add) -> None:
    check = add("check", "find every problem of the rules file")
    check.add_argument("file", nargs="?", metavar="FILE")
    check.add_argument("--json", action="store_true")
    check.set_defaults(room="checked")  # it waits for no way to the portal
    add("schema", "print a JSON Schema of the rules file, for editors")
    plan = add("plan", "show what the rules would change; writes nothing")
    plan.add_argument("--rule", metavar="ID", help="only this rule")
    plan.add_argument("--ticket", metavar="N", help="only this ticket, by number or id")
    plan.add_argument("--json", action="store_true")
    explain = add("explain", "show why a ticket gets what it gets, rule by rule")
    explain.add_argument("ticket", metavar="TICKET", help="by number or id, closed ones too")
    explain.add_argument("--rule", metavar="ID", help="only this rule")
    explain.add_argument("--json", action="store_true")
    apply = add("apply", "write the plan to Zoho")
    apply.add_argument("plan_id", nargs="?", metavar="PLAN_ID", help="the plan you have seen")
    apply.add_argument("--yes", action="store_true", help="do not ask")
    apply.add_argument(
        "--destructive",
        action="store_true",
        help="also beyond the limits for close, spam, move and reply",
    )
    _taken_back(add)
    _looked_back(add)


def _taken_back(add: _Add) -> None:
    release = add("release", "let rules decide again what a person, an undo or a loop holds")
    release.add_argument("ticket", metavar="TICKET", help="by number or id")
    release.add_argument("field", nargs="?", default="", metavar="FIELD", help="such as assignee")
    release.add_argument("--json", action="store_true")
    undo = add("undo", "take back what a run or a change wrote, where nobody touched it since")
    undo.add_argument("id", metavar="RUN|CHANGE", help="as zdsync journal names it, or its start")
    undo.add_argument("--yes", action="store_true", help="do not ask")
    undo.add_argument(
        "--destructive", action="store_true", help="also beyond the limits for close, spam, move"
    )
    undo.add_argument("--json", action="store_true", help="as JSON; writes only with --yes")
    settle = add("settle", "say what became of a write of which nobody knows, once you looked")
    settle.add_argument("change", metavar="CHANGE", help="as zdsync journal names it, or its start")
    settle.add_argument(
        "outcome",
        choices=("applied", "unsent"),
        help="applied: it is there; unsent: it is not, and may be done again",
    )
    settle.add_argument("--json", action="store_true")


def _looked_back(add: _Add) -> None:
    back = add("backtest", "try the rules on past tickets, beside what people did; writes nothing")
    back.add_argument("--since", metavar="D", default="90d", help="start (default 90d)")
    back.add_argument("--rule", metavar="ID", help="only this rule")
    back.add_argument(
        "--sample", type=_count, metavar="N", help="a random sample; its History is read from Zoho"
    )
    back.add_argument(
        "--credits", type=_count, metavar="C", help="what reading may cost; alone: a sample for it"
    )
    back.add_argument("--seed", type=int, default=7, metavar="S", help="of the sample (default 7)")
    back.add_argument("--format", choices=("table", "html", "json"), default="table")
    back.add_argument("--json", action="store_true", help="the same as --format json")
    back.add_argument("-o", "--output", metavar="FILE")
    journal = add("journal", "show what was written, when and why")
    journal.add_argument("--ticket", metavar="N", help="only this ticket, by number or id")
    journal.add_argument("--run", dest="run_id", metavar="R", help="only this run")
    journal.add_argument("--rule", metavar="ID", help="only this rule; undo: what was taken back")
    journal.add_argument("--unresolved", action="store_true", help="only writes without an answer")
    journal.add_argument("--since", metavar="D", help="only from then on, such as 7d or 2026-11-01")
    journal.add_argument("--json", action="store_true", help="every write, whole")


def _reading(add: _Add) -> None:
    report = add("report", "print a report")
    report.add_argument("name", metavar="NAME", help="such as workload")
    report.add_argument(
        "--as-of", metavar="T", help="instant, such as 2026-11-01 or 2026-11-01T08:00"
    )
    report.add_argument(
        "--since", metavar="D", default="7d", help="start of the period (default 7d)"
    )
    report.add_argument("--format", choices=("table", "html", "csv", "json"), default="table")
    report.add_argument("-o", "--output", metavar="FILE")
    status = add("status", "show streams, credits, the last run")
    status.add_argument("--json", action="store_true")
    sql = add("sql", "ask the published mirror")
    sql.add_argument("query", metavar="SELECT")
    sql.add_argument("--format", choices=("table", "csv", "json"), default="table")


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number

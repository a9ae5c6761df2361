"""What `zdsync journal` prints: runs with their outcomes, or the writes that a filter names.

Nothing of a ticket but ids, numbers, and values that zdsync set or replaced; whatever stands in
them, a terminal takes no order from it.
"""

from __future__ import annotations

import json
import re
from argparse import Namespace
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from zdsync.app import App
from zdsync.changes.lines import Hanging, count
from zdsync.cli.output import out, say, show, width
from zdsync.errors import Misconfigured
from zdsync.reports import journal
from zdsync.settings import load_settings
from zdsync.text import printable

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

_WIDE = 140  # columns from which on a write is one line; a pipe has them
_ROOMY = 100
_RUNS = 30
_CHANGES = 200
_OUTCOMES = ("applied", "already", "stale", "rejected", "unsent", "unknown", "unresolved")
_HARMFUL = re.compile("[\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_STYLES = {"rejected": "red", "unknown": "bold red", "unresolved": "bold red", "stale": "yellow"}


def journaled(args: Namespace) -> int:
    """Print what the journal holds; the exit code is 0."""
    app = App(load_settings())
    asked = journal.Asked(
        args.ticket, args.run_id, args.rule, args.unresolved, args.since, _rules(app, args.rule)
    )
    now = app.place.clock.now()
    with app.journal() as (ask, busy):
        if busy:
            say(f"{busy}; this is how it stood when the mirror was last published.")
        if args.json:
            _document(journal.every(ask, asked, now))
        elif asked.anything:
            _runs(journal.runs(ask, _RUNS))
        else:
            by_change = bool(args.ticket or args.unresolved)
            _changes(journal.changes(ask, asked, now, _CHANGES), by_change=by_change)
    return 0


def _rules(app: App, asked: str | None) -> tuple[str, ...]:
    """The ids of the rules file, which may not have written yet; none where it cannot be read."""
    if asked is None:
        return ()
    try:
        return tuple(rule.id for rule in app.place.rulebook.read(None).rules.rules)
    except Misconfigured:
        return ()


def _document(entries: Iterator[journal.Entry]) -> None:
    """Write one JSON list, an entry a line, as they come: there may be a million."""
    first = next(entries, None)
    if first is None:
        out("[]")
        return
    out("[\n" + _json(first))
    for entry in entries:
        out("," + _json(entry))
    out("]")


def _json(entry: journal.Entry) -> str:
    """One record; what a terminal might obey is escaped, and reads back the same."""
    text = json.dumps(entry, ensure_ascii=False)
    return _HARMFUL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


# -- tables ------------------------------------------------------------------------------------


def _table(*columns: str, right: Sequence[str] = ()) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    made = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for name in columns:
        folds = name in ("what", "rule", "why")
        justify: Literal["left", "right"] = "right" if name in right else "left"
        made.add_column(name, justify=justify, no_wrap=not folds, overflow="fold")
    return made


def _runs(written: journal.Written) -> None:
    if not written.rows:
        say("Nothing was ever written to the portal.")
        return
    used = [name for name in _OUTCOMES if any(row[name] for row in written.rows)]
    times = ["when"] if (width() or _WIDE) >= _ROOMY else []  # the id of a run tells it, too
    table = _table("run", "by", *times, "tickets", *used, right=("tickets", *used))
    for row in written.rows:
        counts = [f"{row[name]:,}" if row[name] else "·" for name in ("tickets", *used)]
        began = [_when(row["began"])] if times else []
        table.add_row(printable(row["run_id"]), _by(row), *began, *counts)
    show(table)
    many, shown = written.found, len(written.rows)
    newest = f"; the newest {shown} are shown" if shown < many else ""
    say(f"{count(many, 'run')} wrote something{newest}. zdsync journal --run RUN lists one.")


def _changes(written: journal.Written, *, by_change: bool) -> None:
    if not written.rows:
        say("Nothing of that kind was written.")
        return
    last = "change" if by_change else "run"
    if (width() or _WIDE) >= _WIDE:
        show(_beside(written.rows, last))
    else:
        show(_below(written.rows, last))
    many, shown = written.found, len(written.rows)
    newest = f"; the newest {shown} are shown, --json gives all" if shown < many else ""
    say(f"{count(many, 'write')} found{newest}.")
    if by_change and any(row["outcome"] == "unknown" for row in written.rows):
        say("Once you looked at the ticket: zdsync settle CHANGE applied, or unsent.")


def _beside(rows: Sequence[journal.Entry], last: str) -> Table:
    """One line a write, for a wide terminal."""
    names = ("when", "ticket", "what", "outcome", "rule", "why", "by", last)
    table = _table(*names, right=("ticket",))
    for row in rows:
        first = (_at(row), _ticket(row), what(row), _outcome(row), _rule(row))
        style = _STYLES.get(_outcome(row), "")
        table.add_row(*first, why(row), _by(row), printable(row[f"{last}_id"]), style=style)
    return table


def _below(rows: Sequence[journal.Entry], last: str) -> Group:
    """Two lines a write, for a narrow one."""
    from rich.console import Group
    from rich.text import Text

    widest = max(len(_ticket(row)) for row in rows)
    lines = []
    for row in rows:
        head = f"{_at(row)}  {_ticket(row):>{widest}}  {_outcome(row):<10}  {what(row)}"
        told = (f"{_rule(row)}, {_by(row)} {printable(row[f'{last}_id'])}", why(row))
        lines.append(Hanging(Text(head, style=_STYLES.get(_outcome(row), "")), "    "))
        lines.append(Hanging(Text("    " + ": ".join(filter(None, told)), style="dim"), "    "))
    return Group(*lines)


def what(row: journal.Entry) -> str:
    """Say what was to be done, in words of the rules language."""
    field, after = str(row["field"] or ""), row["after"]
    kind, _, name = field.partition(":")
    match kind:
        case "":
            return "its intent is lost"
        case "tag":
            return f"tag {printable(name, 40)} {'added' if after == 'true' else 'removed'}"
        case "comment" | "reply":
            return kind
        case "notify":
            return f"notify {printable(name, 40)}"
        case "spam":
            return "marked as spam" if after == "true" else "no longer spam"
    return f"{printable(field, 40)}: {_value(row['before'])} → {_value(after)}"


def why(row: journal.Entry) -> str:
    """Say why it was not done, else which fields made the rule match."""
    if row["error"]:
        return printable(row["error"], 400)
    return printable(", ".join(row["evidence"] or ()), 200)


def _value(value: Any) -> str:
    return printable(value, 60) if value not in (None, "") else "–"


def _by(row: journal.Entry) -> str:
    return "service" if row["command"] == "run" else printable(row["command"] or "–", 20)


def _rule(row: journal.Entry) -> str:
    return printable(row["rule_id"] or "–", 60)


def _ticket(row: journal.Entry) -> str:
    return printable(row["ticket_number"] or row["ticket_id"] or "–", 20)


def _outcome(row: journal.Entry) -> str:
    return printable(row["outcome"] or "unresolved", 20)


def _at(row: journal.Entry) -> str:
    return _when(row["intended_at"] or row["settled_at"])


def _when(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else "–"

"""`zdsync check`: text for a person, one document for a program."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from zdsync.checking import Checked, place
from zdsync.cli.output import document, out, say
from zdsync.clock import SystemClock
from zdsync.errors import Problem
from zdsync.inspection import inspect
from zdsync.settings import load_settings
from zdsync.text import printable


def check(args: Namespace) -> int:
    """Find every problem of the rules file; the text of problems is talk, the document is data."""
    file = Path(args.file) if args.file else None
    found = inspect(load_settings(), SystemClock(), file)
    if args.json:
        document(checked_document(found, verbose=args.verbose))
        return found.error().exit_code if found.problems else 0
    for line in remarks(found, verbose=args.verbose):
        say(line)
    found.refuse()
    out(summary(found))
    return 0


def checked_document(found: Checked, *, verbose: bool) -> dict[str, Any]:
    """`check --json`, with stable keys; `verbose` adds which other names were taken."""
    notes = (*found.notes, *(found.taken if verbose else ()))
    return {
        "file": found.file,
        "problems": [_entry(one) for one in found.problems],
        "notes": [_entry(one) for one in notes],
        "could_not": list(found.could_not),
    }


def _entry(one: Problem) -> dict[str, Any]:
    line, column = place(one.where)
    texts = {"what": one.what, "hint": one.hint, "text": one.text, "rule": one.rule}
    return {"where": one.where, "line": line, "column": column, **texts}


def summary(found: Checked) -> str:
    """One line: how many rules in which mode, and how many examples hold."""
    rules = found.rules
    examples = sum(len(rule.examples) for rule in rules.rules)
    modes = Counter(rule.mode for rule in rules.rules)
    shown = ", ".join(f"{count} {mode}" for mode, count in sorted(modes.items()))
    rests = f", {len(rules.resting)} resting" if rules.resting else ""
    return f"{found.file}: {len(rules.rules)} rules ({shown}{rests}), {examples} examples hold"


def remarks(found: Checked, *, verbose: bool) -> Iterator[str]:
    """Lines of what is worth knowing, and of what could not be looked at."""
    yield from _lines(found.notes)
    if verbose:
        yield from _lines(found.taken)
    for one in found.could_not:
        yield f"not checked: {one}"


def _lines(notes: Iterable[Problem]) -> Iterator[str]:
    for one in notes:
        yield f"note: {one.where}: {printable(one.what)}"
        if one.hint:
            yield f"    {printable(one.hint)}"

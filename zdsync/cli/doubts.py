"""What `zdsync settle` prints."""

from __future__ import annotations

from argparse import Namespace

from zdsync.app import App
from zdsync.changes.lines import name_of
from zdsync.cli.output import document, out
from zdsync.settings import load_settings
from zdsync.text import printable

_NEXT = {
    "applied": "It is not done again.",
    "unsent": "Its rule may do it again, where it still matches.",
}


def settled(args: Namespace) -> int:
    """Say what was settled, and what follows; the exit code is 0."""
    done = App(load_settings()).settle(args.change, args.outcome)
    if args.json:
        document(done.document())
        return 0
    what = (
        f"{printable(done.ticket_number, 20)} {name_of(done.field)} of {printable(done.rule, 60)}"
    )
    then = f"as you say. {_NEXT[done.outcome]}" if done.settled else "as you said before."
    out(f"{what}: {done.outcome}, {then}")
    return 0

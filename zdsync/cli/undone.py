"""What `zdsync undo` asks and prints."""

from __future__ import annotations

import sys
from argparse import Namespace

from zdsync.app import App
from zdsync.changes.render import applied_view
from zdsync.changes.undo import Undo
from zdsync.changes.undo_view import left_view, undo_document, undo_view
from zdsync.cli.output import PARTLY, document, say, show
from zdsync.errors import PlanRefused
from zdsync.settings import load_settings

_MOST = 50  # rows shown before somebody agrees


def undone(args: Namespace) -> int:
    """Show the plan, ask, write; with --json nothing is asked and, without --yes, written."""

    def agree(undo: Undo) -> bool:
        if args.yes or args.json:
            return bool(args.yes)
        show(undo_view(undo, _MOST))
        if not sys.stdin.isatty():
            raise PlanRefused("nobody is there to agree to the undo", "look at it, then use --yes")
        asked = f"Write {len(undo.plan.writes)} changes to Zoho? [y/N] "
        return input(asked).strip().lower() == "y"

    done = App(load_settings()).undo(args.id, agree, destructive=args.destructive)
    applied = done.applied
    if args.json:
        document(undo_document(done.undo, applied))
    elif applied is None:
        if not done.undo.plan.writes:
            show(undo_view(done.undo, _MOST))
        say("Nothing was written.")
    else:
        if args.yes and done.undo.left:
            show(left_view(done.undo))
        show(applied_view(applied))
    if applied and applied.stopped:
        raise applied.stopped
    return 0 if applied is None or applied.clean else PARTLY

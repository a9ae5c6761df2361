"""What the commands around rules print. One call of App each; the exit code is returned."""

from __future__ import annotations

import sys
from argparse import Namespace

from zdsync.app import App
from zdsync.cli.output import PARTLY, deliver, document, out, say, show, width
from zdsync.errors import PlanRefused
from zdsync.settings import load_settings


def schema(args: Namespace) -> int:
    """Print the JSON Schema of the rules file."""
    from zdsync.rules.schema import rules_schema

    document(rules_schema())
    return 0


def plan(args: Namespace) -> int:
    """Show what the rules would change."""
    from zdsync.changes.render import MOST, plan_document, plan_view

    made = App(load_settings()).plan(args.rule, args.ticket)
    if args.json:
        document(plan_document(made))
    else:
        show(plan_view(made, None if args.rule or args.ticket else MOST))
    if args.ticket and not made.changes:
        say(f"No rule changes ticket {args.ticket}; zdsync explain {args.ticket} tells why.")
    return 0


def explain(args: Namespace) -> int:
    """Show why a ticket gets what it gets."""
    from zdsync.changes.explain_view import explain_view
    from zdsync.changes.explanation import explanation_document

    found = App(load_settings()).explain(args.ticket, args.rule)
    if args.json:
        document(explanation_document(found))
    else:
        show(explain_view(found))
    return 0


def release(args: Namespace) -> int:
    """Let rules decide again what is held of a ticket."""
    from zdsync.cli.released import released_text

    done = App(load_settings()).release(args.ticket, args.field)
    if args.json:
        document(done.document())
    else:
        out(released_text(done))
    return 0


def apply(args: Namespace) -> int:
    """Write a plan to Zoho."""
    from zdsync.changes import Plan
    from zdsync.changes.render import applied_view, plan_view

    def agree(plan: Plan) -> bool:
        if args.yes or args.plan_id:
            return True
        show(plan_view(plan))
        if not sys.stdin.isatty():
            raise PlanRefused(
                "nobody is there to agree to the plan",
                f"look at it, then run zdsync apply {plan.plan_id}, or use --yes",
            )
        return input(f"Write {len(plan.writes)} changes to Zoho? [y/N] ").strip().lower() == "y"

    made, applied = App(load_settings()).apply(args.plan_id, agree, destructive=args.destructive)
    if applied is None:
        say("Nothing was written." if made.writes else "Nothing to apply.")
        return 0
    show(applied_view(applied))
    if applied.stopped:
        raise applied.stopped
    return 0 if applied.clean else PARTLY


def undo(args: Namespace) -> int:
    """Take back what a run, or one change, wrote."""
    from zdsync.cli.undone import undone

    return undone(args)


def settle(args: Namespace) -> int:
    """Take a person's word for what became of a write."""
    from zdsync.cli.doubts import settled

    return settled(args)


def backtest(args: Namespace) -> int:
    """Try the rules on past tickets."""
    from zdsync.cli.backtested import backtested

    text = backtested(args, width(), colour=sys.stdout.isatty())
    deliver(text, args.output)
    return 0


def journal(args: Namespace) -> int:
    """Show intended writes and what became of them."""
    from zdsync.cli.journaled import journaled

    return journaled(args)

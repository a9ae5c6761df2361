"""What commands print, but those around rules. One call of App each; the exit code is returned."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from zdsync import readings
from zdsync.app import App
from zdsync.cli.bars import watching
from zdsync.cli.output import PARTLY, deliver, document, out, say, width
from zdsync.clock import SystemClock
from zdsync.errors import CreditsSpent, Misconfigured, TokenRefused
from zdsync.settings import load_settings


def demo(args: Namespace) -> int:
    """Everything once, on a simulated Zoho."""
    from zdsync.cli.demo import show

    return show(args.tickets, Path(args.keep))


def sandbox(args: Namespace) -> int:
    """Serve a simulated Zoho until stopped."""
    from zdsync.sandbox.server import main

    options = ["--port", args.port, "--tickets", args.tickets, "--seed", args.seed]
    options += ["--faults", args.faults, "--latency-ms", args.latency_ms]
    return main([str(option) for option in options])


def auth(args: Namespace) -> int:
    """Exchange a code for a refresh token and keep it where only its owner can read it."""
    from getpass import getpass

    from zdsync.connect import SCOPES, keep_refresh_token

    if args.scopes:
        out(",".join(SCOPES))
        return 0
    code = args.code or getpass("Code from the API console (not shown): ")
    path = keep_refresh_token(load_settings(), code)
    say(f"The refresh token is in {path}. Add this line to .env:")
    out(f"ZDSYNC_REFRESH_TOKEN_FILE={path}")
    return 0


def doctor(args: Namespace) -> int:
    """Print each check, with the mend where it fails."""
    from zdsync.doctor import examine

    worst = 0
    for finding in examine(load_settings()):
        mark = "ok  " if finding.code == 0 else "FAIL"
        out(f"{mark}  {finding.what}: {finding.said}")
        if finding.mend:
            out(f"      {finding.mend}")
        worst = max(worst, finding.code)
    return worst


def pull(args: Namespace) -> int:
    """Read what is new, or name its price."""
    if args.estimate or args.json:
        from zdsync.cli.estimated import estimated

        out(estimated(args, width(), colour=sys.stdout.isatty()))
        return 0
    with watching() as progress:
        outcomes = App(load_settings(), progress=progress).pull(
            args.streams, full=args.full, accept_deletes=args.accept_deletes
        )
    failed = {id(one.error): one for one in outcomes if one.error}  # a rest ends many: said once
    for one in failed.values():
        assert one.error is not None
        say(f"zdsync: {one.stream}: {one.error.what}" + _hint(one.error.hint))
    for one in outcomes:
        if one.note:
            say(f"zdsync: {one.note}")
    read = sum(one.read for one in outcomes)
    changed = sum(one.changed for one in outcomes)
    out(f"{read:,} rows read, {changed:,} changed, {len(outcomes)} streams")
    worst = max((one.error.exit_code for one in failed.values() if one.error), default=0)
    # Where the rest was read, its data may be used; a token asks for a person, a rest for time.
    grave = any(isinstance(one.error, TokenRefused | CreditsSpent) for one in failed.values())
    partly = failed and not grave and len([one for one in outcomes if one.error]) < len(outcomes)
    return PARTLY if partly else worst


def reconcile(args: Namespace) -> int:
    """Compare mirror and remote, a line a stream."""
    from zdsync.cli.compared import compared_document, compared_line

    found = App(load_settings()).reconcile(args.streams, accept_deletes=args.accept_deletes)
    if args.json:
        document([compared_document(one) for one in found])
    else:
        for one in found:
            out(compared_line(one))
    failed = [one.error for one in found if one.error]
    for error in failed:
        say(f"zdsync: {error.what}" + _hint(error.hint))
    return max((error.exit_code for error in failed), default=0)


def run(args: Namespace) -> int:
    """The service, or one tick of it."""
    import threading

    from zdsync import daemon

    stop = threading.Event()
    daemon.stop_on_signals(stop)
    app = App(load_settings(), stop=stop)
    if args.once:
        with app.place.instance():
            app.tick(once=True)
        return 0
    place = app.place
    every = place.settings.every
    daemon.serve(app.tick, every=every, pause=place.pause, instance=place.instance(), stop=stop)
    return 0


def backup(args: Namespace) -> int:
    """Copy what cannot be read from Zoho again."""
    from zdsync.backup import back_up

    made = back_up(load_settings(), Path(args.directory), SystemClock())
    tickets = made.found.rows.get("desk.tickets", 0)
    say(f"{tickets:,} tickets, {made.size / 1e6:,.1f} MB, as of {made.as_of:%Y-%m-%d %H:%M:%S} UTC")
    out(str(made.path))
    return 0


def forget(args: Namespace) -> int:
    """Empty what the mirror holds of a person."""
    from zdsync.cli.forgotten import agreement, forgotten_document, forgotten_text

    done = App(load_settings()).forget(args.contact, agreement(yes=args.yes, say=say))
    if done is None:
        say("Nothing was emptied.")
        return 0
    if args.json:
        document(forgotten_document(done))
    else:
        out(forgotten_text(done))
    return 0


def adopt(args: Namespace) -> int:
    """Let rules speak again after files of the journal were lost."""
    lost = App(load_settings()).adopt()
    say("Rules may speak again." if lost else "No file of the journal is missing.")
    return 0


def pause(args: Namespace) -> int:
    """Put the brake on."""
    App(load_settings()).pause()
    say("Writing is paused; zdsync resume lets it go on.")
    return 0


def resume(args: Namespace) -> int:
    """Take the brake off, or let a paused rule go on."""
    count = App(load_settings()).resume(args.rule)
    some = f"{count:,} tickets wait; the service writes them within the limits, oldest first"
    say(f"{args.rule} goes on: {some}." if args.rule else "Writing goes on.")
    return 0


def report(args: Namespace) -> int:
    """Print or write a report."""
    from zdsync.reports import render

    built = readings.report(load_settings(), SystemClock(), args.name, args.as_of, args.since)
    text = render(built, args.format, width=width(), colour=sys.stdout.isatty() and not args.output)
    deliver(text, args.output)
    return 0


def status(args: Namespace) -> int:
    """Show how the mirror stands."""
    from zdsync.cli.status import status_text

    found = App(load_settings()).status()
    if args.json:
        document(found.document())
    else:
        out(status_text(found, width(), colour=sys.stdout.isatty()))
    return 0


def sql(args: Namespace) -> int:
    """Ask the published mirror."""
    from zdsync.reports.listing import listing, render_listing
    from zdsync.sql import Sql

    names, rows = readings.ask(load_settings(), Sql(args.query))
    if not names:
        raise Misconfigured("the query gives no rows", hint="ask with SELECT")
    table = listing("", names, rows)
    out(render_listing(table, args.format, width=width(), colour=sys.stdout.isatty()))
    return 0


def _hint(hint: str) -> str:
    return f"\n  {hint}" if hint else ""

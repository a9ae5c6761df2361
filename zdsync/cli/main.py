"""Entry point: parse, run the command, turn an error into its exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper

from zdsync.cli.parser import build_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is the verdict (architecture.md section 8)."""
    args = build_parser().parse_args(argv)
    from zdsync import diagnostics

    # On a terminal the bars tell how far it is; elsewhere, and for the service, the log does.
    quiet = sys.stderr.isatty() and args.run != "run"
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal without Unicode shows "?", no traceback
            stream.reconfigure(errors="replace")
    diagnostics.setup_log(verbose=args.verbose, quiet=quiet)
    try:
        code: int = getattr(import_module(f"zdsync.cli.{args.room}"), args.run)(args)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # The reader of our output went away (`| head`): no error, but nothing may flush later.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except SystemExit:
        raise
    except BaseException as error:  # the one place where anything ends as a message
        return diagnostics.report(error)

"""Owns stderr: error text, exit codes, the log. Never writes to stdout.

A user sees one message that says what is wrong and how to mend it; a traceback is for bugs only.
"""

from __future__ import annotations

import errno
import logging
import sys
import traceback
from typing import TextIO

from zdsync.errors import MirrorUnusable, Misconfigured, ZdsyncError

INTERRUPTED = 130
BUG = 70
_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS}


def setup_log(*, verbose: bool = False, quiet: bool = False, stream: TextIO | None = None) -> None:
    """Send zdsync's log to stderr: one line a stream and run, key=value, ids only.

    `quiet` keeps warnings and errors only; `verbose` beats it.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    formatter = logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s")
    formatter.default_msec_format = "%s.%03d"
    handler.setFormatter(formatter)
    root = logging.getLogger("zdsync")
    root.handlers[:] = [handler]
    usual = logging.WARNING if quiet else logging.INFO
    root.setLevel(logging.DEBUG if verbose else usual)
    root.propagate = False


def render(error: ZdsyncError) -> str:
    """The text of an error: what, each problem with its place and mend, the hint."""
    lines = [f"zdsync: {error.what}"]
    if isinstance(error, Misconfigured):
        for problem in error.problems:
            told = not problem.text or problem.text in problem.what
            shown = "" if told else f" {problem.text!r}"
            lines.append(f"  {problem.where}:{shown} {problem.what}")
            if problem.hint:
                lines.append(f"      {problem.hint}")
    if error.hint:
        lines.append(f"  {error.hint}")
    return "\n".join(lines)


def known(error: BaseException) -> BaseException:
    """A full disk or a missing right that no one foresaw is still not a fault of ours."""
    if isinstance(error, OSError) and error.errno in _MACHINE:
        where = f"{error.filename}: " if error.filename else ""
        return MirrorUnusable(f"{where}{error.strerror}", "free some space or mend the rights")
    return error


def report(error: BaseException) -> int:
    """Print the error to stderr and return the exit code it stands for."""
    error = known(error)
    if isinstance(error, ZdsyncError):
        print(render(error), file=sys.stderr)
        return error.exit_code
    if isinstance(error, KeyboardInterrupt):
        print("zdsync: interrupted", file=sys.stderr)
        return INTERRUPTED
    return bug(error)


def bug(error: BaseException) -> int:
    """Say that this is a fault of zdsync; the traceback holds no values, so no customer's text."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    print(
        f"zdsync: a fault of zdsync itself ({type(error).__name__}); nothing more was written.\n"
        f"Please report it with these lines:\n{frames}",
        file=sys.stderr,
    )
    return BUG

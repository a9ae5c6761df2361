"""The command line: words in, one method of App, text out. Owns stdout.

Importing this must stay cheap (`zdsync --help` under 0.3 s): whatever a command needs is
imported by the command.
"""

from zdsync.cli.main import main

__all__ = ["main"]

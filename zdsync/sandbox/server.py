"""The sandbox as a process: flags in, credentials on stdout, a server until a signal.

Owns the command line. Must not decide any answer: api.py does.
"""

from __future__ import annotations

import argparse
import json
import signal
import threading

from .box import Sandbox
from .variant import Variant


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m zdsync.sandbox", description="A simulated Zoho Desk and CRM on loopback."
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--tickets", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--faults", choices=("none", "light", "storm"), default="none")
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument(
        "--edition",
        default="standard",
        choices=("free", "express", "standard", "professional", "enterprise"),
    )
    parser.add_argument(
        "--variant",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="an unknown of Zoho, for example times=epoch",
    )
    return parser


def main(argv: list[str]) -> int:
    """Print one JSON line with the credentials and serve until SIGTERM or SIGINT."""
    parser = _parser()
    args = parser.parse_args(argv)
    try:
        variant = Variant.parse([f"edition={args.edition}", *args.variant])
    except ValueError as problem:
        parser.error(str(problem))
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    box = Sandbox(
        args.tickets, args.seed, variant, faults=args.faults, latency=args.latency_ms / 1000
    )
    with box.serve(args.port) as creds:
        print(json.dumps(creds), flush=True)
        stop.wait()
    return 0

"""`zdsync backtest` for people and for programs."""

from __future__ import annotations

from argparse import Namespace

from zdsync.app import App
from zdsync.backtest.report import backtest_report
from zdsync.hindsight import Asked
from zdsync.reports import Format, render
from zdsync.settings import load_settings


def backtested(args: Namespace, width: int | None, *, colour: bool) -> str:
    """What `backtest` prints or writes."""
    form: Format = "json" if args.json else args.format
    asked = Asked(args.since, args.rule, args.sample, args.credits, args.seed)
    found = App(load_settings()).backtest(asked)
    report = backtest_report(found, every=form == "json")
    return render(report, form, width=width, colour=colour and not args.output)

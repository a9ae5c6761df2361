"""The rules over past tickets, each decision beside what people did (docs/backtest.md)."""

from zdsync.backtest.kept import distrusted, keep, last
from zdsync.backtest.run import Backtest, Sample, Tried, backtest

__all__ = ["Backtest", "Sample", "Tried", "backtest", "distrusted", "keep", "last"]

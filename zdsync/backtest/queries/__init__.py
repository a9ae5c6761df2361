"""The standing queries of the backtest."""

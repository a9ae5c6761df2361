"""What zdsync costs, each figure beside its floor: `make bench`. Prints what it saw; no verdicts."""

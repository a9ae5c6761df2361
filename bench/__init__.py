"""What zdsync costs, each figure beside its floor: `make bench`. No verdicts."""

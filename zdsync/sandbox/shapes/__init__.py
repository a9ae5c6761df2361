"""Shapes of Desk records: which keys stand in which answer (DT 2, DP 3)."""

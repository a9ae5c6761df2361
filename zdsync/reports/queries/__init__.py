"""Standing queries of the reports: each file says what one row is, and its parameters."""

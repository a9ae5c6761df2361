"""Standing questions of the mirror to itself."""

"""How sure a share is: Wilson's interval. Pure."""

from __future__ import annotations

from math import sqrt

_Z = 1.959963984540054  # of the normal distribution, 95 % within


def wilson(good: int, of: int) -> tuple[float, float] | None:
    """The 95 % interval of a share; None where nothing was counted.

    Source: E. B. Wilson, JASA 22 (1927); it stays within 0 and 1 and holds for few and for extreme
    counts, where the plain one does not.
    """
    if of == 0:
        return None
    share, square = good / of, _Z * _Z / of
    middle = (share + square / 2) / (1 + square)
    half = _Z / (1 + square) * sqrt(share * (1 - share) / of + square / (4 * of))
    return max(0.0, middle - half), min(1.0, middle + half)

"""Arithmetic of half-open spans of time: what of a walk is still to be read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from zdsync.model import Span


def subtract(spans: Sequence[Span], taken: Iterable[Span]) -> tuple[Span, ...]:
    """Return what is left of `spans` without `taken`, in order, none empty."""
    left = list(spans)
    for cut in taken:
        left = [rest for span in left for rest in _without(span, cut)]
    return tuple(sorted(left, key=lambda span: span.low))


def _without(span: Span, cut: Span) -> Iterable[Span]:
    if cut.high <= span.low or cut.low >= span.high:
        yield span
        return
    if span.low < cut.low:
        yield Span(span.low, cut.low)
    if cut.high < span.high:
        yield Span(cut.high, span.high)

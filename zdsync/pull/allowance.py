"""The credits that one run may spend on what hangs on tickets: comments, threads, history, tags.

Pure account: knows no call. The order in which needs are served is the caller's.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass(slots=True)
class Allowance:
    """Credits left to spend in one run; thread-safe."""

    left: float
    _gate: threading.Lock = field(default_factory=threading.Lock)

    def take(self, credits: float) -> bool:
        """Book the price of a call before it is made; False where it is not left."""
        with self._gate:
            if credits > self.left:
                return False
            self.left -= credits
            return True

    def charge(self, credits: float) -> None:
        """Book what calls cost beyond their price, or give back (below zero) what they did not."""
        with self._gate:
            self.left -= credits

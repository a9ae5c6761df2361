"""What every remote change stands on: the portal, its lock, its clock."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager

from ..state import State


class Remote(ABC):
    """Somebody else at work; the class that mixes this in brings the portal."""

    state: State

    @abstractmethod
    def at(self) -> int:
        """Return the present instant as epoch milliseconds."""

    @property
    @abstractmethod
    def lock(self) -> AbstractContextManager[object]:
        """Return the lock that every change of the state holds."""

"""The journal of one data directory beside a mirror: loaded, followed, and what of it is lost.

Promises that a mirror knows what was written before anything is planned over it, and that rules
say nothing where a part of the journal is gone. Must not read what its lines mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from zdsync.clock import Clock
from zdsync.errors import MirrorFailed, ZdsyncError
from zdsync.mirror import Mirror, journal_files
from zdsync.readings import reading
from zdsync.settings import Settings

if TYPE_CHECKING:
    from zdsync.changes import Journal


@dataclass
class Record:
    """The journal and its copies in mirrors. Raises MirrorFailed where its files cannot be read."""

    settings: Settings
    clock: Clock

    @cached_property
    def journal(self) -> Journal:
        """The truth about writes."""
        from zdsync.changes import Journal  # a pull must not wait for the rules

        return Journal(self.folder, self.clock)

    @property
    def folder(self) -> Path:
        """The files of the journal, a month each."""
        return self.settings.private_dir / "journal"

    def load(self, mirror: Mirror) -> None:
        """Load what the journal's files hold beyond what this mirror loaded, and miss what is lost.

        A new mirror, or one that was put back, learns what was written.
        """
        with self._readable():
            trust = mirror.privacy.unfinished
            journal_files.look(mirror, self.folder, self._published_months, trust=trust)

    def follow(self, mirror: Mirror) -> None:
        """Load what was written to the journal meanwhile."""
        with self._readable():
            journal_files.follow(mirror, self.folder)

    def adopt(self, mirror: Mirror) -> bool:
        """Take the journal as it stands for whole; False where nothing of it was missed."""
        return journal_files.adopt(mirror, self.folder)

    def speechless(self, mirror: Mirror) -> str:
        """Why rules may say nothing: without the journal everything would be said again."""
        lost = journal_files.lost(mirror, self.folder)
        why = f"the journal lacks {lost}, so what was said is not known; zdsync adopt"
        return why if lost else ""

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            what = f"the journal in {self.folder} cannot be read: {error.strerror}"
            raise MirrorFailed(what, "mend the rights or the disk") from None

    def _published_months(self) -> list[str]:
        """The files of the journal that the published copy tells of; it may outlive the mirror."""
        try:
            with reading(self.settings) as copy:
                return journal_files.served_months(copy.rows)
        except ZdsyncError:
            return []  # no copy, or one that cannot tell

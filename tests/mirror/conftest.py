from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import FakeClock
from zdsync.mirror import Mirror


@pytest.fixture
def private(tmp_path: Path) -> Path:
    return tmp_path / "data" / "private" / "work.duckdb"


@pytest.fixture
def mirror(private: Path, clock: FakeClock) -> Iterator[Mirror]:
    with Mirror.open(private, memory="256MB", options={}, clock=clock) as opened:
        yield opened

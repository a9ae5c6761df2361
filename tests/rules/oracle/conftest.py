from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="package")
def _no_search_for_pandas() -> Iterator[None]:
    """DuckDB looks for pandas with each value it binds; a search in vain is most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        if "pandas" not in sys.modules:
            patch.setitem(sys.modules, "pandas", None)
        yield

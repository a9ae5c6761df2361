"""`zdsync apply --yes` as a person runs it, in a process of its own that says what it took.

Run as `python -m bench.written`, under the settings of a portal. Says JSON: {code, outcomes,
apply_plan, intend, settle, upsert, publish}: seconds from the first intent to the last row in the
mirror, and those that all threads together spent in the journal and the mirror. zdsync knows
nothing of this: its functions are wrapped from outside.
"""

from __future__ import annotations

import contextlib
import io
import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from zdsync.changes.journal import Journal
from zdsync.cli import main as command
from zdsync.flow import writing
from zdsync.mirror import Mirror

_took: defaultdict[str, float] = defaultdict(float)
_lock = threading.Lock()


def _watch(owner: Any, name: str, heard: Callable[[Any], None] = lambda answer: None) -> None:
    """Add up the seconds of all calls of a function."""
    inner: Callable[..., Any] = getattr(owner, name)

    def outer(*args: Any, **options: Any) -> Any:
        began = time.perf_counter()
        answer = inner(*args, **options)
        with _lock:
            _took[name] += time.perf_counter() - began
        heard(answer)
        return answer

    setattr(owner, name, outer)


def main() -> None:
    outcomes: dict[str, int] = {}
    for name in ("intend", "settle"):
        _watch(Journal, name)
    for name in ("upsert", "publish"):
        _watch(Mirror, name)
    _watch(writing, "apply_plan", lambda applied: outcomes.update(applied.outcomes))
    with contextlib.redirect_stdout(io.StringIO()):
        code = command(["apply", "--yes"])
    print(json.dumps({"code": code, "outcomes": outcomes, **_took}))


if __name__ == "__main__":
    main()

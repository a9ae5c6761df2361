"""Which parts of a condition turn with the clock alone, and what to ask to notice that they did.

Pure. Must not: read a clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from zdsync.rules.compile import compile_condition
from zdsync.rules.condition import AS_OF, Compare, Condition, Expression, leaves
from zdsync.rules.now import Calendars, Now
from zdsync.sql import Sql


def moves(item: Compare | Expression) -> bool:
    """Whether time is in what is compared with: a duration, or an instant that moves."""
    if isinstance(item, Expression):
        return any(map(moves, item.parts)) or any(one is AS_OF for one in item.sql.params)
    operands = [one for one in item.values if one is not None]
    return item.kind == "instant" and any(not isinstance(one, datetime) for one in operands)


def moving_tests(condition: Condition, now: Now) -> tuple[Sql, ...]:
    """Write tests over `t`: while the row and all answers stay the same, so does the condition.

    One test a part and calendar, so that no folded name of a department is asked for.
    """
    return tuple(dict.fromkeys(_tests(condition, now)))


def _tests(condition: Condition, now: Now) -> Iterator[Sql]:
    calendars = dict.fromkeys((now.calendars.first, *now.calendars.departments.values()))
    for item in leaves(condition):
        if moves(item):
            for one in calendars:
                yield compile_condition(item, Now(now.as_of, Calendars(one)))

"""What a reader of the workload must know before using a number. Pure.

Says what the mirror cannot tell about as_of rather than let a number pretend to know it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from zdsync.reports.ground import Ground
from zdsync.text import printable

_NAMED = 8  # names in a note; of the rest only the number


def notes_on(ground: Ground) -> Iterable[str]:
    """Say each thing once, what makes numbers wrong first, people last."""
    if not ground.tickets:
        yield "The mirror holds no tickets yet: run zdsync pull."
    if ground.partial:
        yield "The first full read of tickets is not finished: every number may be too low."
    if ground.changed_after:
        yield (
            f"{_tickets(ground.changed_after)} changed after this instant. Whether each was open "
            "is told by its times of creation and closing; its status, agent, department, "
            "priority and due date are today's. What was on hold, opened again, deleted or marked "
            "as spam since is not known."
        )
    if ground.closed_unknown:
        yield (
            f"{_tickets(ground.closed_unknown)} closed at an unknown time: not counted as closed "
            "in any period, and as closed at any instant."
        )
    yield from _people(ground)


def _tickets(count: int) -> str:
    return f"{count} ticket was" if count == 1 else f"{count} tickets were"


def _people(ground: Ground) -> Iterable[str]:
    held: Counter[str] = Counter()
    names = {key: name for key, (name, _) in ground.agents.items()}
    for each in ground.slices:
        if each.agent_id is not None and each.open:
            held[each.agent_id] += each.open
            names[each.agent_id] = each.agent or ""
    active = {key for key, (_, is_active) in ground.agents.items() if is_active}
    # Without any agent in the mirror nobody can be said to be gone.
    away = [key for key in held if ground.agents and key not in active]
    if away:
        listed = [f"{names[key]} ({held[key]})" for key in sorted(away, key=names.__getitem__)]
        yield "Disabled or deleted agents still hold open tickets: " + _listed(listed) + "."
    idle = [names[key] for key in ground.agents if key in active and key not in held]
    if idle and ground.tickets:
        yield "Active agents without open tickets: " + _listed(idle) + "."


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(printable(name, 48) for name in names[:_NAMED]) + more

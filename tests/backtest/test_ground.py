"""The past that rules are asked about is the past that was."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.backtest.world import DAY, World, world
from zdsync.backtest.ground import make_past
from zdsync.pull import Allowance
from zdsync.sql import Sql

FIELDS = ("status", "assignee_id", "team_id", "priority", "department_id")
VARIANTS: dict[str, dict[str, Any]] = {
    "likely": {},
    "oldest-first": {"history_newest_first": False},
    "names": {"history_values": "name", "history_from_base": 1},
}
_STATE = f"""
SELECT {", ".join(FIELDS)}, k_status AND k_assignee AND k_team AND k_priority AND k_department,
    status_since, assigned_since
FROM past_states WHERE ticket_id = ? AND moment <= ? AND until_at > ?
"""


def _state(here: World, ticket: str) -> tuple[Any, ...]:
    one = here.box.state.tickets[ticket]
    return tuple(getattr(one, name) for name in FIELDS)


def _second(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None, microsecond=0)


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("seed", range(2))
def test_the_state_of_any_moment_is_the_one_that_the_portal_had(
    name: str, seed: int, tmp_path: Path
) -> None:
    chance = random.Random(seed)
    with world(tmp_path, tickets=20, **VARIANTS[name]) as here:
        true: dict[str, list[tuple[datetime, tuple[Any, ...]]]] = {}
        places = list(here.box.state.departments)
        for _ in range(6):
            made = here.box.create(department_id=chance.choice(places))
            true[made.id] = [(_second(here.clock.now()), _state(here, made.id))]
            here.wait(chance.choice((1, 40, 4000)))
        for turn in range(40):
            ticket = chance.choice(list(true))
            _edit(here, ticket, chance)
            true[ticket].append((_second(here.clock.now()), _state(here, ticket)))
            here.wait(chance.choice((2, 5, 700, 90_000)))
            if turn % 15 == 14 and seed:  # seed 0: the mirror sees nothing before the end
                here.place.pull()
        here.wait(60)
        here.place.pull()
        _compare(here, true, chance)


def _edit(here: World, ticket: str, chance: random.Random) -> None:
    state = here.box.state
    place = state.tickets[ticket].department_id
    agents = [a.id for a in state.agents.values() if place in a.departments]
    teams = [team.id for team in state.teams.values() if team.department_id == place]
    values: dict[str, Any] = {
        "status": chance.choice(("Open", "In Progress", "On Hold", "Closed")),
        "priority": chance.choice(("High", "Medium", "Low", None)),
        "assignee_id": chance.choice([*agents, None]),
        "team_id": chance.choice([*teams, None]),
    }
    names = chance.sample(list(values), chance.choice((1, 2)))
    here.box.edit(
        ticket, by=chance.choice(("agent", "automation")), **{n: values[n] for n in names}
    )


def _compare(
    here: World, true: dict[str, list[tuple[datetime, tuple[Any, ...]]]], chance: random.Random
) -> None:
    app, now = here.place.app(), here.clock.now()
    with app.place.run("backtest") as run:
        mirror = run.mirror
        ids = [(one, here.clock.now() - timedelta(days=365)) for one in true]
        assert app.place.past(run).whole(ids, Allowance(10_000)) == len(ids)
        make_past(mirror, (), now - timedelta(days=3000), now, list(true))
        for ticket, states in true.items():
            for (began, state), (ended, _) in zip(states, [*states[1:], (now, ())], strict=True):
                moment = began + timedelta(seconds=1) * chance.random() * 0.9
                moment += timedelta(seconds=1)
                if moment >= ended.replace(tzinfo=None) or moment < states[0][0] + timedelta(
                    minutes=10
                ):
                    continue
                rows = mirror.rows(Sql(_STATE, (ticket, moment, moment)))
                assert [row[:6] for row in rows] == [(*state, True)], (ticket, moment)
                since = _since(states, began, 0), _since(states, began, 1)
                for found, wanted in zip(rows[0][6:], since, strict=True):
                    assert abs(found - wanted) <= timedelta(seconds=1)


def _since(states: list[tuple[datetime, tuple[Any, ...]]], at: datetime, place: int) -> datetime:
    """Since when a field had the value that it has at one of its states."""
    before = [state for state in states if state[0] <= at]
    since = before[-1][0]
    for moment, state in reversed(before):
        if state[place] != before[-1][1][place]:
            break
        since = moment
    return since


def test_what_a_break_in_the_chain_hides_is_not_known(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        made = here.ticket(priority="Low")
        here.wait(DAY)
        here.edit(made, priority="High")
        here.learn()
        here.wait(DAY)
        now = here.clock.now()
        with here.place.app().place.work("test") as mirror:

            def known() -> list[Any]:
                make_past(mirror, (), now - timedelta(days=30), now, [made.id])
                asked = "SELECT priority, k_priority, k_status FROM past_states ORDER BY moment"
                return mirror.rows(Sql(asked))

            assert known() == [("Low", True, True), ("High", True, True)]
            lost = "UPDATE zdsync.ticket_changes SET after = 'Medium' WHERE field = 'priority'"
            mirror.run(Sql(lost))
            assert known() == [("Low", True, True), ("Medium", False, True)]

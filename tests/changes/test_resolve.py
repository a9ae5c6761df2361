"""Who is meant."""

from __future__ import annotations

from dataclasses import replace

from tests.changes.world import IT, PORTAL, SUPPORT
from zdsync.changes.resolve import Nothing, Resolver
from zdsync.model import Agent, CrmUser, Named

HERE = frozenset({SUPPORT})


def resolver(**more: object) -> Resolver:
    return Resolver(replace(PORTAL, **more))  # type: ignore[arg-type]


def test_an_owner_is_found_by_zuid_before_e_mail() -> None:
    agents = (
        Agent("x1", "other@d.example", "X", "7", True, HERE),
        Agent("x2", "own@d.example", "Y", "8", True, HERE),
    )
    found = resolver(agents=agents, crm_users=(CrmUser("u", "own@d.example", "7"),))
    assert found.owner("OWN@d.example", SUPPORT) == agents[0]


def test_an_owner_without_a_zuid_is_found_by_e_mail_in_any_case() -> None:
    found = resolver().owner(" BO@clinic.example", SUPPORT)
    assert isinstance(found, Agent)
    assert found.id == "a2"


def test_two_agents_of_one_zuid_are_nobody() -> None:
    agents = tuple(Agent(f"x{n}", None, "X", "7", True, HERE) for n in (1, 2))
    found = resolver(agents=agents, crm_users=(CrmUser("u", "own@d.example", "7"),))
    assert isinstance(found.owner("own@d.example", SUPPORT), Nothing)


def test_the_owner_map_overrides() -> None:
    one = Resolver(PORTAL, {"Ana.CRM@clinic.example": "bo@clinic.example"})
    found = one.owner("ana.crm@clinic.example", SUPPORT)
    assert isinstance(found, Agent)
    assert found.id == "a2"


def test_an_agent_is_named_by_e_mail_id_or_unique_name() -> None:
    one = resolver()
    for name in ("a2", "BO@clinic.example", "bo"):
        found = one.agent(name, IT)
        assert isinstance(found, Agent)
        assert found.id == "a2"
    assert one.agent("Twin", SUPPORT) == Nothing("two agents match Twin")


def test_a_team_is_named_within_the_department() -> None:
    both = resolver(teams=(Named("t1", "Desk", SUPPORT), Named("t9", "Desk", IT)))
    assert both.team("desk", IT) == Named("t9", "Desk", IT)
    assert isinstance(both.team("desk", "d9"), Nothing)
    assert isinstance(both.team("nope", IT), Nothing)

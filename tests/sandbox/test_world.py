"""Laws of the seeded world: who is there, what they write, and that it is always the same."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.sandbox.client import Client
from zdsync.sandbox.records import Ticket
from zdsync.sandbox.times import DAY


@pytest.fixture(scope="module")
def c() -> Client:
    return Client(tickets=2000)


def test_same_seed_same_world() -> None:
    one, two, other = Client(tickets=300), Client(tickets=300), Client(tickets=300, seed=8)
    assert list(one.state.tickets.values()) == list(two.state.tickets.values())
    assert list(one.state.contacts.values()) == list(two.state.contacts.values())
    assert list(one.state.tickets.values()) != list(other.state.tickets.values())


def test_organisation_has_its_odd_people(c: Client) -> None:
    agents, users = c.state.agents.values(), c.state.crm_users.values()
    zuids = {u.zuid for u in users}
    mails = {u.email.lower() for u in users}
    assert sum(a.status == "DISABLED" for a in agents) == 1
    assert [a.name for a in agents if a.zuid is None and a.email in mails] == ["Carla Moreau"]
    alone = [
        a
        for a in agents
        if a.zuid not in zuids and a.email not in mails and a.id != c.state.api_agent
    ]
    assert [a.name for a in alone] == ["Fatima Zahra"]
    strangers = [
        u
        for u in users
        if u.zuid not in {a.zuid for a in agents}
        and u.email.lower() not in {a.email for a in agents}
    ]
    assert [u.name for u in strangers] == ["Oscar Bell"]
    owners = {r.owner_id for r in c.state.crm_contacts.values()}
    assert strangers[0].id in owners


def test_contacts_point_into_the_crm_in_every_way(c: Client) -> None:
    kinds = Counter(p.crm_type for p in c.state.contacts.values())
    assert set(kinds) == {None, "contacts", "leads", "contacts_leads"}
    for person in c.state.contacts.values():
        if person.crm_type in ("leads", "contacts_leads"):
            assert person.crm_id in c.state.crm_leads
        elif person.crm_type == "contacts":
            assert person.crm_id in c.state.crm_contacts
    tiers = {a.values["SLA_Tier"] for a in c.state.crm_accounts.values()}
    assert tiers == {"Gold", "Silver", "Bronze", None}


def _live(c: Client) -> list[Ticket]:
    return list(c.state.tickets.values())


def test_tickets_span_two_years_with_a_fifth_open(c: Client) -> None:
    tickets = _live(c)
    share = sum(t.status_type != "Closed" for t in tickets) / len(tickets)
    assert 0.12 < share < 0.28
    assert max(t.created for t in tickets) - min(t.created for t in tickets) > 650 * DAY
    assert all(t.created <= t.modified for t in tickets)
    assert {t.language for t in tickets} >= {"en", "fr", "de", "es", "ar", "ja"}
    assert {t.status for t in tickets} >= {
        "Open",
        "In Progress",
        "Escalated",
        "On Hold",
        "Waiting for customer",
        "Closed",
    }


def test_ids_and_numbers_rise_with_time(c: Client) -> None:
    tickets = _live(c)
    assert [t.number for t in tickets] == sorted(t.number for t in tickets)
    assert [t.created for t in tickets] == sorted(t.created for t in tickets)


def test_a_mass_import_shares_one_second(c: Client) -> None:
    assert Counter(t.created for t in _live(c)).most_common(1)[0][1] >= 150


def test_spam_waits_for_the_rule_and_its_senders_are_not_in_the_crm(c: Client) -> None:
    waiting = [
        t
        for t in _live(c)
        if (t.email or "").endswith((".top", ".xyz")) and t.status_type != "Closed" and not t.spam
    ]
    assert waiting
    assert {c.state.contacts[t.contact_id].crm_id for t in waiting} == {None}


def test_patients_landed_in_it(c: Client) -> None:
    it = c.department("IT")
    patients = [t for t in _live(c) if t.department_id == it and t.language not in ("en", None)]
    assert len(patients) > 10


def test_hostile_subjects_are_there(c: Client) -> None:
    subjects = " ".join(t.subject for t in _live(c))
    for sign in ("<script>", "\x1b[31m", "=HYPERLINK(", "\u202e", "🆘", "DROP TABLE"):
        assert sign in subjects
    assert max(len(t.subject) for t in _live(c)) > 900
    assert any(t.description is None for t in _live(c))


def test_clinic_closes_carry_an_outcome(c: Client) -> None:
    clinic = {c.department("IT"), c.department("Support")}
    closed = [t for t in _live(c) if t.department_id in clinic and t.status_type == "Closed"]
    assert all((t.cf or {}).get("cf_outcome") for t in closed)
    assert {d for t in _live(c) if t.tags for d in [t.department_id]}

"""The people of the seeded world: departments, teams, agents, CRM users, contacts, accounts.

Owns who exists and how Desk and CRM point at each other. Promises the same people for the
same seed. Must not make tickets (world.py does).
"""

from __future__ import annotations

from random import Random

from .records import Account, Agent, Contact, CrmRecord, CrmUser, Department, Team
from .state import State
from .times import DAY, HOUR
from .words import COMPANIES, COUNTRIES, FIRST, INDUSTRIES, LAST

DEPARTMENTS = ("IT", "Support", "Paid Support", "Community", "Trials")
CLINIC = ("IT", "Support")
# first, last, departments, how the CRM knows the agent: zuid, email (only), none
_AGENTS = (
    ("Ana", "Reyes", ("Support",), "zuid"),
    ("Bruno", "Keller", ("Support",), "zuid"),
    ("Carla", "Moreau", ("Support", "IT"), "email"),
    ("Deepak", "Rao", ("IT",), "zuid"),
    ("Erin", "Walsh", ("IT",), "zuid"),
    ("Fatima", "Zahra", ("Support",), "none"),
    ("Gil", "Santos", ("Paid Support", "Trials"), "zuid"),
    ("Hana", "Sato", ("Paid Support",), "zuid"),
    ("Igor", "Novak", ("Community",), "zuid"),
    ("Julia", "Brandt", ("Community", "Trials"), "zuid"),
    ("Kofi", "Mensah", ("Paid Support", "Community"), "zuid"),
    ("Lena", "Vogel", ("Trials",), "zuid"),
    ("Mateo", "Silva", ("Support", "Paid Support"), "zuid"),
    ("Nora", "Lind", ("Support",), "zuid"),  # DISABLED, owns contacts all the same
)
_TEAMS = (
    ("Front Desk", "Support", 4),
    ("On Call", "IT", 2),
    ("Gold Desk", "Paid Support", 3),
    ("Moderators", "Community", 2),
    ("Onboarding", "Trials", 2),
)
_TIERS = ("Gold", "Silver", "Bronze", None)
_STANDINGS = ("Paid", "Community", "Trial")


def make_people(state: State, rng: Random, tickets: int, now: int) -> None:
    """Fill the state with everybody who can write or answer tickets."""
    _departments(state, now)
    _agents(state, now)
    _teams(state)
    _accounts(state, rng, max(12, tickets // 40), now)
    _contacts(state, rng, max(40, tickets // 4), now)


def _departments(state: State, now: int) -> None:
    for n, name in enumerate(DEPARTMENTS):
        department = Department(state.new_id(), name, now - 900 * DAY + n * HOUR, "", n == 1)
        state.departments[department.id] = department


def _agents(state: State, now: int) -> None:
    by_name = {d.name: d.id for d in state.departments.values()}
    for n, (first, last, where, known) in enumerate(_AGENTS):
        email = f"{first}.{last}@clinic.example".lower()
        zuid = str(70_000_100 + n)
        status = "DISABLED" if last == "Lind" else "ACTIVE"
        desk_zuid = None if known == "email" else zuid
        agent = Agent(
            state.new_id(), desk_zuid, email, first, last, [by_name[name] for name in where], status
        )
        state.agents[agent.id] = agent
        if known != "none":
            # "one only by e-mail": the CRM writes it in capitals, Desk has no zuid
            mail = email.upper() if known == "email" else email
            _crm_user(state, zuid, mail, agent.name, now)
    robot = Agent(
        state.new_id(),
        "70000999",
        "integration@clinic.example",
        "Robin",
        "Integration",
        list(state.departments),
        role="CEO",
        profile="Administrator",
    )
    state.agents[robot.id] = robot
    state.api_agent = robot.id
    for department in state.departments.values():
        department.creator_id = robot.id
    _crm_user(state, "70000998", "oscar.bell@sales.example", "Oscar Bell", now)


def _crm_user(state: State, zuid: str | None, email: str, name: str, now: int) -> None:
    first, last = name.split()
    user = CrmUser(state.new_crm_id(), zuid, email, first, last, now - 900 * DAY, now - 90 * DAY)
    state.crm_users[user.id] = user


def _teams(state: State) -> None:
    by_name = {d.name: d.id for d in state.departments.values()}
    for name, department, size in _TEAMS:
        members = [
            a.id
            for a in state.agents.values()
            if by_name[department] in a.departments
            and a.id != state.api_agent
            and a.status == "ACTIVE"
        ]
        team = Team(state.new_id(), name, by_name[department], members[:size])
        state.teams[team.id] = team


def _accounts(state: State, rng: Random, count: int, now: int) -> None:
    agents = list(state.agents)
    for n in range(count):
        name = COMPANIES[n % len(COMPANIES)] + (
            f" {n // len(COMPANIES) + 1}" if n >= len(COMPANIES) else ""
        )
        slug = name.lower().replace(" ", "-")
        created = now - rng.randrange(730, 900) * DAY - rng.randrange(DAY)
        created = state.stamp(created)
        modified = state.stamp(created + rng.randrange(700) * DAY)
        crm_id = None if n % 9 == 8 else _crm_account(state, rng, name, created, n)
        account = Account(
            state.new_id(),
            name,
            f"https://{slug}.example",
            f"office@{slug}.example",
            f"+1 555 {n:04}",
            rng.choice(INDUSTRIES),
            rng.choice(agents),
            crm_id,
            created,
            modified,
            {"cf_region": rng.choice(("EMEA", "AMER", "APAC", None))},
        )
        state.accounts[account.id] = account


def _crm_account(state: State, rng: Random, name: str, created: int, n: int) -> str:
    slug = name.lower().replace(" ", "-")
    record = CrmRecord(
        state.new_crm_id(),
        "Accounts",
        rng.choice(list(state.crm_users)),
        {
            "Account_Name": name,
            "Website": f"https://{slug}.example",
            "Phone": f"+1 555 {n:04}",
            "Industry": rng.choice(INDUSTRIES),
            "SLA_Tier": _TIERS[n % 4],
            "Standing": _STANDINGS[n % 3],
            "Annual_Revenue": rng.randrange(1, 900) * 10_000,
            "Description": None,
            "Health_Score": rng.randrange(100),
        },
        created,
        state.stamp(created + rng.randrange(1, 700) * DAY),
    )
    state.crm_accounts[record.id] = record
    return record.id


def _contacts(state: State, rng: Random, count: int, now: int) -> None:
    accounts = list(state.accounts.values())
    everybody, support = list(state.crm_users), _support_users(state)
    for n in range(count):
        account = rng.choice(accounts) if n % 2 else None
        contact = _contact(state, rng, n, account, now)
        # most patients belong to somebody at the Support desk, some to anybody
        near = account is None and rng.random() < 0.75
        _link(state, rng, n, contact, rng.choice(support if near else everybody))
        state.contacts[contact.id] = contact


def _contact(state: State, rng: Random, n: int, account: Account | None, now: int) -> Contact:
    owner = rng.choice(list(state.agents))
    first, last = rng.choice(FIRST), rng.choice(LAST)
    domain = account.website[8:] if account and account.website else "mail.example"
    created = state.stamp(now - 731 * DAY - rng.randrange(200 * DAY))
    email = f"{first}.{last}.{n}@{domain}".lower().replace("'", "") if n % 50 != 49 else None
    return Contact(
        state.new_id(),
        first if n % 17 else None,
        last,
        email,
        f"+1 555 1{n:05}",
        None,
        account.id if account else None,
        owner,
        None,
        None,
        created,
        state.stamp(created + rng.randrange(900 * DAY) * 8 // 10),
        rng.choice(COUNTRIES),
        None,
        cf={"cf_vip": "true" if n % 23 == 0 else None},
    )


def _support_users(state: State) -> list[str]:
    support = next(d.id for d in state.departments.values() if d.name == "Support")
    mails = {a.email for a in state.agents.values() if support in a.departments}
    return [u.id for u in state.crm_users.values() if u.email.lower() in mails]


def _link(state: State, rng: Random, n: int, contact: Contact, owner: str) -> None:
    """Three of four contacts are in the CRM; some of those as a lead (CRM 16)."""
    if n % 4 == 3:
        return
    as_lead = n % 10 == 6
    account = state.accounts.get(contact.account_id or "")
    values = {
        "First_Name": contact.first,
        "Last_Name": contact.last,
        "Email": contact.email,
        "Phone": contact.phone,
        "Lead_Source": rng.choice(("Web", "Partner", None)),
        "Patient_Since": "2024-03-01" if n % 3 == 0 else None,
        "Description": None,
    }
    values["Company" if as_lead else "Account_Name"] = (
        "Self" if as_lead else account.crm_id if account else None
    )
    record = CrmRecord(
        state.new_crm_id(),
        "Leads" if as_lead else "Contacts",
        owner,
        values,
        contact.created,
        contact.modified,
    )
    (state.crm_leads if as_lead else state.crm_contacts)[record.id] = record
    contact.crm_id = record.id
    contact.crm_type = "contacts" if not as_lead else ("leads" if n % 20 == 6 else "contacts_leads")

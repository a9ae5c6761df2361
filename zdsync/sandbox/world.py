"""The seeded world: two years of tickets of a clinic and of a software maker.

Owns the mix (departments, statuses, languages, spam, hostile texts, shared seconds).
Promises the same world for the same seed, size and hour. Must not know HTTP.
"""

from __future__ import annotations

from random import Random

from .people import CLINIC, make_people
from .records import Contact, Ticket
from .state import OUTCOMES, STATUSES, State
from .times import DAY, HOUR, MINUTE, SECOND
from .variant import Variant
from .words import HOSTILE, IT, MACHINES, PATIENT, SOFTWARE, SPAM, SPAM_DOMAINS, TAGS

_SPAN = 730 * DAY
_OPEN_STATUSES = (
    "Open",
    "Open",
    "Open",
    "In Progress",
    "Escalated",
    "On Hold",
    "Waiting for customer",
)
_CHANNELS = ("Email", "Email", "Email", "Web", "Chat", "Phone", "Forum")
_MIX = (
    ("Support",) * 30
    + ("IT",) * 20
    + ("Paid Support",) * 25
    + ("Community",) * 15
    + ("Trials",) * 10
)
_LANGUAGES = ("en",) * 12 + ("fr", "de", "es", "ar", "ja")
_IMPORT = 150  # rows that a mass import made in one second, at most


def make_world(variant: Variant, tickets: int, seed: int, now: int) -> State:
    """Build a portal anchored at the hour of `now` (epoch ms)."""
    state = State(variant)
    anchor = now - now % HOUR
    rng = Random(seed)
    make_people(state, rng, tickets, anchor)
    _Tickets(state, rng, tickets, anchor).make()
    state.load()
    return state


class _Tickets:
    """The making of tickets; holds what all of them draw from."""

    def __init__(self, state: State, rng: Random, count: int, now: int) -> None:
        self.state = state
        self.rng = rng
        self.count = count
        self.now = now
        self.departments = {d.name: d.id for d in state.departments.values()}
        self.members = {
            d: [
                a.id
                for a in state.agents.values()
                if d in a.departments and a.status == "ACTIVE" and a.id != state.api_agent
            ]
            for d in state.departments
        }
        self.teams = {t.department_id: t.id for t in state.teams.values()}
        people = list(state.contacts.values())
        self.patients = [c for c in people if c.account_id is None]
        self.customers = [c for c in people if c.account_id is not None]
        self.spammers: list[Contact] = []
        self.machines: list[Contact] = []

    def make(self) -> None:
        """Make all tickets, oldest first, so that ids and numbers rise with time."""
        self._strangers()
        for n, created in enumerate(self._times()):
            ticket = self._ticket(n, created)
            self.state.tickets[ticket.id] = ticket

    def _times(self) -> list[int]:
        """Spread over two years; a mass import shares one second."""
        imported = min(_IMPORT, self.count // 10)
        second = self.now - 400 * DAY - 7 * SECOND
        times = [
            self.now - 5 * MINUTE - self.rng.randrange(_SPAN) for _ in range(self.count - imported)
        ]
        return sorted(self.state.stamp(t) for t in times + [second] * imported)

    def _strangers(self) -> None:
        """Make those who are not in the CRM by nature: vendors, and the clinic's own machines."""
        for n, domain in enumerate(SPAM_DOMAINS * 3):
            self.spammers.append(self._stranger(f"Growth Team {n}", f"hello{n}@{domain}"))
        for name in MACHINES:
            address = name.lower().replace(" ", ".")
            self.machines.append(self._stranger(name, f"{address}@systems.clinic.example"))

    def _stranger(self, name: str, email: str) -> Contact:
        at = self.state.stamp(self.now - 731 * DAY)
        made = Contact(
            self.state.new_id(), None, name, email, None, None, None, None, None, None, at, at
        )
        self.state.contacts[made.id] = made
        return made

    def _ticket(self, n: int, created: int) -> Ticket:
        rng = self.rng
        name = rng.choice(_MIX)
        fresh = self.now - created < 60 * DAY
        spam_text = rng.random() < (0.12 if fresh else 0.04)
        subject, text, language, contact = self._words(name, spam_text, n)
        ticket = Ticket(
            self.state.new_id(),
            self.state.new_number(),
            subject,
            text,
            "Open",
            "Open",
            self._priority(name),
            rng.choice(_CHANNELS) if not spam_text else "Email",
            language,
            self.departments[name],
            contact.id,
            contact.account_id,
            None,
            None,
            contact.email,
            created,
            created,
            created_by=contact.id,
        )
        self._life(ticket)
        if spam_text:
            self._as_spam(ticket)
        self._extras(ticket, n)
        return ticket

    def _words(self, name: str, spam: bool, n: int) -> tuple[str, str | None, str | None, Contact]:
        rng = self.rng
        contact = rng.choice(self.patients if name in CLINIC else self.customers)
        if spam:
            subject, body = rng.choice(SPAM)
            return subject, body.replace("{n}", str(n % 97)), "en", rng.choice(self.spammers)
        if n % 61 == 17:
            odd, more = HOSTILE[n // 61 % len(HOSTILE)]
            return odd[:1000], more, None if n % 2 else "en", contact
        language = rng.choice(_LANGUAGES)
        if name == "IT" and rng.random() < 0.7:  # the rest: patients who wrote to IT
            language, contact = "en", rng.choice(self.machines)
            texts: tuple[tuple[str, str], ...] = IT
        else:
            texts = PATIENT[language] if name in CLINIC else SOFTWARE[language]
        subject, body = rng.choice(texts)
        number = str(n % 997 + 2)
        return subject.replace("{n}", number), body.replace("{n}", number), language, contact

    def _priority(self, name: str) -> str | None:
        if name in CLINIC:
            return self.rng.choice((None, None, "Low", "Medium", "High"))
        return self.rng.choice((None, "Low", "Medium", "High"))

    def _life(self, ticket: Ticket) -> None:
        """Decide status, times, assignee: about 20 % are open, mostly young ones."""
        rng, age = self.rng, self.now - ticket.created
        # rises to 1 for fresh tickets; the mean over two years is about 0.2
        is_open = rng.random() < 0.16 + 0.8 * max(0.0, 1 - age / (90 * DAY))
        ticket.status = rng.choice(_OPEN_STATUSES) if is_open else "Closed"
        ticket.status_type = STATUSES[ticket.status]
        end = ticket.created + min(age, rng.randrange(MINUTE, 20 * DAY))
        ticket.modified = self.state.stamp(end)
        members = self.members[ticket.department_id]
        if rng.random() < (0.55 if is_open else 0.97):
            ticket.assignee_id = rng.choice(members)
        if rng.random() < 0.2:
            ticket.team_id = self.teams[ticket.department_id]
        ticket.threads = 1 + rng.randrange(4)
        ticket.comments = rng.randrange(3)
        ticket.last_direction = rng.choice(("in", "out")) if ticket.threads > 1 else "in"
        ticket.modified_by = ticket.assignee_id
        ticket.due = ticket.created + 3 * DAY if rng.random() < 0.6 else None
        if not is_open:
            ticket.closed = ticket.modified
        elif ticket.status_type == "On Hold":
            ticket.onhold = ticket.modified
        ticket.customer_response = ticket.created if ticket.threads < 3 else ticket.modified

    def _as_spam(self, ticket: Ticket) -> None:
        """Old spam was closed and mostly marked; that of the last weeks still lies there."""
        if self.now - ticket.created < 60 * DAY:
            ticket.status = ticket.status_type = "Open"
            ticket.closed = ticket.onhold = ticket.assignee_id = None
            return
        ticket.status = ticket.status_type = "Closed"
        ticket.closed, ticket.onhold = ticket.modified, None
        ticket.cf = {"cf_outcome": "Spam"}
        ticket.spam = self.rng.random() < 0.6

    def _extras(self, ticket: Ticket, n: int) -> None:
        rng = self.rng
        if ticket.closed and ticket.cf is None:
            clinic = ticket.department_id in (self.departments["IT"], self.departments["Support"])
            ticket.cf = {
                "cf_outcome": rng.choice(OUTCOMES[:3] + ("Resolved",) * 4) if clinic else None
            }
        if n % 7 == 0:
            ticket.cf = {**(ticket.cf or {}), "cf_cid": f"C-{n:06}"}
        if n % 19 == 0:
            ticket.cf = {**(ticket.cf or {}), "cf_follow_up": "2026-01-15"}
        if n % 11 == 0:
            at = ticket.created
            ticket.tags = tuple(
                self.state.tag(name, at).name for name in rng.sample(TAGS, 1 + n % 3)
            )
        if ticket.closed and n % 401 == 0:
            ticket.archived = True
        if ticket.closed and n % 29 == 5 and self.now - ticket.modified < 50 * DAY:
            ticket.trashed, ticket.trashed_by = ticket.modified, self.state.api_agent

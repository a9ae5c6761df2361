"""A patient with words that nobody else has, put into a sandbox; and a search of raw bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.loop.portal import Portal

NAME = "Quillonéa"
MAIL = "zebulon.qx@patient.example"
PHONE = "+49 151 70314159"
SUBJECT = "Verschwiegene Frage zur Wurzelbehandlung"
BODY = "Meine geheime Diagnose lautet Xylopharyngitis"
ANSWER = "Beschluss nach Vertraulichgespraech"
CRM = "Altaktenvermerk Kryptonotiz"
WORDS = (NAME, MAIL, PHONE, SUBJECT, BODY, ANSWER, CRM)


@dataclass(frozen=True)
class Person:
    """Where the patient lies in the sandbox."""

    contact: str
    crm: str
    open: str
    closed: str

    @property
    def tickets(self) -> tuple[str, str]:
        return self.open, self.closed


def admit(place: Portal) -> Person:
    """Give a contact that the CRM knows two tickets, and every text of them a word of its own."""
    box, state = place.box, place.box.state
    contact = next(
        one for one in state.contacts.values() if one.crm_id and one.crm_type == "contacts"
    )
    box.edit_contact(contact.id, last=NAME, email=MAIL, phone=PHONE)
    box.crm_edit("Contacts", contact.crm_id, Last_Name=NAME, Email=MAIL, Description=CRM)
    support = next(one.id for one in state.departments.values() if one.name == "Support")
    made = [
        box.create(
            contact_id=contact.id,
            department_id=support,
            subject=SUBJECT,
            description=BODY,
            email=MAIL,
            phone=PHONE,
            cf={"cf_cid": NAME},
        ).id
        for _ in range(2)
    ]
    for one in made:
        box.edit(one, resolution=ANSWER)
        box.comment(one, f"{NAME} called")
        box.reply(one, BODY)
        box.tag(one, add=("billing", NAME))
    box.edit(made[1], status="Closed")
    return Person(contact.id, str(contact.crm_id), made[0], made[1])


def found(folder: Path, words: tuple[str, ...] = WORDS) -> list[tuple[str, str]]:
    """The words that some file below a folder holds, with its name."""
    hits = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            raw = path.read_bytes()
            hits += [
                (str(path.relative_to(folder)), word)
                for word in words
                for text in (word, word.lower())
                if text.encode() in raw
            ]
    return sorted(set(hits))

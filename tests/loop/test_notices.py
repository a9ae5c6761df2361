"""Notices leave the portal once, by mail or chat, and tell nothing of customers unasked."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tests.loop.outlets import Inbox, chat, mail_server
from tests.loop.portal import Portal, portal
from tests.loop.test_speech import apply, nothing_left, tickets
from tests.loop.test_speech_crash import Later
from zdsync.doctor import examine
from zdsync.errors import Misconfigured

RULE = """
version: 1
limits: {changes_per_rule: 1000}
rules:
  - id: tell
    why: Somebody should look.
    mode: apply
    %s
    when: {department: Support}
    then:
      - notify:
          to: [ops, chat]
          text: "Ticket {{ ticket.number }} is {{ status }}: {{ ticket.link }}"
"""


@dataclass
class Scene:
    place: Portal
    mail: Inbox
    chat: Inbox

    def set(self, **settings: Any) -> None:
        self.place.settings = self.place.settings.model_copy(update=settings)


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A portal and its mirror, once: notices change nothing in Zoho."""
    with portal(tmp_path_factory.mktemp("notices"), tickets=30) as place:
        place.pull()
        yield place


@pytest.fixture
def scene(pulled: Portal, tmp_path: Path) -> Iterator[Scene]:
    with mail_server() as mail, chat() as room:
        data, rules = tmp_path / "data", tmp_path / "rules.yaml"
        shutil.copytree(pulled.settings.data_dir, data)
        settings = pulled.settings.model_copy(update={"data_dir": data, "rules": rules})
        place = Portal(pulled.box, settings)
        found = Scene(place, mail, room)
        found.set(
            notify={"ops": SecretStr("mailto:ops@clinic.example"), "chat": SecretStr(room.url)},
            smtp_url=SecretStr(mail.url),
            smtp_from="zdsync@clinic.example",
        )
        place.rules(RULE % "")
        yield found


def test_each_is_told_once_by_mail_and_chat(scene: Scene) -> None:
    some = tickets(scene.place)
    found = apply(scene.place)
    assert found.outcomes == {"applied": 2 * len(some)}
    numbers = sorted(str(one.number) for one in some)
    told = sorted(post["text"].split("Ticket ")[2].split()[0] for post in scene.chat.posts)
    assert told == numbers
    assert len(scene.mail.mails) == len(some)
    mail = scene.mail.mails[0]
    assert (mail["From"], mail["To"]) == ("zdsync@clinic.example", "ops@clinic.example")
    assert mail["Subject"].startswith("Ticket ") and mail["Subject"].endswith(": tell")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert scene.mail.logins
    scene.place.pull()
    nothing_left(scene.place)
    assert len(scene.mail.mails) == len(scene.chat.posts) == len(some)


def test_a_target_that_refuses_costs_only_itself_and_is_tried_again(scene: Scene) -> None:
    some = tickets(scene.place)
    scene.chat.status = 403
    found = apply(scene.place)
    assert found.outcomes == {"applied": len(some), "rejected": len(some)}
    ((said,),) = scene.place.rows(
        "select distinct error from zdsync.journal where outcome = 'rejected'"
    )
    assert said.endswith(": HTTP 403") and "secret-of-the-hook" not in said
    scene.chat.status = 200
    assert apply(scene.place).outcomes == {"applied": len(some)}
    assert len(scene.mail.mails) == len(scene.chat.posts) == len(some)


def test_a_receiver_that_the_mail_server_refuses_is_rejected(scene: Scene) -> None:
    scene.mail.refuse = frozenset({"ops@clinic.example"})
    some = tickets(scene.place)
    found = apply(scene.place)
    assert found.outcomes == {"applied": len(some), "rejected": len(some)}
    assert "receiver was refused (550)" in found.failures[0][1].error


@pytest.mark.parametrize("trouble", ["chat", "mail"])
def test_a_notice_without_an_answer_is_unknown_and_never_repeated(
    scene: Scene, trouble: str
) -> None:
    some = tickets(scene.place)
    scene.chat.status = 502 if trouble == "chat" else 200
    scene.mail.hang_up = trouble == "mail"
    assert apply(scene.place).outcomes == {"applied": len(some), "unknown": len(some)}
    scene.chat.status, scene.mail.hang_up = 200, False
    nothing_left(scene.place)


def test_again_after_lets_a_rule_tell_again(scene: Scene) -> None:
    scene.place.rules(RULE % "again_after: 12h")
    apply(scene.place)
    before = len(scene.mail.mails)
    scene.place.clock = Later(11 * 60)
    scene.place.pull()
    nothing_left(scene.place)
    scene.place.clock = Later(13 * 60)
    scene.place.pull()
    assert apply(scene.place).clean
    assert len(scene.mail.mails) == 2 * before


def test_a_renamed_rule_keeps_its_memory(scene: Scene) -> None:
    apply(scene.place)
    renamed = (RULE % "formerly: tell").replace("id: tell", "id: told")
    scene.place.rules(renamed)
    nothing_left(scene.place)
    scene.place.rules(renamed.replace("formerly: tell", ""))
    assert scene.place.app().plan().changes


def test_an_agent_is_told_at_the_address_of_the_portal(scene: Scene) -> None:
    scene.place.rules((RULE % "").replace("[ops, chat]", "{field: assignee}"))
    state = scene.place.box.state
    some = [one for one in tickets(scene.place) if one.assignee_id]
    active = [one for one in some if state.agents[str(one.assignee_id)].status == "ACTIVE"]
    plan, _ = scene.place.app().apply(None, lambda plan: True)
    assert sorted(mail["To"] for mail in scene.mail.mails) == sorted(
        state.agents[str(one.assignee_id)].email for one in active
    )
    assert len(plan.unresolved) == len(tickets(scene.place)) - len(active)


def test_customers_words_stay_unless_a_setting_lets_them_go(scene: Scene) -> None:
    rule = (RULE % "").replace("is {{ status }}", "is {{ subject }}")
    scene.place.rules(rule)
    with pytest.raises(Misconfigured) as refused:
        scene.place.app().plan()
    assert [one.text for one in refused.value.problems] == ["subject"]
    scene.set(notify_texts=True)
    assert apply(scene.place).clean


def test_nobody_is_told_where_nobody_is_named(scene: Scene) -> None:
    scene.set(notify={})
    plan = scene.place.app().plan()
    assert not plan.changes
    assert "ZDSYNC_NOTIFY" in plan.skipped[0].reason


def test_no_address_of_a_hook_and_no_password_is_told(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    scene.chat.status = 403
    found = apply(scene.place)
    files = [path for path in scene.place.settings.data_dir.rglob("*") if path.is_file()]
    written = b"".join(path.read_bytes() for path in files)
    ours = [one for one in caplog.records if one.name.startswith("zdsync")]  # no other is shown
    said = "".join(map(caplog.handler.format, ours)) + str(found) + repr(scene.place.settings)
    for secret in ("secret-of-the-hook", "pass%40word", "pass@word"):
        assert secret not in said
        assert secret.encode() not in written


def test_doctor_tells_who_is_told_and_sends_nothing(scene: Scene) -> None:
    scene.set(replies=True)
    found = {one.what: one for one in examine(scene.place.settings)}
    assert found["notices"].said == "chat (chat), ops (mail)"
    assert found["notices"].code == 0
    assert "support@clinic.example" in found["replies"].said
    scene.set(smtp_from=None)
    found = {one.what: one for one in examine(scene.place.settings)}
    assert (found["notices"].code, found["notices"].mend[:12]) == (2, "set ZDSYNC_S")
    assert not scene.mail.mails and not scene.chat.posts

"""kill -9 and power loss at every step of apply: every intended change once, none twice.

The processes, files and sockets are real. A sample of the steps is tried; EVERY_STEP=1 tries all,
and has the process that follows killed too.
"""

from __future__ import annotations

import copy
import itertools
import json
import os
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tests.loop.outlets import Inbox, chat, mail_server
from tests.loop.portal import Portal, environment, portal
from tests.loop.steps import Death, Life, life, live
from tests.loop.test_speech_crash import Later
from zdsync.sandbox import Sandbox
from zdsync.settings import Settings

EVERY = "EVERY_STEP" in os.environ
APPLY = ("apply", "--yes", "--destructive")
RULES = """
version: 1
limits: {changes_per_rule: 1000, destructive_per_tick: 1000, destructive_per_day: 1000}
rules:
  - {id: fields, mode: apply, when: {subject: {starts_with: [Fields, All]}}, then: [{set: {priority: High, category: hers}}]}
  - {id: tags, mode: apply, when: {subject: {starts_with: [Tags, All]}}, then: [{tag: {add: [seen, known], remove: [fresh]}}]}
  - {id: give, mode: apply, when: {subject: {starts_with: [Give, All]}}, then: [{assign: AGENT}]}
  - {id: move, mode: apply, when: {subject: {starts_with: Move}}, then: [{move: IT}]}
  - {id: close, mode: apply, when: {subject: {starts_with: Close}}, then: [{close: {outcome: Resolved}}]}
  - {id: spam, mode: apply, when: {subject: {starts_with: Spam}}, then: [{close: {outcome: Spam, notify_contact: false}}, spam]}
  - {id: note, mode: apply, when: {subject: {starts_with: [Note, All]}}, then: [{comment: "Look at {{ subject }}"}]}
  - {id: answer, mode: apply, when: {subject: {starts_with: [Answer, All]}}, then: [{reply: {template: "We read {{ subject }}", from: support@clinic.example}}]}
  - {id: tell, mode: apply, when: {subject: {starts_with: [Tell, All]}}, then: [{notify: {to: [ops, chat], text: "{{ ticket.number }}"}}]}
"""  # noqa: E501  # a rule a line
KINDS = ("Fields", "Tags", "Give", "Move", "Close", "Spam", "Note", "Answer", "Tell", "All")
_UNSURE = ("notify:ops", "notify:chat")  # leave no trace: may stay unknown, said once or not


@dataclass
class Story:
    """A portal that was pulled, and how it is begun anew for each death."""

    place: Portal
    folder: Path
    mail: Inbox
    chat: Inbox
    count: int = 0

    @contextmanager
    def again(self) -> Iterator[Scene]:
        """The portal and the mirror as they were before anything was written."""
        self.count += 1
        self.mail.mails.clear()
        self.chat.posts.clear()
        data = self.folder / f"data{self.count}"
        shutil.copytree(self.place.settings.data_dir, data)
        with self.place.box.lock:
            state = copy.deepcopy(self.place.box.state)
        box = Sandbox(state=state)
        box.writes.clear()
        with box.serve() as creds:
            names = {name: creds[name] for name in ("accounts_url", "desk_url", "crm_url")}
            settings = self.place.settings.model_copy(update={**names, "data_dir": data})
            yield Scene(self, Portal(box, settings))
        shutil.rmtree(data)


@dataclass
class Scene:
    """One portal in which processes die."""

    story: Story
    place: Portal
    minutes: float = 0
    lives: list[Life] = field(default_factory=list)

    def live(self, death: Death) -> Life:
        settings = self.place.settings
        log = settings.data_dir.with_suffix(".steps")
        with _what_was_sent_arrives():
            found = live(death, APPLY, _environment(settings), log)
        assert found.killed or found.exit in (0, 1), found.output
        self.lives.append(found)
        return found

    def die_in_call(self, number: int) -> None:
        """Let a process die as its Nth write arrives in Zoho."""
        api = self.place.box.api
        inner, seen, victims = api.handle, itertools.count(1), list[int]()

        def handle(request: Any, base: str, wait: Any = None) -> Any:
            writes = request.method != "GET" and request.path.startswith("/api/v1/")
            if writes and next(seen) == number:
                os.kill(victims[0], signal.SIGKILL)
            return inner(request, base, wait)

        api.handle = handle  # type: ignore[method-assign]  # the sandbox is told who calls
        settings = self.place.settings
        log = settings.data_dir.with_suffix(".steps")
        started = life(Death(), APPLY, _environment(settings), log)
        with _what_was_sent_arrives(), started as (process, end):
            victims.append(process)
            found = end()
        api.handle = inner  # type: ignore[method-assign]  # as before
        assert found.killed, (number, found.output)
        self.lives.append(found)

    def finish(self) -> None:
        """Let runs follow, minutes later, until a plan asks for nothing more."""
        for _ in range(4):
            self.minutes += 2
            self.place.clock = Later(self.minutes)
            self.place.pull()
            _, applied = self.place.app().apply(None, lambda plan: True, destructive=True)
            open_ = self.place.rows("select 1 from zdsync.journal where outcome is null")
            if applied is None and not open_:  # a reply is waited for some minutes
                return
        raise AssertionError(f"the plan is never empty: {applied and applied.failures}")

    def done(self) -> Counter[tuple[str, ...]]:
        """Every write that took effect, and every notice."""
        box = self.place.box
        found = [
            (one.method, one.path, json.dumps(one.query), json.dumps(one.body, sort_keys=True))
            for one in box.writes
        ]
        mails = [("mail", str(one["Subject"])) for one in self.story.mail.mails]
        posts = [("post", str(one["text"])) for one in self.story.chat.posts]
        return Counter([*found, *mails, *posts])

    def unsure(self) -> int:
        """How many changes of unknown outcome the journal holds; only of notices."""
        rows = self.place.rows("select field, outcome from zdsync.journal")
        assert all(outcome for _, outcome in rows)
        unknown = [name for name, outcome in rows if outcome == "unknown"]
        assert set(unknown) <= set(_UNSURE), unknown
        return len(unknown)


@contextmanager
def _what_was_sent_arrives() -> Iterator[None]:
    """Wait until the sandbox has read what a process sent before it died: minutes pass then."""
    before = set(threading.enumerate())
    yield
    for one in set(threading.enumerate()) - before:
        if "process_request" in one.name:
            while one.ident is None:
                time.sleep(0.001)
            one.join(10)


def _environment(settings: Settings) -> dict[str, str]:
    found = environment(settings)
    targets = {name: one.get_secret_value() for name, one in settings.notify.items()}
    assert settings.smtp_url is not None
    return found | {
        "ZDSYNC_EVERY": "6h",
        "ZDSYNC_REPLIES": "on",
        "ZDSYNC_NOTIFY": json.dumps(targets),
        "ZDSYNC_SMTP_URL": settings.smtp_url.get_secret_value(),
        "ZDSYNC_SMTP_FROM": str(settings.smtp_from),
    }


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("steps")
    with mail_server() as mail, chat() as room, portal(folder, tickets=20) as place:
        more: dict[str, Any] = {
            "every": place.settings.every * 100,
            "replies": True,
            "notify": {"ops": SecretStr("mailto:ops@clinic.example"), "chat": SecretStr(room.url)},
            "smtp_url": SecretStr(mail.url),
            "smtp_from": "zdsync@clinic.example",
        }
        place.settings = place.settings.model_copy(update=more)
        box = place.box
        support = next(one.id for one in box.state.departments.values() if one.name == "Support")
        agent = next(
            one
            for one in box.state.agents.values()
            if support in one.departments and one.status == "ACTIVE"
        )
        for number, kind in enumerate(KINDS):
            mail_of = f"patient{number}@person.example"
            one = box.create(subject=f"{kind} of it", department_id=support, email=mail_of)
            box.tag(one.id, add=("fresh",))
        place.pull()
        place.rules(RULES.replace("AGENT", agent.email))
        yield Story(place, folder, mail, room)


@pytest.fixture(scope="module")
def whole(story: Story) -> tuple[Life, Counter[tuple[str, ...]]]:
    """A life without a death, and what it did."""
    with story.again() as scene:
        found = scene.live(Death())
        assert found.exit == 0, found.output
        done = scene.done()
        scene.finish()
        assert scene.done() == done
        assert scene.unsure() == 0
        assert set(done.values()) == {1}
        return found, done


def _holds(scene: Scene, whole: Counter[tuple[str, ...]], where: object) -> None:
    """Every intended change once, none twice; a notice that nobody knows of is unknown."""
    scene.finish()
    done = scene.done()
    assert not done - whole, (where, done - whole)
    lost = whole - done
    assert all("sendReply" in what[1] or what[0] in ("mail", "post") for what in lost), (
        where,
        lost,
    )
    assert sum(lost.values()) <= scene.unsure(), (where, lost, scene.lives)
    receipts = Counter(
        (one["run_id"], one["change_id"])
        for one in scene.place.app().place.journal.lines()
        if one["kind"] == "receipt"
    )
    assert set(receipts.values()) <= {1}, where


def _try_all(points: list[int], one: Callable[[int], None]) -> None:
    """Try each point; all that fail are named at the end."""
    problems = []
    for point in points:
        try:
            one(point)
        except AssertionError as error:
            problems.append(str(error)[:2000])
        if EVERY:
            print(f"{point} of {points[-1]}, {len(problems)} failed", flush=True)
    assert not problems, "\n".join(problems)


def _sample(count: int, many: int) -> list[int]:
    """All steps, or so many of them, the first and the last among them."""
    steps = range(1, count + 1)
    return list(steps) if EVERY else sorted({steps[count * n // many] for n in range(many)})


@pytest.mark.parametrize("power", [False, True], ids=["killed", "power"])
def test_each_change_is_made_once_whatever_the_step_of_death(
    story: Story, whole: tuple[Life, Counter[tuple[str, ...]]], power: bool
) -> None:
    life, done = whole

    def die(step: int) -> None:
        with story.again() as scene:
            first = scene.live(Death(step, power=power))
            assert first.killed, (step, first.output)
            if EVERY:
                scene.live(Death(1 + step * 7 % 40, power=power))
            _holds(scene, done, (step, first.steps[-1]))

    _try_all(_sample(len(life.steps), 5 if power else 9), die)


def test_what_a_call_is_to_do_is_on_disk_before_the_call(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Intents as far as the disk was waited for; of what is said, its own line too."""
    lasting: dict[str, int] = {}
    inner_sync = os.fsync

    def synced(handle: int) -> None:
        path = str(Path(f"/proc/self/fd/{handle}").readlink())
        size = os.fstat(handle).st_size
        inner_sync(handle)
        lasting[path] = size

    def on_disk() -> list[dict[str, Any]]:
        return [
            json.loads(line)
            for path, size in lasting.items()
            if path.endswith(".ndjson")
            for line in Path(path).read_bytes()[:size].splitlines()
        ]

    unjournaled: list[str] = []
    seen: list[str] = []

    with story.again() as scene:
        inner = scene.place.box.api.handle

        def handle(request: Any, base: str, wait: Any = None) -> Any:
            if request.method != "GET" and request.path.startswith("/api/v1/tickets/"):
                seen.append(request.path)
                body, lines = (request.body or b"").decode(), on_disk()
                some = json.loads(body).get("ids") or [request.path.split("/")[4]]
                fields = {one["field"] for one in lines if one.get("ticket_id") in some}
                called = {one["change_id"] for one in lines if one["kind"] == "call"}
                if not _announced(request, fields) or not _named(body, called):
                    unjournaled.append(request.path)
            return inner(request, base, wait)

        monkeypatch.setattr(os, "fsync", synced)
        monkeypatch.setattr(scene.place.box.api, "handle", handle)
        scene.place.app().apply(None, lambda plan: True, destructive=True)
    assert len(seen) > len(KINDS)
    assert not unjournaled


def _announced(request: Any, fields: set[str]) -> bool:
    """Whether every field that a call sets has an intent."""
    last = request.path.rpartition("/")[2]
    body = json.loads(request.body or b"{}")
    if last in ("associateTag", "dissociateTag"):
        return {f"tag:{name}" for name in body["tags"]} <= fields
    if request.method == "PATCH":
        names = {"assigneeId": "assignee", "teamId": "team", "customFields": "cf"}
        flat = {names.get(name, name) for name in body if name != "cf"}
        return flat | {f"cf.{name}" for name in body.get("cf", ())} <= fields
    said = {"comments": "comment", "sendReply": "reply", "move": "department"}
    return said.get(last, "spam") in fields


def _named(body: str, called: set[str]) -> bool:
    """Whether what is said was announced by a line of its own."""
    return "Ref. " not in body or any(f"Ref. {change}<" in body for change in called)


def test_each_change_is_made_once_whichever_the_call_under_way(
    story: Story, whole: tuple[Life, Counter[tuple[str, ...]]]
) -> None:
    """The call has left, the process dies, and then Zoho does what it was asked."""
    _, done = whole

    def die(number: int) -> None:
        with story.again() as scene:
            scene.die_in_call(number)
            _holds(scene, done, ("call", number))

    calls = sum(what[0] in ("POST", "PATCH") for what in done)
    _try_all(_sample(calls, 4), die)


def test_each_change_is_made_once_where_tickets_are_served_side_by_side(
    story: Story, whole: tuple[Life, Counter[tuple[str, ...]]]
) -> None:
    life, done = whole

    def die(step: int) -> None:
        with story.again() as scene:
            scene.live(Death(step, workers=0))
            _holds(scene, done, step)

    _try_all(_sample(len(life.steps), 3), die)

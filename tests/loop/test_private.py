"""What lies in the data directory belongs to its owner, and what is said names nobody."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loop.person import BODY, MAIL, NAME, PHONE, SUBJECT, WORDS, admit, found
from tests.loop.portal import Portal, portal
from zdsync import diagnostics
from zdsync.connect import keep_refresh_token
from zdsync.errors import ZdsyncError
from zdsync.mirror import Mirror


@contextlib.contextmanager
def _umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def _modes(folder: Path) -> dict[str, int]:
    return {str(path): stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}


@pytest.mark.parametrize("mask", [0o000, 0o022])
def test_files_are_their_owners_alone_under_any_umask(
    tmp_path: Path, mask: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    during: dict[str, int] = {}
    publish = Mirror.publish

    def looked_at(self: Mirror, *args: object, **named: object) -> bool:
        during.update(_modes(self.path.parent))
        return publish(self, *args, **named)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(Mirror, "publish", looked_at)
    with portal(tmp_path, tickets=60) as place, _umask(mask):
        admit(place)
        data = place.settings.data_dir
        keep_refresh_token(place.settings, place.box.grant_code())
        with place.app().place.instance():
            place.app().tick(once=True)
        place.app().plan()
        place.app().apply(None, lambda plan: True)
        place.app().forget(MAIL, lambda contact, rows: True)
        place.app().pause()
        after = _modes(data / "private")
        for path, mode in {**during, **after}.items():
            assert mode == (0o700 if Path(path).suffix == "" and Path(path).is_dir() else 0o600), (
                path
            )
        names = {Path(path).name for path in after}
        assert {"journal", "plans", "token.json", "work.lock", "service.lock", "refresh_token",
                "forgotten.ndjson", "mirror.duckdb"} <= names  # fmt: skip
        assert stat.S_IMODE((data / "private").stat().st_mode) == 0o700
        assert stat.S_IMODE(data.stat().st_mode) == 0o750
        assert stat.S_IMODE((data / "mirror.duckdb").stat().st_mode) == 0o440
        assert not stat.S_IMODE((data / "STOP").stat().st_mode) & 0o007


def test_files_that_are_open_to_others_are_closed_by_the_next_command(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=60) as place:
        place.pull()
        private = place.settings.private_dir
        for path in [private, *private.rglob("*")]:
            path.chmod(0o777)
        place.pull()
        assert {mode & 0o077 for mode in _modes(private).values()} == {0}


def _heard() -> io.StringIO:
    stream = io.StringIO()
    diagnostics.setup_log(verbose=True, stream=stream)
    return stream


def _all_words(place: Portal) -> list[str]:
    state = place.box.state
    mails = {one.email for one in state.contacts.values() if one.email}
    agents = {one.email for one in state.agents.values()}
    texts = {one.subject for one in state.tickets.values()}
    secrets = {place.settings.secret(name) for name in ("client_secret", "refresh_token")}
    token = (place.settings.private_dir / "token.json").read_text()
    access = {word for word in token.split('"') if word.startswith("1000.")}
    assert access
    return [*WORDS, *mails, *agents, *texts, *secrets, *access]


@pytest.mark.parametrize("faults", ["none", "storm"])
def test_promise_10_no_text_address_or_token_is_said(tmp_path: Path, faults: str) -> None:
    log, said = _heard(), []
    quoting = '{"errorCode": "INVALID_DATA", "message": "The value \\"%s\\" of %s (%s) is bad"}'
    with portal(tmp_path, tickets=60, faults=faults) as place:
        admit(place)
        box = place.box
        steps = (
            lambda: place.app().pull(),
            lambda: box.fail_next(
                "PATCH /tickets", 422, quoting % (BODY, MAIL, "1000." + "ab" * 16)
            ),
            lambda: place.app().apply(None, lambda plan: True, destructive=True),
            lambda: box.fail_next(
                "/tickets/search", 500, f"<html>{SUBJECT} {MAIL}</html>", times=9
            ),
            lambda: place.app().pull(),
            lambda: place.app().tick(once=True),
            lambda: place.app().reconcile(["desk.tickets"]),
            lambda: box.fail_next("/contacts", 400, quoting % (NAME, "lastName", MAIL), times=3),
            lambda: place.app().pull(full=True),
            lambda: place.app().forget("nobody-" + MAIL, lambda contact, rows: True),
            lambda: place.app().forget(MAIL, lambda contact, rows: True),
        )
        for step in steps:
            try:
                outcomes = step()
            except ZdsyncError as error:
                said.append(diagnostics.render(error))
            else:
                failed = [one.error for one in outcomes] if isinstance(outcomes, list) else []
                said += [diagnostics.render(error) for error in failed if error]
        text = log.getvalue() + "\n".join(said)
        assert "call=desk GET" in text
        assert "stream=desk.tickets" in text
        if faults == "none":  # so there was something to say
            assert "The value '…' of lastName" in text
        assert [word for word in _all_words(place) if word in text] == []
        journal = place.settings.private_dir / "journal"
        assert found(journal, (BODY, SUBJECT, MAIL, PHONE)) == []
    logging.getLogger("zdsync").handlers.clear()

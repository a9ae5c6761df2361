"""A whole zdsync against a sandbox over HTTP on loopback: what the end-to-end tests stand on."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.contract.validate import Recorder
from zdsync.app import App
from zdsync.clock import Clock
from zdsync.sandbox import Sandbox, Variant
from zdsync.settings import Settings
from zdsync.sql import Sql

ROOT = Path(__file__).parent.parent.parent


@dataclass
class Portal:
    """A sandbox, the settings that reach it, and questions to the private mirror."""

    box: Sandbox
    settings: Settings
    clock: Clock | None = None  # the system's, unless told

    def app(self, **changes: Any) -> App:
        return App(self.settings.model_copy(update=changes), clock=self.clock)

    def rows(self, query: str, *params: object) -> list[tuple[Any, ...]]:
        with self.app().place.work("test") as mirror:
            return mirror.rows(Sql(query, params))

    def pull(self, **options: Any) -> None:
        for outcome in self.app().pull(**options):
            assert outcome.error is None, (outcome.stream, outcome.error)

    def rules(self, text: str) -> None:
        self.settings.rules.write_text(text, encoding="utf-8")


def environment(settings: Settings) -> dict[str, str]:
    """The settings as a process of its own gets them."""
    names = ("org_id", "client_id", "client_secret", "refresh_token")
    secret = {f"ZDSYNC_{name.upper()}": settings.secret(name) for name in names}
    plain = {
        f"ZDSYNC_{name.upper()}": str(getattr(settings, name))
        for name in ("accounts_url", "desk_url", "crm_url", "data_dir", "rules")
    }
    return {**os.environ, **secret, **plain, "ZDSYNC_EVERY": "1s", "PYTHONPATH": str(ROOT)}


@contextmanager
def portal(
    tmp_path: Path, *, tickets: int = 150, variant: Variant | None = None, **options: Any
) -> Iterator[Portal]:
    """Serve a sandbox and yield a zdsync that is set up for it, with the shipped rules applied."""
    recorder = Recorder(answers=variant is None or _fits_the_schemas(variant))
    box = Sandbox(tickets=tickets, variant=variant, observer=recorder, **options)
    with box.serve() as creds:
        rules = tmp_path / "rules.yaml"
        shipped = (ROOT / "rules.yaml").read_text(encoding="utf-8")
        rules.write_text(re.sub(r"(?m)^(\s*)mode: plan\b", r"\1mode: apply", shipped), "utf-8")
        given: dict[str, Any] = {**creds, "data_dir": tmp_path / "data", "rules": rules}
        yield Portal(box, Settings(**given))
    assert not recorder.problems, recorder.problems[:5]


def _fits_the_schemas(variant: Variant) -> bool:
    whole = variant.patch_answers == "whole" and not variant.hidden
    return whole and variant.times == "iso" and variant.empty_lists == 204

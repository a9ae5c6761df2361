"""Prose keeps up with the program: commands, settings, scopes, rooms, links."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from zdsync.cli.parser import build_parser
from zdsync.settings import SECRETS, Settings

ROOT = Path(__file__).parent.parent
PAGES = (
    *("README.md", "CONTRIBUTING.md"),
    *("docs/architecture.md", "docs/backtest.md", "docs/conversations.md", "docs/restore.md"),
)
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _commands() -> dict[str, argparse.ArgumentParser]:
    actions = build_parser()._actions
    found = next(a for a in actions if isinstance(a, argparse._SubParsersAction))
    return dict(found.choices)


def test_the_two_commands_stand_first() -> None:
    first = README.split("```")[1]
    assert re.findall(r"(?m)^make (\w+)", first) == ["demo", "test"]
    targets = re.findall(r"(?m)^(\w+):", (ROOT / "Makefile").read_text())
    assert {"demo", "test", "bench"} <= set(targets)


@pytest.mark.parametrize("page", PAGES)
def test_every_command_that_a_page_names_exists(page: str) -> None:
    commands = _commands()
    text = (ROOT / page).read_text(encoding="utf-8")
    for name, rest in re.findall(r"zdsync ([a-z]+)((?: --?[a-z-]+| [A-Za-z_]+)*)", text):
        if name in commands:
            options = set(re.findall(r"--[a-z-]+", rest))
            known = {o for action in commands[name]._actions for o in action.option_strings}
            assert options <= known, (name, options)
    named = set(re.findall(r"`zdsync ([a-z]+)[ `]", text))
    assert named <= set(commands)


def test_every_setting_is_in_the_table_with_its_default() -> None:
    rows = re.findall(r"(?m)^\| (`ZDSYNC_.*?) \|.*\| (.*?) \|$", README)
    listed = {name: default for names, default in rows for name in re.findall(r"ZDSYNC_\w+", names)}
    files = {f"{name}_file" for name in SECRETS}  # the table says "each also as …_FILE"
    assert set(listed) == {f"ZDSYNC_{name.upper()}" for name in set(Settings.model_fields) - files}
    shown = Settings()
    for name in ("data_dir", "rules", "credit_reserve", "memory", "sla_tier_field", "dc"):
        assert listed[f"ZDSYNC_{name.upper()}"] == str(getattr(shown, name))
    assert shown.every.total_seconds() == shown.publish_every.total_seconds() == 300
    assert all(listed[f"ZDSYNC_{name.upper()}"] == "–" for name in SECRETS)


@pytest.mark.parametrize("page", PAGES)
def test_links_between_pages_lead_somewhere(page: str) -> None:
    path = ROOT / page
    for link in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / link).exists(), link


def test_every_room_of_the_architecture_exists_and_none_is_forgotten() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rooms = set(re.findall(r"(?m)^\| `([a-z_]+)[/.]", text))
    there = {p.stem for p in (ROOT / "zdsync").iterdir() if not p.name.startswith("_")}
    ground = {"errors", "clock", "sql", "text", "streams", "model", "settings", "diagnostics", "py"}
    assert rooms <= there
    assert there - rooms - ground == set()


def test_words_of_the_language_in_the_readme_are_words_of_the_language() -> None:
    from zdsync.rules.models import ActionModel

    actions = re.search(r"Actions: (.*?)\.\n", README)
    assert actions is not None
    assert set(re.findall(r"`(\w+)`", actions[1])) <= set(ActionModel.model_fields)

"""Texts searched side by side: the same answers in the same order, whatever becomes of a child."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Self

import pytest

from zdsync.changes import searching
from zdsync.changes.searching import Found, Text, searched
from zdsync.rules.folding import needle
from zdsync.rules.probe import Probe

QUESTIONS = {
    1: (Probe("tea", "any", ("subject", "description"), (needle("tea"),)),),
    2: (Probe("milk", "any", ("subject",), (needle("milk"),)),),
}
TEXTS = [Text(1 + n % 2, ["Tea", "milk", None][n % 3], f"<p>tea {n}</p>") for n in range(40)]


def _batches() -> Iterator[Sequence[Text]]:
    return (TEXTS[start : start + 7] for start in range(0, len(TEXTS), 7))


def _all(many: int) -> list[Found]:
    return [one for batch in searched(QUESTIONS, _batches(), many) for one in batch]


def test_children_answer_as_one_process_does(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = _all(len(TEXTS))
    monkeypatch.setattr(searching.os, "cpu_count", lambda: 2)
    assert _all(searching.WORTH) == alone
    assert alone[0].answers == ["tea"] and alone[1].answers == ["milk"] and alone[5].answers == []


class _Dying:
    """A pool of which a child dies with the third batch; from then on it takes nothing."""

    def __init__(self, *_: Any) -> None:
        self.given = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def submit(self, _: Any, batch: Sequence[Text]) -> Future[list[Found]]:
        self.given += 1
        if self.given > 3:
            raise BrokenProcessPool
        future: Future[list[Found]] = Future()
        if self.given == 3:
            future.set_exception(BrokenProcessPool())
        else:
            future.set_result(searching._Searcher(QUESTIONS).all(batch))
        return future


def test_a_child_that_dies_costs_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = _all(len(TEXTS))
    monkeypatch.setattr(searching.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(searching, "ProcessPoolExecutor", _Dying)
    assert _all(searching.WORTH) == alone

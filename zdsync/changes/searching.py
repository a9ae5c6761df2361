"""Fold texts and search them for the words of rules, in child processes where there are many.

A first plan of a large portal folds hundreds of thousands of texts, and Python folds in one thread
only. Children get texts and answer with what was found; they hold no file and end with us. Where
none can be started, or one dies, the work is done here. Must not touch the mirror.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import NamedTuple

from zdsync.rules.folding import exactly, fold
from zdsync.rules.probe import Probe
from zdsync.rules.probes import Finder

WORTH = 50_000  # texts from which on children save more than they cost to start
_MOST = 4  # children
_QUEUED = 2  # batches a child; bounds memory


class Text(NamedTuple):
    """The long text of a ticket, and the number of the questions to put to it.

    A tuple, for it goes through a pipe: pickling a frozen dataclass takes three times as long.
    """

    asked: int
    subject: str | None
    description: str | None


class Found(NamedTuple):
    """The folded subject, searchable, and the answers that hold (`Finder.answers`)."""

    subject: str | None
    answers: list[str]


Questions = Mapping[int, tuple[Probe, ...]]


def searched(
    questions: Questions, batches: Iterable[Sequence[Text]], many: int
) -> Iterator[list[Found]]:
    """Yield what each batch was found to hold, in order; `many`: how many texts there will be."""
    workers = min(os.cpu_count() or 1, _MOST)
    if many < WORTH or workers == 1:
        searcher = _Searcher(questions)
        return (searcher.all(batch) for batch in batches)
    return _side_by_side(questions, batches, workers)


def _side_by_side(
    questions: Questions, batches: Iterable[Sequence[Text]], workers: int
) -> Iterator[list[Found]]:
    here = _Searcher(questions)
    waiting: deque[tuple[Sequence[Text], Future[list[Found]] | None]] = deque()

    def first() -> list[Found]:
        batch, future = waiting.popleft()
        try:
            return here.all(batch) if future is None else future.result()
        except BrokenProcessPool:
            return here.all(batch)

    context = get_context("spawn")  # a fork would copy threads and locks of ours
    with ProcessPoolExecutor(workers, context, _begin, (questions,)) as pool:
        for batch in batches:
            waiting.append((batch, _given(pool, batch)))
            if len(waiting) > workers * _QUEUED:
                yield first()
        while waiting:
            yield first()


def _given(pool: ProcessPoolExecutor, batch: Sequence[Text]) -> Future[list[Found]] | None:
    try:
        return pool.submit(_search, batch)
    except (BrokenProcessPool, OSError):
        return None


class _Searcher:
    """Searches texts; the automaton of each set of questions is made once."""

    def __init__(self, questions: Questions) -> None:
        self._finders = {number: Finder(probes) for number, probes in questions.items()}

    def all(self, batch: Iterable[Text]) -> list[Found]:
        return [self._one(text) for text in batch]

    def _one(self, text: Text) -> Found:
        subject = None if text.subject is None else fold(text.subject)
        description = None if text.description is None else fold(text.description)
        answers = self._finders[text.asked].answers(subject, description)
        kept = None if subject is None else exactly(subject).replace("\0", " ")
        return Found(kept, answers)


_searchers: list[_Searcher] = []  # of a child: the one it was started with


def _begin(questions: Questions) -> None:
    """Prepare a child: it leaves Ctrl-C to us, and ends when we end, however that is."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _searchers.append(_Searcher(questions))


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)


def _search(batch: Sequence[Text]) -> list[Found]:
    return _searchers[-1].all(batch)

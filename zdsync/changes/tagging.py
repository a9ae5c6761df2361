"""A ticket's tags: are they as the plan knew them, and the calls that add and remove some.

Tags are in no ticket row and need not move its modified time (desk-tickets.md 2 and 4). What the
plan knew of them is trusted while the detail shows as many tags, and an unmoved ticket: reading
them costs a credit a ticket and would tell less than it seems, for a tag that came and went since
is in no list either. Must not decide which tags a ticket should have.
"""

from __future__ import annotations

from collections.abc import Sequence

from zdsync.changes import sight
from zdsync.changes.refusals import concerns_call
from zdsync.changes.visit import Visit
from zdsync.changes.wire import is_tag, tag_name
from zdsync.errors import Refused
from zdsync.model import Change

_TAGS_A_CALL = 50  # desk-tickets.md section 3: 1-51 names


def check(visit: Visit) -> None:
    """Settle what the tags do not allow any more, where they are not as the plan knew them."""
    row = visit.served.row
    concerned = sight.on_tags(visit.todo)
    if not concerned or row is None:
        return
    known = visit.seen.tags
    tags = [change for change in concerned if is_tag(change.field)]
    if sight.tags_hold(row, visit.seen):
        visit.served.tags = known
        if known is not None:  # of what was cut off the plan may know that it stands
            _leave_what_stands(visit, tags, _folded(known))
        return
    if not tags and known is None:
        return  # nothing to be compared, and no tag to be set
    have = visit.desk.tags_of(visit.served.ticket_id)
    visit.served.tags = have
    folded = _folded(have)
    _leave_what_stands(visit, tags, folded)
    if known is not None and folded != _folded(known):
        left = [change for change in concerned if change in visit.todo]
        visit.finish(left, "stale", "somebody changed the tags since they were read")


def _leave_what_stands(visit: Visit, tags: Sequence[Change], have: frozenset[str]) -> None:
    visit.finish([one for one in tags if (_name(one) in have) == one.after], "already")


def tag(visit: Visit) -> None:
    """Add and remove tags, 50 a call."""
    tags = [change for change in visit.todo if is_tag(change.field)]
    for wanted in (True, False):
        some = [change for change in tags if change.after is wanted]
        for start in range(0, len(some), _TAGS_A_CALL):
            _call(visit, some[start : start + _TAGS_A_CALL], wanted)


def _call(visit: Visit, changes: Sequence[Change], wanted: bool) -> None:
    send = visit.desk.add_tags if wanted else visit.desk.remove_tags

    def call(some: list[Change]) -> None:
        send(visit.served.ticket_id, [tag_name(change.field) for change in some])

    try:
        done = visit.attempt(changes, call)
    except Refused as error:
        some = [change for change in changes if change in visit.todo]
        if len(some) == 1 or concerns_call(error):
            visit.reject(some, error)
            return
        for change in some:
            _call(visit, [change], wanted)  # find the one that Zoho refuses
        return
    if done is not None:
        visit.finish(done[0], "applied")
        _note(visit, [tag_name(change.field) for change in done[0]], wanted)


def _note(visit: Visit, tags: Sequence[str], wanted: bool) -> None:
    if visit.served.tags is None:
        return
    folded = _folded(tags)
    kept = tuple(name for name in visit.served.tags if name.casefold() not in folded)
    visit.served.tags = (*kept, *tags) if wanted else kept


def _folded(names: Sequence[str]) -> frozenset[str]:
    return frozenset(name.casefold() for name in names)


def _name(change: Change) -> str:
    return tag_name(change.field).casefold()

"""The whole loop, for each way in which Zoho may turn out to work."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.loop.portal import Portal, portal
from zdsync.sandbox import Variant

VARIANTS = {
    "likely": {},
    "deep-search": {"search_depth": 4999},
    "base-1": {"from_base": 1, "search_from_base": 1},
    "exclusive": {"range_start": "exclusive", "range_end": "exclusive"},
    "half-open": {"range_end": "exclusive"},
    "page-50-refused": {"list_page_cap": 50},
    "page-99-clamped": {"list_page_cap": 99, "list_over_cap": "clamp"},
    "page-50-clamped": {"list_page_cap": 50, "list_over_cap": "clamp", "from_base": 1},
    "epoch": {"times": "epoch", "ids_as_int": True, "count_as_string": True},
    "milliseconds": {"subsecond": True},
    "old-fields-call": {"fields_endpoint": False},
    "links-absent": {"contact_search_has_crm_link": "absent"},
    "links-empty": {"contact_search_has_crm_link": "empty"},
    "spam-in-search": {
        "spam_in_search": True, "archived_in_search": True, "trashed_in_search": True,
    },
    "count-capped": {"count_capped_at": 100},
    "token-400": {"token_throttle_status": 400, "live_tokens": 10},
    "crm-zone": {"crm_zone": "-06:00", "ims_answers": 204, "ims_inclusive": False},
    "tags-bump": {"tags_bump_modified": True, "associate_answers": "all"},
    "missing-204": {"missing_answers": 204},
    "missing-422": {"missing_answers": 422},
    "teams-paged": {"teams_limit": 2},
    "strict-scopes": {"any_scope": True, "crm_scope_status": 403},
}  # fmt: skip


def _truth(place: Portal) -> dict[str, tuple[object, ...]]:
    return {
        one.id: (one.subject, one.status, one.priority, one.assignee_id, one.department_id)
        for one in place.box.state.tickets.values()
        if not (one.spam or one.trashed or one.archived)
    }


def _mirrored(place: Portal) -> dict[str, tuple[object, ...]]:
    rows = place.rows(
        "SELECT id, subject, status, priority, assignee_id, department_id FROM desk.tickets "
        "WHERE presence = 'live'"
    )
    return {row[0]: row[1:] for row in rows}


@pytest.mark.parametrize("name", VARIANTS)
def test_promise_8_apply_then_plan_is_empty_on_every_zoho(name: str, tmp_path: Path) -> None:
    with portal(tmp_path, tickets=260, variant=Variant(**VARIANTS[name])) as place:
        place.pull()
        assert _mirrored(place) == _truth(place)
        plan, applied = place.app().apply(None, lambda plan: True, destructive=True)
        assert applied is not None
        assert plan.writes
        assert not applied.stopped
        refused = {change.change_id for change, _ in applied.failures}
        assert set(applied.outcomes) <= {"applied", "already"}, applied.failures
        assert _mirrored(place) == _truth(place)
        assert not place.app().plan().writes
        place.pull()
        assert _mirrored(place) == _truth(place)
        again = place.app().plan()
        assert not [one for one in again.writes if one.change_id not in refused]
        assert not place.box.mails
        assert not any(contact.spam for contact in place.box.state.contacts.values())


def test_people_edit_and_the_next_pull_sees_it(tmp_path: Path) -> None:
    with portal(tmp_path) as place:
        place.pull()
        chosen = [one.id for one in place.box.state.tickets.values() if not one.spam][:40]
        for ticket in chosen[:20]:
            place.box.edit(ticket, subject=f"edited {ticket}", priority="High")
        place.box.mass_update(chosen[20:], category="moved")
        place.box.create(subject="a new one")
        place.pull()
        assert _mirrored(place) == _truth(place)


def test_a_lost_mirror_learns_again_what_was_written(tmp_path: Path) -> None:
    with portal(tmp_path) as place:
        place.pull()
        place.app().apply(None, lambda plan: True, destructive=True)
        written = place.rows("SELECT count(*), count(outcome) FROM zdsync.journal")
        assert written[0][0] > 0
        (place.settings.private_dir / "mirror.duckdb").unlink()
        place.pull()
        assert not place.app().plan().writes
        assert place.rows("SELECT count(*), count(outcome) FROM zdsync.journal") == written

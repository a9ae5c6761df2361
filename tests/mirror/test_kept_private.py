"""What `cf` lost is as private as `cf`: emptied, excluded and hidden with it."""

from __future__ import annotations

from tests.mirror.records import at, batch, one, ticket
from zdsync.mirror import Mirror, emptying
from zdsync.mirror.hiding import shown
from zdsync.personal import named


def _kept(mirror: Mirror) -> None:
    mirror.upsert(batch(ticket(modified=1, cf={"cf_diagnosis": "private", "cf_a": 1})))
    mirror.upsert(batch(ticket(modified=2, cf={"cf_a": 2}), read=20))
    assert "private" in one(mirror, "cf_kept")


def test_a_key_that_is_no_longer_stored_leaves_what_was_kept(mirror: Mirror) -> None:
    _kept(mirror)
    emptying.empty_columns(mirror._database, list(named(["desk.tickets.cf.cf_diagnosis"])))
    assert "private" not in (one(mirror, "cf_kept") or "")


def test_a_cf_that_is_no_longer_stored_takes_what_was_kept(mirror: Mirror) -> None:
    _kept(mirror)
    emptying.empty_columns(mirror._database, list(named(["desk.tickets.cf"])))
    assert one(mirror, "cf, cf_kept") == (None, None)


def test_retention_empties_what_was_kept(mirror: Mirror) -> None:
    _kept(mirror)
    old = ticket(modified=3, status_type="Closed", closed_time="2020-01-01 00:00:00")
    mirror.upsert(batch(old, read=30))
    emptying.retire(mirror._database, at(0), at(40), kept_key="cf_outcome")
    assert one(mirror, "cf_kept") is None


def test_analysts_do_not_get_what_was_kept_of_what_they_do_not_get() -> None:
    whole, key = list(named(["desk.tickets.cf"])), list(named(["desk.tickets.cf.cf_x"]))
    columns = ["cf", "cf_kept"]
    assert shown("desk.tickets", "cf_kept", columns, whole).text.startswith("null")
    assert shown("desk.tickets", "cf_kept", columns, key).params == ('{"cf_x": null}',)

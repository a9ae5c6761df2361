"""Reads the CRM's streams: fields, users, modules, and the records that Desk points at.

Promises that a record which Desk names is asked for once, not every tick; that a module which
this CRM does not have leaves the others alone; that a user who was deleted keeps the row.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import orjson

from zdsync.clock import Clock
from zdsync.connectors import Crm, has_no_module
from zdsync.errors import MirrorFailed, Refused, TokenRefused, Vanishing, ZohoFailed
from zdsync.mirror import Held, Mirror
from zdsync.model import Cursor, RecordBatch, Row
from zdsync.pull import drift
from zdsync.pull.crm_fields import asked_of, empty_hidden
from zdsync.pull.crm_survey import Survey
from zdsync.pull.lookback import DEEP_LOOKBACK, LOOKBACK, is_deep
from zdsync.sql import Sql
from zdsync.streams import BY_NAME, StreamSpec

log = logging.getLogger(__name__)

STREAMS = ("crm.accounts", "crm.contacts", "crm.leads")
_ASK = 200  # ids of one kind that a run asks for
_SETTINGS = {"Contacts": "ZDSYNC_CRM_CONTACTS", "Accounts": "ZDSYNC_CRM_ACCOUNTS"}
# Where Desk names CRM records, and the streams that may hold them, most likely first.
_POINTERS = {
    "desk.contacts": ("zoho_crm_contact_id", ("crm.contacts", "crm.leads")),
    "desk.accounts": ("zoho_crm_account_id", ("crm.accounts",)),
}

Commit = Callable[[StreamSpec, Sequence[RecordBatch], Cursor | None], int]


@dataclass(slots=True)
class CrmWalk:
    """One run's reading of the CRM. `commit` merges batches, and moves a cursor with them."""

    mirror: Mirror
    crm: Crm
    clock: Clock
    commit: Commit
    survey: Survey
    surveyed: bool = False  # one survey a run, so that they spread over the day
    note: str = ""  # what a person should know of the stream read last
    readers: drift.Readers = drift.nobody

    # -- whole streams -------------------------------------------------------------------------

    def fields(self, spec: StreamSpec) -> None:
        """Read the fields of every module; a module whose fields are unreadable keeps its own."""
        read = {name: self.crm.fields(spec, BY_NAME[name].module) for name in STREAMS}
        unread = [BY_NAME[name].module for name, batch in read.items() if batch is None]
        batches = [batch for batch in read.values() if batch is not None]
        kept = {str(id) for (id,) in self.mirror.rows(Sql(_OF_MODULES, (_text(unread),)))}
        again = self.mirror.cursor(spec.name).complete
        with self.mirror.transaction():
            before = drift.known(self.mirror, spec.name)
            kept |= drift.unlisted(before, batches)
            self._whole(spec, batches, kept | {row["id"] for b in batches for row in b.rows})
            if again:
                drift.note(self.mirror, spec.name, before, self.clock.now(), self.readers)
            empty_hidden(self.mirror, STREAMS)
            for name in STREAMS:
                self.survey.forget_unseen(BY_NAME[name])

    def users(self, spec: StreamSpec) -> None:
        """Read all users. Those whom Zoho calls deleted, or lists no longer, get a tombstone."""
        batches = list(self.crm.users(spec))
        gone = {row["id"] for batch in batches for row in batch.rows if _is_deleted(row)}
        held = Held(self.mirror.rows, spec.name).of(gone)
        buried = {one for one, row in held.items() if row.presence == "gone"}
        live = {row["id"] for batch in batches for row in batch.rows} - gone
        self._whole(spec, [_without(batch, buried) for batch in batches], live)

    def _whole(self, spec: StreamSpec, batches: Sequence[RecordBatch], ids: set[str]) -> None:
        now = self.clock.now()
        cursor = replace(self.mirror.cursor(spec.name), complete=True, last_pull_at=now, value=now)
        with self.mirror.transaction():
            self.commit(spec, batches, cursor)
            after = max([now, *(batch.read_at for batch in batches)]) + timedelta(microseconds=1)
            try:
                self.mirror.replace_missing(spec.name, ids, after, accept=self.survey.accept)
            except MirrorFailed as error:  # a fault of this listing: the others go on
                raise Vanishing(error.what, error.hint) from None

    # -- modules: everything once, then what was modified since ---------------------------------

    def records(self, spec: StreamSpec, full: bool) -> None:
        """Read a module; now and then survey it. Raises Refused, Vanishing, ZohoFailed."""
        started, asked = self.clock.now(), asked_of(self.mirror, spec)
        cursor = self.mirror.cursor(spec.name)
        whole = full or not cursor.complete or not self.survey.known(spec)
        deep = is_deep(cursor, started)
        since = None if whole else _since(cursor, started, deep)
        try:
            for batch in self.crm.records(spec, asked.names, asked.custom, since):
                self.commit(spec, [batch], None)
        except Refused as refused:
            self._no_module(spec, refused)
            asked = replace(asked, names=())
        done = replace(cursor, value=started - LOOKBACK, complete=True, last_pull_at=started)
        done = replace(done, deep_at=started if deep or whole else cursor.deep_at)
        self.commit(spec, [], done)
        if self.note:
            return
        if whole:
            self.survey.walked(spec, asked)
        elif not self.surveyed and self.survey.due(spec):
            self.surveyed = True
            self.survey.run(spec)

    def _no_module(self, spec: StreamSpec, refused: Refused) -> None:
        """Take a CRM that never had leads for one without any; raise what is worse than that."""
        if not has_no_module(refused):
            raise refused
        setting = _SETTINGS.get(spec.module)
        if setting or Held(self.mirror.rows, spec.name).presences():
            hint = f"is it renamed? Its API name goes to {setting}" if setting else "is it hidden?"
            what = f"the CRM has no module {spec.module}"
            raise Refused(what, refused.status, refused.code, hint=hint) from None
        self.note = f"{spec.name}: the CRM has no module {spec.module}: taken as empty"
        if not self.mirror.cursor(spec.name).complete:  # once is enough
            log.warning("stream=%s module=missing", spec.name)

    # -- records that Desk points at ------------------------------------------------------------

    def pointed_at(self, spec: StreamSpec) -> None:
        """Ask the CRM once for records that Desk names and no list has shown (crm.md 16).

        A CRM that refuses leaves Desk alone: the line in the log says so.
        """
        if spec.name not in _POINTERS:
            return
        column, streams = _POINTERS[spec.name]
        if not all(self.mirror.cursor(name).complete for name in streams):
            return
        now, note = self.clock.now(), f"pointed.{spec.name}"
        last = self.mirror.noted(note) or "2000-01-01"
        query = _unknown(spec.name, column, streams, last)
        wanted = [str(one) for (one,) in self.mirror.rows(query)]
        whole = len(wanted) < _ASK
        try:
            for name in streams:
                wanted = self._ask(BY_NAME[name], wanted)
        except (ZohoFailed, TokenRefused) as error:
            log.warning("stream=%s links=unreadable (%s)", spec.name, error.what)
            return
        self._asked(wanted, BY_NAME[streams[-1]], found=False)
        if whole:
            self.mirror.note(note, _naive(now))

    def _ask(self, spec: StreamSpec, ids: Sequence[str]) -> list[str]:
        """Read records by id; returns those that this module does not have."""
        if not ids or not self.survey.known(spec):
            return list(ids)
        asked = asked_of(self.mirror, spec)
        batch = self.crm.by_ids(spec, ids, asked.names, asked.custom)
        there = {row["id"] for row in batch.rows}
        self.commit(spec, [batch], None)
        self._asked([one for one in ids if one in there], spec, found=True)
        return [one for one in ids if one not in there]

    def _asked(self, ids: Sequence[str], spec: StreamSpec, *, found: bool) -> None:
        if ids:
            at = _naive(self.clock.now())
            self.mirror.run(Sql(_ASKED, (spec.module, at, found, _text(ids))))
            self.mirror.touch()


def _unknown(stream: str, column: str, streams: Sequence[str], since: str) -> Sql:
    """Ids in Desk's rows read since an instant that no stream holds and that were not asked for.

    Only those few are looked up: a join of all contacts took 0.3 s a tick.
    """
    pieces = (f"SELECT id FROM {name} SEMI JOIN named USING (id)" for name in streams)  # noqa: S608 - constants
    held = " UNION ALL ".join(pieces)
    return Sql(
        f"WITH named AS MATERIALIZED (SELECT DISTINCT {column} AS id FROM {stream} "  # noqa: S608 - constants
        f"WHERE regexp_full_match({column}, '[0-9]+') AND presence = 'live' "
        f"AND pulled_at >= ?::timestamp) SELECT id FROM named WHERE id NOT IN ({held}) "
        f"AND id NOT IN (SELECT crm_id FROM zdsync.crm_links) ORDER BY 1 LIMIT {_ASK}",
        (since,),
    )


_OF_MODULES = (
    "SELECT id FROM crm.fields WHERE deleted_at IS NULL AND module IN "
    """(SELECT unnest(from_json(?, '["VARCHAR"]')))"""
)
_ASKED = (
    "INSERT INTO zdsync.crm_links SELECT id, $1, $2::timestamp, $3 "
    """FROM (SELECT unnest(from_json($4, '["VARCHAR"]')) AS id)"""
)


def _since(cursor: Cursor, now: datetime, deep: bool) -> datetime:
    value = cursor.value or now
    return min(value, now - DEEP_LOOKBACK) if deep else value


def _is_deleted(row: Row) -> bool:
    return str(row.get("status") or "").strip().casefold() == "deleted"


def _without(batch: RecordBatch, ids: set[str]) -> RecordBatch:
    return replace(batch, rows=tuple(row for row in batch.rows if row["id"] not in ids))


def _naive(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")


def _text(items: Sequence[str]) -> str:
    return orjson.dumps(list(items)).decode()

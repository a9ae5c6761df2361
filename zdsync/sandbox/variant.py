"""Variant: every unknown of the fact sheets as a knob.

Owns the list of open questions about Zoho and their most likely answer (the default).
Promises that `parse` refuses unknown names and values. Must not hold behaviour.
"DT" is desk-tickets.md, "DP" desk-people.md, "CRM" crm.md; the number is the section.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

DESK_SCOPES = (
    "Desk.tickets.READ,Desk.tickets.UPDATE,Desk.tickets.CREATE,Desk.contacts.READ,"
    "Desk.basic.READ,Desk.search.READ,Desk.settings.READ"
)
CRM_SCOPES = (
    "ZohoCRM.modules.contacts.READ,ZohoCRM.modules.accounts.READ,ZohoCRM.modules.leads.READ,"
    "ZohoCRM.users.READ,ZohoCRM.org.READ,ZohoCRM.settings.fields.READ,ZohoCRM.coql.READ"
)


@dataclass(frozen=True, slots=True)
class Variant:
    """One possible Zoho. Defaults are the most likely answers."""

    # -- reading tickets, contacts, accounts
    search_depth: int = 999  # DT 1 "Search depth": 999 (S) or 4999 (docs)
    list_depth: int = 0  # DT 1 "Plain list depth": 0 = no bound, else highest `from`
    from_base: int = 0  # DT 1 "Base of from": lists, 0 by spec, 1 by docs
    search_from_base: int = 0  # the same for search
    range_start: str = "inclusive"  # DT 2 "Whether the ends are inclusive is not stated"
    range_end: str = "inclusive"
    list_page_cap: int = 100  # DT 2 /tickets: 100 live, 99, or 50 as safe floor
    list_over_cap: str = "refuse"  # refuse (422) or clamp (silently fewer rows)
    list_default: int = 10  # DT 2 /tickets: 25 by spec, 10 by docs
    times: str = "iso"  # README 1: iso by schema, epoch (ms) in samples
    millis: bool = True  # iso times with .SSS (always .000 unless subsecond)
    subsecond: bool = False  # whether records keep milliseconds at all
    index_lag_seconds: int = 0  # DT 2 "Index delay: nothing documented"
    list_refuses_fields: bool = False  # DT 2, DP 1: `fields` 422 for some, fine for others
    list_refuses_minus_modified: bool = False  # README 4: `-modifiedTime` on /tickets
    spam_in_list: bool = False  # DT 5 point 8
    spam_in_search: bool = False  # DT 2: a spam ticket asked for by number yields 204 (3P10)
    archived_in_search: bool = False  # DT 5 point 8
    trashed_in_search: bool = False  # DT 5 point 8
    count_capped_at: int = 0  # 0 = search `count` is true, else it never says more
    count_as_string: bool = False  # DT 2 "`count` (string or integer)"
    count_includes_spam: bool = True  # ticketsCount over spam tickets: not stated
    count_credits: int = 1  # DT 1 "`ticketsCount` cost unknown"
    ids_as_int: bool = False  # DT 1 "Ids and counters are string-or-integer"
    contact_search_has_crm_link: str = "full"  # DP 3: full, empty ({}), absent
    account_search_has_crm_link: str = "absent"  # DP 3 "not declared"
    list_fields_return_modified: bool = True  # DP 12 point 3
    fields_endpoint: bool = True  # DP 7: /fields, else 404 and organizationFields remains
    teams_limit: int = 0  # DP 2 /teams: 0 = limit absent returns all, else the page size then
    missing_answers: int = 404  # DT 1 "also for a missing record, ?": 404, 204 or 422
    merged_loser: str = "404"  # DT 3 "Fate of merged ids on read": 404, trashed, or master
    skip_missing_by_ids: bool = True  # DP 12 point 8: contactsByIds, agentsByIds
    conversations: int = 200  # DP 9: the list of both; 403, 404 or 422 where it is refused
    conversations_cap: int = 200  # DP 2: most rows a page
    history_newest_first: bool = True  # DT 2 "Row order undocumented"
    history_from_base: int = 0  # DT 1 "Base of from": of History, 0 by spec
    history_values: str = "entity"  # DT 2 History: people and places as entity, id or name
    history_actor: bool = True  # every key may be missing (DT 1): who did it, or null
    history_answers: int = 200  # declared codes of History: 200, or 403 or 422 for all of it
    history_lag_seconds: int = 0  # until History shows an event: nothing documented
    comments_newest_first: bool = True  # DT 2 comments: the order without sortBy is not stated
    comment_markup: str = "kept"  # DT 3 Comments, content: kept, or plain (the text only)
    trashed_answers: int = 200  # DT 5 point 6: a trashed ticket by id: 200 with flags, 404 or 422
    empty_lists: int = 204  # DT 2, DP 1: 204 is declared of some lists only; else 200 without rows
    empty_picks: str = "null"  # a pick list without a choice: null, none (-None-) or blank
    counts_as_int: bool = False  # DT 1 "Ids and counters are string-or-integer"
    hidden: str = ""  # keys of a ticket that the token user's profile does not see (DT 1, DP 1)

    # -- writing
    reply_bumps_modified: bool = True  # DP 9 last line
    reply_addresses: int = 200  # DP 9 mailReplyAddress "exists per T3": 200, 403 or 404
    # of the portal, or department: then departmentId must be given; first: without it, of one only
    reply_addresses_of: str = "portal"
    reply_departments: tuple[str, ...] | None = None  # names of those that have an address
    comment_bumps_modified: bool = False  # DT 4 last line
    tags_bump_modified: bool = False  # DT 4 last line
    associate_answers: str = "added"  # DT 3 Tags: added or all
    bulk_is_atomic: bool = True  # DT 3 "all-or-nothing or silently partial"
    patch_answers: str = "whole"  # DT 1 "Treat every response key as optional": whole, sent, empty
    move_bumps_modified: bool = True  # DT 5 point 7
    spam_bumps_modified: bool = True  # DT 5 point 7
    move_frees: str = "strangers"  # of assignee and team: strangers to the new place, all or none
    tags_repeat: bool = True  # whether a tag that is there may be added, and an absent one removed
    reply_status: str = "SUCCESS"  # DP 9 "status PENDING or FAILED possible", DRAFT in the schema
    reply_lag_seconds: int = 0  # DP 9: sendImmediately=false, "a delay, undo window, queue"
    bulk_ids_max: int = 50  # DT 5 point 5
    update_many_flat: bool = True  # README 5: 25 flat, else half a credit an id
    outcome_departments: str = "IT,Support"  # mandatory cf_outcome on closing; issue 2
    close_needs: str = ""  # more fields that closing needs there, comma separated
    assignee_must_be_member: bool = True  # an agent outside the department is refused

    blocked_answers: int = 422  # DT 5 point 6: blueprint, locked, archived, trashed: 422 or 403
    blueprint_names: bool = False  # DT 3 Blueprints: whether a refusal names the fields
    refusal_words: bool = True  # whether a refusal says why
    closed_refuses: bool = False  # whether a closed ticket refuses what does not set its status
    forbidden: str = ""  # writes that the token user's profile may not do, e.g. PATCH,associateTag

    # -- OAuth and limits
    edition: str = "standard"  # DT 1 table: free, express, standard, professional, enterprise
    daily_credits: int = 0  # 0 = by edition
    concurrency: int = 0  # 0 = by edition
    crm_daily_credits: int = 0
    rate_headers: str = "both"  # DT 1 "Headers": both, weight, left, none
    day_begins: int = 0  # DT 1 "Window": hour in UTC at which the day of credits begins
    crm_concurrency: int = 0
    token_throttle_status: int = 200  # README 6: 400 or 200
    tokens_per_10_minutes: int = 10  # DP 11
    live_tokens: int = 15  # DP 11: 10, 15 or 30
    expires_in: int = 3600  # DP 11; shorter makes tests of refreshing quick
    scopes: str = DESK_SCOPES + "," + CRM_SCOPES
    any_scope: bool = True  # DP 11 "All-of or any-of": basic/settings/finer as alternatives
    crm_dc_refuses: bool = False  # every CRM call answers 401 INVALID_TOKEN (wrong centre)

    # -- CRM
    ims_inclusive: bool = True  # CRM 6 "Inclusive or exclusive at the boundary"
    ims_answers: int = 304  # CRM 6: 304 or 204 when nothing changed
    ims_on_users: bool = False  # CRM 6 "On users: whether honoured in practice"
    ims_on_deleted: bool = True  # CRM 6 "whether it filters by deleted_time"
    crm_zone: str = "+00:00"  # CRM 15: offset of the token user's zone, e.g. +05:30, -06:00
    crm_missing: int = 204  # CRM 5: 204 or 400 INVALID_DATA
    crm_refuses_fields_over: int = 50  # CRM 3
    crm_429_code: str = "TOO_MANY_REQUESTS"  # CRM 13, or RATE_LIMIT_EXCEEDED
    crm_scope_status: int = 401  # CRM 14: 401 or 403
    crm_hidden_fields: str = ""  # CRM 15 HIPAA: Module.Field, comma separated, come back null
    crm_page_records: int = 2000  # CRM 4
    crm_token_records: int = 100_000  # CRM 4: as many rows as one walk by token gives
    crm_token_frozen: bool = True  # CRM 4: whether a token goes on by key, else by offset
    coql_ids: str = "any"  # CRM 8 shows no id literal: any, quoted or plain
    crm_deleted_records: int = 0  # CRM 7 "whether the 2,000 limit applies": 0 = it does not
    crm_all_users: bool = True  # CRM 11: whether type=AllUsers names deleted users
    crm_no_modules: str = ""  # modules that this CRM does not have, comma separated
    crm_forbidden: str = ""  # modules that the token user's profile may not read

    # -- trouble
    shift_rows: float = 0.0  # chance that an automation edits a ticket before a ranged read

    @classmethod
    def parse(cls, pairs: Iterable[str]) -> Variant:
        """Build a variant from KEY=VALUE texts. ValueError names what is wrong."""
        known = {f.name: type(f.default) for f in fields(cls)}
        values: dict[str, object] = {}
        for pair in pairs:
            key, sep, text = pair.partition("=")
            if not sep or key not in known:
                raise ValueError(f"unknown variant {pair!r}; known: {', '.join(sorted(known))}")
            values[key] = _read(key, text, known[key])
        return replace(cls(), **values)  # type: ignore[arg-type]  # read as the field's kind


def _read(key: str, text: str, kind: type) -> object:
    if kind is bool:
        if text.lower() not in ("true", "false", "1", "0", "yes", "no"):
            raise ValueError(f"{key} must be true or false, not {text!r}")
        return text.lower() in ("true", "1", "yes")
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"{key} must be {kind.__name__}, not {text!r}") from None

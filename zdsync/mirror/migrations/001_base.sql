-- The own tables of zdsync. The tables of the streams are made from streams.py.
create table zdsync.columns (stream varchar, column_name varchar, bit integer);
create table zdsync.options (name varchar, value varchar);
create table zdsync.cursors (
    stream varchar, value timestamp, pending json, complete boolean,
    last_pull_at timestamp, deep_at timestamp
);
create table zdsync.runs (
    run_id varchar, command varchar, started_at timestamp, finished_at timestamp,
    outcome varchar, pulled bigint, applied bigint, already bigint, stale bigint, rejected bigint,
    unknown bigint, error varchar
);
create table zdsync.calls (
    run_id varchar, called_at timestamp, system varchar, stream varchar, method varchar,
    endpoint varchar, status integer, credits double, milliseconds bigint
);
create table zdsync.journal (
    change_id varchar, run_id varchar, plan_id varchar, rule_id varchar, rules_digest varchar,
    ticket_id varchar, field varchar, before varchar, after varchar, outcome varchar,
    http_status integer, error varchar, intended_at timestamp, settled_at timestamp
);
create table zdsync.holds (
    ticket_id varchar, field varchar, value varchar, reason varchar, held_at timestamp,
    released_at timestamp
);
create table zdsync.ticket_changes (
    ticket_id varchar, field varchar, before varchar, after varchar,
    changed_at timestamp, seen_at timestamp, actor varchar
);
create table zdsync.published (
    stream varchar, as_of timestamp, rows bigint, cursor timestamp, last_pull_at timestamp,
    lag_seconds bigint, revision bigint
);
create table zdsync.folded (ticket_id varchar, digest varchar, subject varchar, description varchar);
create table desk.ticket_tags (ticket_id varchar, tag varchar);

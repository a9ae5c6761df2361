-- zdsync.as_of: one row; the instant that the mirror describes. Used by the views, never now().
create or replace view zdsync.as_of as
select coalesce(
    greatest(
        (select max(as_of) from zdsync.published),
        (select max(last_pull_at) from zdsync.cursors)
    ),
    (select max(pulled_at) from desk.tickets)
) as as_of

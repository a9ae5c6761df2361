-- Holds are derived from what changed and what was written: zdsync.holds becomes a view
-- (views/holds.sql). What a person let go is remembered here.
-- zdsync.releases: one row is one release; an empty field stands for all fields of the ticket.
drop table zdsync.holds;
create table zdsync.releases (ticket_id varchar, field varchar, released_at timestamp);

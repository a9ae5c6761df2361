-- Which agent made a change that History tells of; and until which instant the modified time of a
-- ticket is zdsync's own doing, with when it was touched before that.
alter table zdsync.ticket_changes add column agent_id varchar;
create table zdsync.own_writes (ticket_id varchar, touched_at timestamp, until timestamp);

-- The folded subject of a ticket stands beside what its text was found to hold, so that a plan by
-- what is kept needs no folded description.
alter table zdsync.text_hits add column subject varchar;

-- zdsync.forgotten: one row is one record of a person that was forgotten, or one of that person's
-- tickets. Ids only. Used by mirror/sieve.py and mirror/emptying.py; the truth is
-- private/forgotten.ndjson, so that a lost mirror learns them again.
create table zdsync.forgotten (stream varchar, id varchar, forgotten_at timestamp);

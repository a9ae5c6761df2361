-- One row is one ticket that a number or id names, also one that only the journal knows.
-- $1: the number or id. Used by reports/journal.py.
select id from desk.tickets where id = $1 or ticket_number = $1
union select ticket_id from zdsync.journal where ticket_id = $1

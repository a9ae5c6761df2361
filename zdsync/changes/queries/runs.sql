-- One row is one run that was begun, also one that wrote nothing.
-- No parameter. Used by undoing.py.
select run_id from zdsync.runs order by started_at

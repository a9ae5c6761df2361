-- One row is one rule or run that wrote something, or a run that wrote nothing: what, name.
-- Used by reports/journal.py.
select distinct 'rule' as what, rule_id as name from zdsync.journal where rule_id is not null
union select distinct 'run', run_id from zdsync.journal where run_id is not null
union select 'run', run_id from zdsync.runs

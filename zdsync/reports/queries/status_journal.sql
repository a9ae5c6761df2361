-- One row is: the files of the journal that are lost, as a list. Used by reports/status.py.
select coalesce((
    select json_keys(value::json, '$.lost') from zdsync.options where name = 'journal_known'
), [])

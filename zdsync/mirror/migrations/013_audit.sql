-- What the audit asks of a write beside zdsync.journal of 001: what kind of action it was, the names
-- of the fields that made the rule hit, the rule's own digest, and who started it.
alter table zdsync.journal add column action varchar;
alter table zdsync.journal add column evidence varchar[];
alter table zdsync.journal add column rule_digest varchar;
alter table zdsync.journal add column command varchar;
-- What is known of the journal's files (mirror/journal_files.py) was three words; it is one now.
insert into zdsync.options
select 'journal_known', json_object(
    'files', coalesce(json(max(value) filter (where name = 'journal_files')), json('{}')),
    'lost', coalesce((
        select json_group_object(lost, 'gone')
        from (select unnest(string_split(value, ', ')) as lost from zdsync.options
            where name = 'journal_lost' and value <> '')), json('{}')),
    'given_up', coalesce(json(max(value) filter (where name = 'journal_adopted')), json('[]')))
from zdsync.options where name like 'journal\_%' escape '\' having count(*) > 0;
delete from zdsync.options where name in ('journal_files', 'journal_lost', 'journal_adopted');

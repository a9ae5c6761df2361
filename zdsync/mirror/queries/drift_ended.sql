-- Ends what was told of a field that is back, under its old name too.
-- Parameters: seen at (timestamp, UTC), stream, the fields (JSON). Used by: pull/drift.py.
update zdsync.drift d set ended_at = $1
from (
    select unnest(from_json($3, '[{"module":"VARCHAR","field":"VARCHAR","kind":"VARCHAR","before":"VARCHAR","after":"VARCHAR",
        "read_by":["VARCHAR"]}]'), recursive := true)
) n
where d.stream = $2 and d.ended_at is null and d.module = n.module
    and d.kind in ('vanished', 'renamed')
    and n.kind in ('appeared', 'renamed')
    and d.field = case when n.kind = 'renamed' then n.after else n.field end

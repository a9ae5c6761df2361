-- Adds a row a field that drifted.
-- Parameters: seen at (timestamp, UTC), stream, the fields (JSON). Used by: pull/drift.py.
insert into zdsync.drift
select $1, $2, n.module, n.field, n.kind, n.before, n.after, n.read_by, null
from (
    select unnest(from_json($3, '[{"module":"VARCHAR","field":"VARCHAR","kind":"VARCHAR","before":"VARCHAR","after":"VARCHAR",
        "read_by":["VARCHAR"]}]'), recursive := true)
) n

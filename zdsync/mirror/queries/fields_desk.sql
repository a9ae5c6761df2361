-- One row is: a field of Desk that is there, with Zoho's own id where that was told.
-- Parameters: none. Used by: pull/drift.py.
select module, api_name, coalesce(display_label, name), type, field_id, id
from desk.fields
where deleted_at is null

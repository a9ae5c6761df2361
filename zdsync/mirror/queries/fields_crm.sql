-- One row is: a field of the CRM that is there, with Zoho's own id where that was told.
-- Parameters: none. Used by: pull/drift.py.
select module, api_name, field_label, data_type, field_id, id
from crm.fields
where deleted_at is null

-- zdsync.hidden_fields: one row is one CRM field whose values privacy settings keep from the API.
-- Used by analysts, mirror/portal.py and pull/crm_fields.py. Empty here means hidden, not empty.
create or replace view zdsync.hidden_fields as
select 'crm.' || lower(module) as stream, module, api_name, field_label as label,
    coalesce(custom_field, false) as custom_field
from crm.fields
where deleted_at is null and json_extract_string(hipaa_compliance, '$.restricted') = 'true'

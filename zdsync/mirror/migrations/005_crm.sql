-- Ids that Desk names as CRM records and no CRM table holds: asked for once, and never every tick.
create table zdsync.crm_links (crm_id varchar, module varchar, asked_at timestamp, found boolean);
comment on table zdsync.crm_links is 'One row a CRM id that a Desk contact or account names and no list showed: asked for once by id';
comment on column zdsync.crm_links.crm_id is 'Id of the CRM record that Desk names';
comment on column zdsync.crm_links.module is 'CRM module that was asked last';
comment on column zdsync.crm_links.asked_at is 'When the CRM was asked (UTC)';
comment on column zdsync.crm_links.found is 'Whether the CRM showed it';

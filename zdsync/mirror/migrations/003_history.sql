-- Who changed a ticket, and how surely when: zdsync.ticket_changes tells what Zoho's History said.
alter table zdsync.ticket_changes add column source varchar;
alter table zdsync.ticket_changes add column not_before timestamp;
alter table zdsync.ticket_changes add column seq integer;
update zdsync.ticket_changes set source = 'observed', seq = 0;

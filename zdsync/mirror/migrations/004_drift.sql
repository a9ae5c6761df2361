-- Fields of the portal that vanished, were renamed, changed their type or appeared.
create table zdsync.drift (
    seen_at timestamp, stream varchar, module varchar, field varchar, kind varchar,
    before varchar, after varchar, read_by varchar[], ended_at timestamp
);

-- How far the conversations of tickets are read, and how each ticket stood then: one whose counts
-- and modified time are still these has not moved and is not read again.
create table zdsync.conversations (
    ticket_id varchar, read_at timestamp, modified_time timestamp, thread_count bigint,
    comment_count bigint, failed_at timestamp, row_asked_at timestamp
);

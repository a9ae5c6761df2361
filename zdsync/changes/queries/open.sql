-- One row is one write whose outcome is worth a look: a crash left it without a receipt, or it is
-- something said whose outcome is unknown since lately.
-- $1: instant from which on an unknown outcome is looked for. Used by flow.py.
select change_id
from zdsync.journal
where outcome is null
    or (outcome = 'unknown' and field in ('comment', 'reply') and settled_at > $1)

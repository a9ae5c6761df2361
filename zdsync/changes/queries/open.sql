-- One row is one write whose outcome is worth a look: a crash left it without a receipt, or it got
-- no answer lately. A notice leaves no trace to look for; a comment is worth a longer look.
-- $1, $2: instants from which on an unknown outcome, and one of a comment, is looked for.
-- Used by flow/writing.py.
select change_id
from zdsync.journal
where outcome is null
    or (
        outcome = 'unknown'
        and not starts_with(field, 'notify:')
        and (settled_at > $1 or (field = 'comment' and settled_at > $2))
    )

-- One row is one write whose outcome is worth a look: a crash left it without a receipt, or it got
-- no answer lately and was not looked for in vain. A notice leaves no trace to look for.
-- $1: instant from which on an unknown outcome is looked for; $2: how the text of one begins that
-- was looked for in vain. Used by flow/writing.py.
select change_id
from zdsync.journal
where outcome is null
    or (
        outcome = 'unknown'
        and not starts_with(field, 'notify:')
        and not starts_with(coalesce(error, ''), $2)
        and settled_at > $1
    )

-- What the long text of tickets was found to hold, so that it is searched once per changed text.
-- zdsync.text_hits: one row is one ticket; `digest` is that of its text (as in zdsync.folded),
-- `asked` which questions were put (zdsync.text_asked), `found` which of them hold: the digest of a
-- question, or digest=place of a label of a taxonomy, best first. Used by changes/hits.py.
create table zdsync.text_hits (ticket_id varchar, digest varchar, asked integer, found varchar[]);
-- zdsync.text_asked: one row is one set of questions; digests only.
create table zdsync.text_asked (id integer, names varchar[]);

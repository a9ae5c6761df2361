-- Made anew, for it can be found again: beside what the text of a ticket was found to hold stands its
-- folded subject, so that a plan by what is kept needs no folded description. `found` is a text, a
-- space before and behind each answer: lists are dear to carry through a join.
drop table zdsync.text_hits;
create table zdsync.text_hits (
    ticket_id varchar, digest varchar, asked integer, found varchar, subject varchar
);

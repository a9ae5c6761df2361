"""The ground of the rules: folded text and evidence."""

from __future__ import annotations

import pytest

from tests.changes.world import Mirror, planned, rule, text_field, ticket
from zdsync.changes import ground
from zdsync.rules.compiled import CompiledRule, Const, FoldColumn, SetField
from zdsync.sql import Sql

SUBJECT = FoldColumn("subject_folded", Sql("t.subject"), long=True)
BODY = FoldColumn("description_folded", Sql("t.description"), long=True)
EMAIL = FoldColumn("email_folded", Sql("t.email"))
LOW = SetField("priority", Const("Low"), Sql("'Low'"), Sql("TRUE"))


def finds(column: str, word: str, *folds: FoldColumn) -> CompiledRule:
    return rule("find", LOW, where=f"coalesce(contains(t.{column}, '{word}'), false)", folds=folds)


def test_text_is_folded_and_only_what_changed_is_folded_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mirror = Mirror([ticket(1, subject="<b>CAFÉ</b>", description=None), ticket(2, subject="tea")])
    wanted = finds("subject_folded", "cafe", SUBJECT, BODY)
    folded: list[str] = []

    def count(text: str, fold=ground.searchable) -> str:  # type: ignore[no-untyped-def]
        folded.append(text)
        return str(fold(text))

    monkeypatch.setattr(ground, "searchable", count)
    assert [one.ticket_id for one in planned(mirror, wanted).changes] == ["T1"]
    assert sorted(folded) == ["<b>CAFÉ</b>", "tea"]
    folded.clear()
    assert [one.ticket_id for one in planned(mirror, wanted).changes] == ["T1"]
    assert folded == []
    mirror.tickets["T2"]["subject"] = "Cafe"
    mirror._load()
    assert [one.ticket_id for one in planned(mirror, wanted).changes] == ["T1", "T2"]
    assert folded == ["Cafe"]


def test_no_text_is_folded_where_no_rule_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ground, "searchable", None)
    mirror = Mirror([ticket(1, subject="<b>CAFÉ</b>", email="É@x.example")])
    assert len(planned(mirror, rule("r", LOW)).changes) == 1


def test_short_text_that_sql_cannot_fold_is_folded_in_python() -> None:
    mirror = Mirror([ticket(1, email="Ünal@X.example"), ticket(2, email="UNAL@x.example")])
    plan = planned(mirror, finds("email_folded", "unal", EMAIL))
    assert [one.ticket_id for one in plan.changes] == ["T1", "T2"]


def test_a_nul_in_a_text_does_not_stop_the_plan() -> None:
    mirror = Mirror([ticket(1, subject="É a")])
    mirror.connection.execute("update zdsync.rule_tickets set subject = 'É' || chr(0) || 'a'")
    assert len(planned(mirror, finds("subject_folded", "e", SUBJECT)).changes) == 1


def test_evidence_names_the_values_that_hit_and_cuts_long_text() -> None:
    text = "x" * 500
    wanted = rule(
        "r",
        LOW,
        reads=(text_field("subject"),),
        evidence=(("subject", Sql("t.subject")), ("tags", Sql("t.tags"))),
        hits=(("text", Sql("['refill', 'portal']")), ("none", Sql("[]::varchar[]"))),
    )
    plan = planned(Mirror([ticket(1, subject=text, tags=["a", "b"])]), wanted)
    evidence = plan.changes[0].evidence
    assert evidence == {"subject": "x" * 79 + "…", "tags": "a, b", "text": "refill, portal"}

"""What people did beside what a rule would have done, where the right answer is known."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.backtest.world import DAY, HOUR, outcomes, world

HIGH = """
  - id: high
    mode: apply
    when: {status: Open, subject: a planted one}
    then: [{set: {priority: High}}]
"""
PLANTED = {"subject": "a planted one"}


def test_each_outcome_is_told_as_it_was_planted(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        names = ("agreed", "differed", "nothing", "automation", "customer", "late", "closed")
        made = {name: here.ticket(**PLANTED) for name in names}
        other = here.ticket(subject="not for the rule")
        here.wait(HOUR)
        here.edit(made["agreed"], priority="High")
        here.edit(made["differed"], priority="Low")
        here.edit(made["automation"], by="automation", priority="High")
        here.edit(made["customer"], by="customer", priority="High")
        here.edit(made["closed"], status="Closed")
        here.wait(60)
        # The first decision counts, and one after the ticket was closed does not.
        here.edit(made["agreed"], priority="Low")
        here.edit(made["differed"], priority="High")
        here.edit(made["closed"], priority="High")
        here.learn()
        here.wait(8 * DAY)
        here.edit(made["late"], priority="High")
        made["young"] = here.ticket(**PLANTED)
        here.wait(HOUR)
        here.learn()
        found = here.tried(HIGH)
        wanted = {name: name for name in ("agreed", "differed", "nothing", "automation", "young")}
        wanted |= dict.fromkeys(("customer", "late", "closed"), "nothing")
        assert outcomes(found) == {made[name].id: told for name, told in wanted.items()}
        assert other.id not in outcomes(found)
        counts = found.agreement
        assert (counts.count("agreed"), counts.of, counts.share) == (1, 6, 1 / 6)
        both = next(one for one in found.seen if one.outcome == "differed")
        assert (both.decision.after, both.value) == ("High", "Low")


def test_what_zdsync_wrote_is_nobodys_agreement(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        made = here.ticket(**PLANTED)
        here.place.rules("version: 1\nrules:\n" + HIGH)
        here.wait(HOUR)
        here.place.pull()
        _, applied = here.place.app().apply(None, lambda plan: True)
        assert applied is not None
        here.learn()
        assert outcomes(here.tried(HIGH)) == {made.id: "zdsync"}


def test_who_did_it_must_be_known(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        made = here.ticket(**PLANTED)
        here.wait(HOUR)
        here.edit(made, priority="High")
        here.wait(60)
        here.place.pull()  # seen, and History is not asked
        assert outcomes(here.tried(HIGH)) == {made.id: "who"}
        assert here.tried(HIGH).agreement.of == 0
        here.tried(HIGH, sample=100)
        assert outcomes(here.tried(HIGH))[made.id] == "agreed"


def test_a_value_given_before_the_rule_came_is_a_decision_too(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        made = here.ticket(**PLANTED)
        here.edit(made, priority="Low")
        here.wait(HOUR)
        here.learn()
        found = here.tried(HIGH)
        assert outcomes(found) == {made.id: "differed"}
        assert (found.seen[0].value, found.seen[0].decision.before) == ("Low", "Low")


def test_where_the_value_stood_already_nothing_is_decided(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        here.ticket(**PLANTED, priority="High")
        here.wait(HOUR)
        here.learn()
        found = here.tried(HIGH)
        assert (found.seen, found.already, found.judged) == ((), 1, 1)


def test_an_assignee_is_compared_by_the_person(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        one, other = here.ticket(**PLANTED), here.ticket(**PLANTED)
        first, second = here.agents(one)[:2]
        here.wait(HOUR)
        here.edit(one, assignee_id=first)
        here.edit(other, assignee_id=second)
        here.learn()
        rule = f"""
  - id: give
    when: {{subject: a planted one}}
    then: [{{assign: {here.mail(first)}}}]
"""
        assert outcomes(here.tried(rule)) == {one.id: "agreed", other.id: "differed"}


def test_a_team_agrees_with_whoever_of_it_was_given_the_ticket(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        state = here.box.state
        team = next(iter(state.teams.values()))
        made = [here.ticket(**PLANTED, department_id=team.department_id) for _ in range(2)]
        inside = [a for a in here.agents(made[0]) if a in team.agents]
        outside = [a for a in here.agents(made[0]) if a not in team.agents]
        here.wait(HOUR)
        for ticket, agent in zip(made, (inside[-1], outside[0]), strict=True):
            here.edit(ticket, assignee_id=agent, team_id=team.id)
        here.learn()
        rule = f"""
  - id: give
    when: {{subject: a planted one}}
    then: [{{assign: {{team: {team.name}}}}}]
"""
        seen = [one for one in here.tried(rule).seen if one.decision.field == "assignee"]
        told = {one.decision.ticket_id: one.outcome for one in seen}
        assert told == {made[0].id: "agreed", made[1].id: "differed"}


def test_any_closed_status_agrees_with_a_close_and_work_on_it_does_not(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        closed, worked, left = (here.ticket(**PLANTED) for _ in range(3))
        here.wait(HOUR)
        here.edit(closed, status="Closed")
        here.edit(worked, status="In Progress")
        here.wait(HOUR)
        here.edit(worked, status="Closed")
        here.wait(8 * DAY)
        here.learn()
        rule = """
  - id: shut
    when: {subject: a planted one}
    then: [{close: {}}]
"""
        assert outcomes(here.tried(rule)) == {
            closed.id: "agreed",
            worked.id: "differed",
            left.id: "nothing",
        }


def test_spam_is_compared_by_the_mark(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        marked, worked, left = (here.ticket(**PLANTED) for _ in range(3))
        here.wait(HOUR)
        here.box.mark_spam(marked.id)
        here.edit(worked, status="In Progress")
        here.wait(8 * DAY)
        here.learn()
        here.place.app().reconcile(accept_deletes=True)
        rule = """
  - id: junk
    when: {subject: a planted one}
    then: [{close: {}}, spam]
"""
        assert outcomes(here.tried(rule)) == {
            marked.id: "agreed",
            worked.id: "differed",
            left.id: "nothing",
        }


def test_a_tag_is_compared_where_the_tags_then_are_known(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        given, had, left = (here.ticket(**PLANTED) for _ in range(3))
        here.box.tag(had.id, add=["Billing"])
        here.wait(HOUR)
        here.box.tag(given.id, add=["Billing"])
        here.learn()
        rule = """
  - id: tag
    when: {subject: a planted one}
    then: [{tag: [billing]}]
"""
        assert here.tried(rule).unresolved == 3  # the tags of that moment are not known
        app = here.place.app()
        with app.place.run("run") as run:
            app.place.attached(run).sweep_tags(1000)
        here.wait(8 * DAY)
        here.place.pull()
        found = here.tried(rule, sample=100)
        assert outcomes(found) == {given.id: "agreed", left.id: "nothing"}
        assert found.already == 1


def test_time_alone_may_bring_a_rule_about(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        waits, done = here.ticket(**PLANTED), here.ticket(**PLANTED)
        here.wait(HOUR)
        here.edit(done, status="In Progress")
        here.wait(5 * DAY)
        here.edit(waits, priority="High")
        here.wait(5 * DAY)
        here.learn()
        rule = """
  - id: old
    when: {subject: a planted one, status: Open, status_since: {older_than: 48h}}
    then: [{set: {priority: High}}]
"""
        found = here.tried(rule)
        assert outcomes(found) == {waits.id: "agreed"}
        created = here.place.rows("SELECT created_time FROM desk.tickets WHERE id = ?", waits.id)[
            0
        ][0]
        assert found.seen[0].decision.at == created + timedelta(hours=48)


def test_what_matched_before_the_period_is_no_decision_of_it(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        made = here.ticket(**PLANTED)
        here.wait(10 * DAY)
        here.learn()
        assert outcomes(here.tried(HIGH)) == {made.id: "nothing"}
        found = here.tried(HIGH, since="5d")
        assert (outcomes(found), found.earlier) == ({}, 1)
        moved = here.ticket(**PLANTED, status="In Progress")
        here.wait(6 * DAY)
        here.edit(moved, status="Open")
        here.wait(60)
        here.learn()
        assert outcomes(here.tried(HIGH, since="5d")) == {moved.id: "young"}


def test_a_value_that_is_not_known_decides_nothing_unless_the_rest_has_decided(
    tmp_path: Path,
) -> None:
    with world(tmp_path) as here:
        moved, still = here.ticket(**PLANTED), here.ticket(**PLANTED)
        rule = """
  - id: {id}
    when: {when}
    then: [{{set: {{priority: High}}}}]
"""
        here.wait(HOUR)
        here.edit(moved, category="Later")
        here.wait(HOUR)
        here.learn()
        dark = here.tried(rule.format(id="dark", when="{category: null, subject: a planted one}"))
        assert outcomes(dark).keys() == {still.id}
        assert dark.unknown == 1
        assert dark.blind == ("category",)
        decided = "{any: [{category: null}, {subject: a planted one}]}"
        lit = here.tried(rule.format(id="lit", when=decided))
        assert outcomes(lit).keys() == {moved.id, still.id}
        assert (
            here.tried(rule.format(id="no", when="{category: null, subject: other}")).unknown == 0
        )


def test_tickets_of_a_first_pull_have_no_past_until_a_sample_reads_it(tmp_path: Path) -> None:
    with world(tmp_path, tickets=30) as here:
        rule = """
  - id: all
    when: {channel: {known: true}}
    then: [{set: {priority: High}}]
"""
        here.wait(HOUR)
        here.learn()
        plain = here.tried(rule, since="3650d")
        assert plain.judged == 0
        before = len(here.box.calls)
        found = here.back(rule, since="3650d", sample=10)
        assert found.sample is not None
        asked = [one for one in here.box.calls[before:] if "History" in one.endpoint]
        assert len(asked) == len(found.sample.tickets) == 10
        assert found.sample.credits == 30
        assert found.tried[0].judged == 10
        again = here.back(rule, since="3650d", sample=10)
        assert again.sample is not None
        assert (again.sample.credits, again.sample.tickets) == (0, found.sample.tickets)
        poor = here.back(rule, since="3650d", sample=20, credits=9)
        assert poor.sample is not None
        assert (poor.sample.credits, len(poor.sample.tickets)) == (9, 13)

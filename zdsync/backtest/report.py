"""A backtest as a Report, for the renderers of reports/ (table, page, JSON). Pure.

Names and values travel as they are; the renderers make them harmless.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC

from zdsync.backtest.outcomes import Seen
from zdsync.backtest.run import Backtest, Tried
from zdsync.model import Portal
from zdsync.reports.charts import by_outcome, intervals
from zdsync.reports.report import Cell, Column, Figure, Line, Report, Table

MOST = 50  # decisions of a kind that people are shown

_RULES = (
    Column("rule", "Rule", "text"),
    Column("mode", "Mode", "text"),
    Column("judged", "Tickets judged"),
    Column("unknown", "Not known"),
    Column("compared", "Decisions compared"),
    Column("agreed", "Agreed", group="What people did"),
    Column("differed", "Differed", group="What people did"),
    Column("nothing", "Nothing", group="What people did"),
    Column("agreement", "Agreement", "percent", group="Agreement"),
    Column("low", "from", "percent", group="Agreement"),
    Column("high", "to", "percent", group="Agreement"),
    Column("asks", "Asked for", "percent", group="Agreement"),
    Column("automation", "Portal's automation", group="Not compared", quiet=True),
    Column("zdsync", "zdsync itself", group="Not compared", quiet=True),
    Column("who", "Who is not known", group="Not compared", quiet=True),
    Column("young", "Under 7 days", group="Not compared", quiet=True),
    Column("unresolved", "Unresolved", group="Not compared", quiet=True),
    Column("already", "Stood so already", group="Not compared", quiet=True),
    Column("earlier", "Matched before", group="Not compared", quiet=True),
)
_DECISIONS = (
    Column("ticket", "Ticket", "text"),
    Column("rule", "Rule", "text"),
    Column("field", "Field", "text"),
    Column("at", "When", "instant"),
    Column("before", "It was", "text"),
    Column("wanted", "The rule wants", "text"),
    Column("outcome", "Outcome", "text"),
    Column("people", "People set", "text"),
    Column("people_at", "at", "instant"),
)


def backtest_report(found: Backtest, *, every: bool = False) -> Report:
    """Build the report; `every`: all decisions in one table, for programs."""
    rules = Table("rules", "Rules", _RULES, tuple(map(_rule, found.tried)), tuple(_apart(found)))
    seen = [one for tried in found.tried for one in tried.seen]
    if every:
        tables = [_decisions("decisions", "Decisions", seen, found.portal, len(seen))]
    else:
        tables = [
            _decisions(name, title, [one for one in seen if one.outcome == name], found.portal)
            for name, title in (
                ("differed", "Where people decided otherwise"),
                ("nothing", "Where people did nothing"),
            )
            if any(one.outcome == name for one in seen)
        ]
    drawn = (intervals(rules), by_outcome(rules))
    return Report(
        name="backtest",
        title="Backtest of the rules",
        as_of=found.until,
        since=found.since,
        fresh_at=found.until,
        figures=_figures(found.tried),
        tables=(rules, *tables),
        charts=tuple(chart for chart in drawn if chart),
        notes=tuple(_notes(found)),
        told="the rules over what is known of tickets",
    )


def _figures(tried: Sequence[Tried]) -> tuple[Figure, ...]:
    counts = [one.agreement for one in tried]
    of = sum(one.of for one in counts)
    return (
        Figure("compared", "Decisions compared", of, "beside what people did"),
        Figure("agreed", "Agreed", sum(one.count("agreed") for one in counts)),
        Figure("differed", "Differed", sum(one.count("differed") for one in counts)),
        Figure("nothing", "Nothing done", sum(one.count("nothing") for one in counts)),
        Figure(
            "unknown", "Not known", sum(one.unknown for one in tried), "tickets, over all rules"
        ),
    )


def _rule(one: Tried) -> Line:
    found, span = one.agreement, one.agreement.interval or (None, None)
    counts: tuple[Cell, ...] = (
        *(one.judged, one.unknown, found.of),
        *(found.count("agreed"), found.count("differed"), found.count("nothing")),
        *(_percent(share) for share in (found.share, *span)),
        _percent(one.asked.share if one.asked else None),
        *(found.count("automation"), found.count("zdsync"), found.count("who")),
        *(found.count("young"), one.unresolved, one.already, one.earlier),
    )
    return Line((one.rule, one.mode, *counts))


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 1)


def _decisions(
    key: str, title: str, seen: Sequence[Seen], portal: Portal, most: int = MOST
) -> Table:
    names = _names(portal)
    shown = sorted(seen, key=lambda one: one.decision.at, reverse=True)[:most]
    notes = (f"The newest {most} of {len(seen)}; --json has all.",) if len(seen) > most else ()
    return Table(key, title, _DECISIONS, tuple(_decided(one, names) for one in shown), notes)


def _decided(one: Seen, names: dict[str, str]) -> Line:
    made = one.decision
    at = one.value_at
    people = None if one.value is None else names.get(one.value, one.value)
    return Line(
        (
            made.ticket_number or made.ticket_id,
            made.rule,
            made.field,
            made.at.replace(tzinfo=UTC),
            _text(made.before),
            _text(made.after),
            one.outcome,
            people,
            at.replace(tzinfo=UTC) if at else None,
        )
    )


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return None if value in (None, "") else str(value)


def _names(portal: Portal) -> dict[str, str]:
    """Ids of people and places → how the rules language names them; words of tags."""
    found = {one.id: one.name for one in (*portal.departments, *portal.teams)}
    found |= {one.id: one.email or one.name for one in portal.agents}
    return found | {"true": "yes", "false": "no"}


def _apart(found: Backtest) -> Iterable[str]:
    for one in found.tried:
        if one.reason:
            yield f"{one.rule}: not tried. {one.reason}"
        if one.today:
            yield f"{one.rule}: {', '.join(one.today)} as of today; then it may have been another."
        if one.blind:
            yield (
                f"{one.rule}: the past of {', '.join(one.blind)} is not kept; where it would "
                "decide, only tickets that have not moved since are judged."
            )
        if one.apart:
            yield f"{one.rule}: {', '.join(one.apart)} cannot be compared: its past is not kept."


def _notes(found: Backtest) -> Iterable[str]:
    sample = found.sample
    if sample:
        yield (
            f"A random sample of {len(sample.tickets):,} of the {sample.of:,} tickets created in "
            f"the period (seed {sample.seed}); reading their History cost {sample.credits:g} "
            "credits."
        )
        if len(sample.tickets) < min(sample.asked, sample.of):
            yield f"{sample.asked:,} were asked for; the price or Zoho's answers ended it there."
    elif found.known < found.tickets:
        yield (
            f"Of {found.tickets:,} tickets created in the period the mirror knows the past of "
            f"{found.known:,}; --sample reads that of others."
        )
    if any(not one.reason for one in found.tried):
        yield (
            "Each rule is tried alone, at the first moment at which it would have matched. "
            "Agreement counts tickets: agreed, of all in which people agreed, decided otherwise "
            "or did nothing within 7 days."
        )

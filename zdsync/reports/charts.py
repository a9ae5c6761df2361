"""The charts of the reports as Vega-Lite documents, made from finished tables. Pure.

Colours are names for a page's style sheet to remap in the dark: SERIES, UNKNOWN and AGES.
Names are made harmless here, so that no hostile one reaches the drawing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from zdsync.reports.report import Cell, Chart, Column, Line, Table
from zdsync.text import printable

SERIES = ("#2f6fb5", "#d09a2c", "#2a9187", "#8a63b8", "#c2516b", "#6d9a3a", "#a0673f")
UNKNOWN = "#6b7a8c"
AGES = ("#c9d9e8", "#9dbfdd", "#6b9ccb", "#e8c06a", "#dc8b3c", "#b8452f")
_WIDTH = 440  # of the whole drawing; a page scales it
_TALL = 450  # of a full stack of bars; few bars are no thicker than 30
_MOST = 20  # bars in one chart
_NAME = 22  # letters of a name beside a bar

Legend = tuple[tuple[str, str], ...]  # name of a series, its colour


def by_status(table: Table) -> Chart | None:
    """Draw open tickets per agent, stacked by status; None where nothing is open."""
    held = [line for line in _plain(table) if _cell(table, line, "open")]
    shown = held[:_MOST]
    if not shown:
        return None
    parts = [
        column
        for column in table.columns
        if column.group == "Open by status"
        and any(_cell(table, line, column.key) for line in shown)
    ]
    cut = f" ({_MOST} of {len(held)} agents)" if len(held) > _MOST else ""
    title = "Open tickets per agent, by status" + cut
    legend = _legend([part.label for part in parts], SERIES)
    if parts[-1].key == "closed_since":
        legend = (*legend[:-1], (legend[-1][0], UNKNOWN))
    spec = _stacked(table, shown, parts, legend, ("Agent", "Open tickets"))
    return Chart("by_status", title, _told(table, shown, "open"), spec, legend, table.key)


def by_age(table: Table) -> Chart | None:
    """Draw the age of open tickets per department, stacked by bucket; None where none is open."""
    shown = _plain(table)[:_MOST]
    if not shown:
        return None
    parts = [column for column in table.columns if column.group == "Age"]
    legend = _legend([part.label for part in parts], AGES)
    spec = _stacked(table, shown, parts, legend, ("Department", "Open tickets"))
    text = _told(table, shown, "open")
    return Chart("by_age", "Age of open tickets per department", text, spec, legend, table.key)


def per_day(table: Table) -> Chart | None:
    """Draw tickets opened and closed per day: bars for up to a month, lines beyond."""
    lines = _plain(table)
    if not any(table.rows[-1].cells):
        return None
    names = ["Opened", "Closed"]
    legend = _legend(names, (SERIES[0], SERIES[2]))
    values: list[dict[str, Any]] = [
        {"day": f"{line.cells[0]:%Y-%m-%d}", "what": what, "tickets": line.cells[place]}
        for line in lines
        for place, what in enumerate(names, 1)
    ]
    few = len(lines) <= 31
    spec = _document(values, {"type": "bar"} if few else {"type": "line", "strokeWidth": 1.5})
    spec["height"] = 190
    spec["encoding"] = {
        "x": _days([f"{line.cells[0]:%Y-%m-%d}" for line in lines], few),
        "y": _count("Tickets", max(value["tickets"] for value in values)),
        "color": _colour("what", legend),
        **({"xOffset": {"field": "what", "sort": names}} if few else {}),
    }
    _, opened, closed = table.rows[-1].cells
    text = f"Over {len(lines)} days: {opened} tickets opened, {closed} closed."
    return Chart("per_day", table.title, text, spec, legend, table.key)


def by_outcome(table: Table) -> Chart | None:
    """Draw what people did where each rule would have acted; None where none would."""
    parts = [column for column in table.columns if column.group == "What people did"]
    shown = [line for line in _plain(table) if any(_cell(table, line, p.key) for p in parts)]
    if not shown:
        return None
    legend = _legend([part.label for part in parts], (SERIES[2], SERIES[4], SERIES[1]))
    spec = _stacked(table, shown[:_MOST], parts, legend, ("Rule", "Tickets"))
    text = _told(table, shown[:_MOST], "compared")
    return Chart("by_outcome", "What people did, per rule", text, spec, legend, table.key)


def intervals(table: Table) -> Chart | None:
    """Draw each rule's agreement with its interval, and what it asks for; None where none has."""
    shown = [line for line in _plain(table) if _cell(table, line, "agreement") is not None][:_MOST]
    if not shown:
        return None
    names = _names(shown)
    values = [
        {"name": name, **{k: _cell(table, line, k) for k in ("agreement", "low", "high", "asks")}}
        for name, line in zip(names, shown, strict=True)
    ]
    legend = _legend(["Agreed", "Asked for"], (SERIES[0], SERIES[4]))
    spec = _document(values, {})
    del spec["mark"]
    axis = {"values": [0, 25, 50, 75, 100], "domain": False, "ticks": False, "labelFlush": False}
    scale = {"domain": [0, 100]}

    def x(field: str) -> dict[str, Any]:
        title = "% of the decisions compared, 95 % interval"
        return {"field": field, "type": "quantitative", "scale": scale, "axis": axis} | {
            "title": title
        }

    spec["layer"] = [
        {"mark": {"type": "rule", "strokeWidth": 2, "color": SERIES[0]},
         "encoding": {"x": x("low"), "x2": {"field": "high"}}},
        {"mark": {"type": "circle", "size": 90, "opacity": 1, "color": SERIES[0]},
         "encoding": {"x": x("agreement")}},
        {"mark": {"type": "tick", "thickness": 2, "color": SERIES[4]},
         "transform": [{"filter": "isValid(datum.asks)"}], "encoding": {"x": x("asks")}},
    ]  # fmt: skip
    spec["encoding"] = {"y": _rows(names, "Rule")}
    spec["height"] = {"step": 30}
    spec["config"] = _CONFIG | {"axisY": {"minExtent": 7 * max(map(len, names)) + 8}}
    text = ", ".join(f"{v['name']} {v['agreement']:.0f} %" for v in values)
    return Chart("intervals", "How often people agreed", text, spec, legend, table.key)


def _plain(table: Table) -> list[Line]:
    return [line for line in table.rows if line.level == "row"]


def _cell(table: Table, line: Line, key: str) -> Cell:
    return line.cells[[column.key for column in table.columns].index(key)]


def _told(table: Table, lines: Sequence[Line], key: str) -> str:
    """The heaviest bars in words, for those who cannot see them."""
    names = _names(lines)
    top = [f"{name} {_cell(table, line, key)}" for name, line in zip(names, lines, strict=True)]
    return ", ".join(top[:5]) + (f" and {len(top) - 5} more" if len(top) > 5 else "")


def _names(lines: Sequence[Line]) -> list[str]:
    """One harmless label a line; labels that a cut made equal are numbered apart."""
    seen: dict[str, int] = {}
    return [_apart(printable(line.cells[0], _NAME) or "–", seen) for line in lines]


def _apart(name: str, seen: dict[str, int]) -> str:
    seen[name] = seen.get(name, 0) + 1
    return name if seen[name] == 1 else f"{name} ({seen[name]})"


def _stacked(
    table: Table,
    lines: Sequence[Line],
    parts: Sequence[Column],
    legend: Legend,
    titles: tuple[str, str],
) -> dict[str, Any]:
    """Draw bars; `titles`: of the names, and of what is counted."""
    names = _names(lines)
    values = [
        {"name": name, "part": label, "place": place, "tickets": _cell(table, line, part.key)}
        for name, line in zip(names, lines, strict=True)
        for place, ((label, _), part) in enumerate(zip(legend, parts, strict=True))
    ]
    spec = _document(values, {"type": "bar", "height": {"band": 0.72}})
    spec["height"] = {"step": min(30, max(20, _TALL // max(1, len(lines))))}
    spec["encoding"] = {
        "y": _rows(names, titles[0]),
        "x": _count(titles[1], max(_sums(values), default=0)),
        "color": _colour("part", legend),
        "order": {"field": "place", "type": "quantitative"},
    }
    # The page's font may be wider than the one that was measured: leave room for the names.
    spec["config"] = _CONFIG | {"axisY": {"minExtent": 7 * max(map(len, names), default=0) + 8}}
    return spec


def _rows(names: Sequence[str], title: str) -> dict[str, Any]:
    return {"field": "name", "type": "nominal", "sort": names, "title": title, "axis": _NAMES}


def _sums(values: Sequence[Mapping[str, Cell]]) -> Iterable[int]:
    """How long each stacked bar is."""
    sums: Counter[Cell] = Counter()
    for value in values:
        sums[value["name"]] += int(str(value["tickets"] or 0))
    return sums.values()


def _document(values: Sequence[Mapping[str, Cell]], mark: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "data": {"values": list(values)},
        "mark": mark,
        "width": _WIDTH,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "background": "transparent",
        "padding": 2,
        "config": _CONFIG,
    }


def _count(title: str, most: int) -> dict[str, Any]:
    axis: dict[str, Any] = {
        "values": _whole_steps(most),
        "domain": False,
        "ticks": False,
        "format": ",d",
        "labelFlush": False,
    }
    return {"field": "tickets", "type": "quantitative", "title": title, "axis": axis}


def _whole_steps(most: int) -> list[int]:
    """Ticks from 0 to `most` at whole, round steps, about five: tickets come in no halves."""
    steps = (digit * 10**power for power in range(10) for digit in (1, 2, 5))
    step = next(step for step in steps if step * 6 > most)
    return list(range(0, most + 1, step))


def _days(days: Sequence[str], few: bool) -> dict[str, Any]:
    axis: dict[str, Any]
    day: dict[str, Any] = {"field": "day", "title": "Day (UTC)"}
    if not few:
        # A scale in UTC: the machine's time zone would shift every day.
        axis = {"labelOverlap": True, "grid": False, "format": "%Y-%m-%d", "tickCount": 5}
        return day | {"type": "temporal", "scale": {"type": "utc"}, "axis": axis}
    shown = list(days[:: max(1, -(-len(days) // 8))])
    axis = {"labelAngle": 0, "ticks": False, "values": shown, "labelExpr": "slice(datum.value, 5)"}
    return day | {"type": "ordinal", "axis": axis}


def _legend(labels: Sequence[str], colours: Sequence[str]) -> Legend:
    seen: dict[str, int] = {}
    return tuple(
        (_apart(printable(label, _NAME) or "–", seen), colours[place % len(colours)])
        for place, label in enumerate(labels)
    )


def _colour(field: str, legend: Legend) -> dict[str, Any]:
    scale = {"domain": [name for name, _ in legend], "range": [colour for _, colour in legend]}
    return {"field": field, "type": "nominal", "scale": scale, "legend": None}


# The title of names stands above them, where no name can run into it.
_NAMES = {
    "ticks": False,
    "domain": False,
    "labelPadding": 8,
    "labelLimit": 200,
    "titleAngle": 0,
    "titleAlign": "right",
    "titleAnchor": "start",
    "titleX": -8,
    "titleY": -8,
}
_CONFIG: dict[str, Any] = {
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "labelColor": "#444444",
        "titleColor": "#666666",
        "gridColor": "#e2e2e2",
        "domainColor": "#b0b0b0",
    },
    "scale": {"bandPaddingInner": 0.15},
}

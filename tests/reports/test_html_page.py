"""The HTML report: one file that needs nothing else, whatever the names in it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib.resources import files
from xml.etree import ElementTree

import pytest

from tests.reports.desk import AS_OF, Desk, ago
from tests.reports.test_renderers import hostile, small
from zdsync.reports import build, render
from zdsync.reports.charts import AGES, SERIES, UNKNOWN
from zdsync.reports.drawing import draw

_VOID = {"meta", "link", "img", "br", "hr", "input"}
_LOADING = {"src", "href", "xlink:href", "srcset", "action", "data", "poster", "background"}


class _Page(HTMLParser):
    """Collects tags, what they would load, and whether they close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loading: list[tuple[str, str | None]] = []
        self.handlers: list[str] = []
        self.open: list[str] = []
        self.labels: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loading += [pair for pair in attrs if pair[0] in _LOADING]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.labels += [value or "" for name, value in attrs if name == "aria-label"]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return {"small": render(small(), "html"), "hostile": render(hostile(), "html")}


def read(page: str) -> _Page:
    parsed = _Page()
    parsed.feed(page)
    assert not parsed.open
    return parsed


@pytest.mark.parametrize("name", ["small", "hostile"])
def test_the_page_loads_nothing_and_runs_nothing(pages: dict[str, str], name: str) -> None:
    page = read(pages[name])
    assert not page.loading
    assert not page.handlers
    assert not {"script", "link", "img", "iframe", "object", "base", "image"} & set(page.tags)
    style = pages[name].split("<style>")[1].split("</style>")[0]
    assert "@import" not in style
    assert "url(" not in style
    addresses = set(re.findall(r'https?://[^\s"<]+', pages["small"]))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert "default-src 'none'" in pages[name]


def test_hostile_names_stay_text(pages: dict[str, str]) -> None:
    page = pages["hostile"]
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not {"\x1b", "\x07", "\u202e"} & set(page)
    assert "x" * 61 not in page


def test_the_page_says_when_and_how_fresh(pages: dict[str, str]) -> None:
    assert "2026-11-22 09:30 UTC" in pages["small"]
    assert "pulled at 2026-11-22 09:26 UTC, 4 min before" in pages["small"]
    assert 'class="stale">age of the data unknown' in pages["hostile"]


def test_every_chart_has_a_title_axis_titles_and_words(pages: dict[str, str]) -> None:
    report = small()
    assert [chart.key for chart in report.charts] == ["by_status", "per_day", "by_age"]
    labels = read(pages["small"]).labels
    for chart in report.charts:
        assert chart.title in pages["small"]
        assert any(label.startswith(f"{chart.title}. {chart.text}") for label in labels)
    for title in ("Agent", "Open tickets", "Day (UTC)", "Tickets", "Department"):
        assert f">{title}</text>" in pages["small"]


def test_charts_scale_and_are_well_formed() -> None:
    for report in (small(), hostile()):
        for chart in report.charts:
            root = ElementTree.fromstring(draw(chart))
            assert root.get("viewBox")
            assert root.get("width") is None
            assert not [each for each in root.iter() if each.tag.endswith("image")]


def test_every_colour_of_a_chart_has_its_shade_in_the_dark() -> None:
    style = files("zdsync.reports.templates").joinpath("report.css").read_text()
    for colour in (*SERIES, UNKNOWN, *AGES):
        assert f'[fill="{colour}"]' in style
    assert "prefers-color-scheme: dark" in style


def test_agents_whose_cut_names_are_alike_keep_their_own_bars() -> None:
    desk = Desk().ticket(agent="x" * 40 + "a").ticket(agent="x" * 40 + "b")
    chart = build("workload", desk.query, AS_OF).charts[0]
    assert len({value["name"] for value in chart.spec["data"]["values"]}) == 2


def test_a_long_period_is_drawn_as_lines() -> None:
    report = build("workload", Desk().ticket().query, AS_OF, ago(days=400))
    assert report.charts[1].spec["mark"]["type"] == "line"
    assert "2026-0" in draw(report.charts[1])

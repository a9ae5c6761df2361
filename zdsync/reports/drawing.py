"""Draws a chart as SVG that a page can hold: no size of its own, no outside reference.

Imports vl_convert when used (about 0.7 s for the first drawing). Only strings go in and out.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

from zdsync.reports.report import Chart

_VEGA_LITE = "5.21"


def draw(chart: Chart) -> str:
    """Draw one chart; it scales with its box, says its text aloud and loads nothing."""
    import vl_convert

    spec: dict[str, Any] = dict(chart.spec)
    svg = vl_convert.vegalite_to_svg(spec, vl_version=_VEGA_LITE, allowed_base_urls=[])
    # Ids are made per drawing (clip0 …): several drawings on one page must not share them.
    svg = re.sub(r'(\bid="|url\(#)', rf"\g<1>{chart.key}-", svg)
    box = re.search(r'viewBox="([^"]*)"', svg)
    label = escape(f"{chart.title}. {chart.text}", quote=True)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box[1] if box else ""}" '
        f'class="chart" role="img" aria-label="{label}">'
    )
    return re.sub(r"^<svg[^>]*>", lambda _: head, svg, count=1)

"""Reports over the mirror: built from standing queries, drawn as table, page, CSV or JSON.

`build` asks the mirror through a query function, `render` writes text, `save` a file. Libraries
that draw are imported only by the renderer that needs them.
"""

from zdsync.reports.period import read_period
from zdsync.reports.registry import REPORTS, build, standing
from zdsync.reports.render import Format, render, save
from zdsync.reports.report import Report, Standing

__all__ = [
    "REPORTS",
    "Format",
    "Report",
    "Standing",
    "build",
    "read_period",
    "render",
    "save",
    "standing",
]

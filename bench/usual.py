"""The usual way, as a program of its own: pages by offset from 0, one INSERT a row.

Run as `python -m bench.usual WORK.json` with {url, headers, file, seconds, rows}. Reads what it
can within `seconds`, then every fiftieth page of the rest for its price alone; says JSON:
{rows, pages, seconds, credits, searched}. `searched`: where the same walk over search is refused.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import requests

PAGE = 100
SAMPLE = 50  # of the pages that are left, one in so many
_WEIGHT = "X-Rate-Limit-Request-Weight-v3"


def main() -> None:
    work: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
    session = requests.Session()
    session.headers.update(work["headers"])

    def page(offset: int, path: str = "") -> requests.Response:
        params: dict[str, str | int] = {"from": offset, "limit": PAGE, "sortBy": "createdTime"}
        return session.get(work["url"] + path, params=params, timeout=60)

    store = duckdb.connect(work["file"])
    store.execute("create table tickets (id varchar, status varchar, created varchar, body json)")
    until = time.perf_counter() + work["seconds"]
    started, offset, credits = time.perf_counter(), 0, 0.0
    while time.perf_counter() < until:
        answer = page(offset)
        if answer.status_code != 200:
            break
        credits += float(answer.headers[_WEIGHT])
        for row in answer.json()["data"]:
            values = (row["id"], row["status"], row["createdTime"], json.dumps(row))
            store.execute("insert into tickets values (?, ?, ?, ?)", values)
        offset += PAGE
    took = time.perf_counter() - started
    pages = offset // PAGE
    for start in range(offset, work["rows"], PAGE * SAMPLE):
        left = min(SAMPLE, -(-(work["rows"] - start) // PAGE))
        credits += left * float(page(start).headers[_WEIGHT])
    searched = 0
    while page(searched, "/search").status_code == 200:
        searched += PAGE
    said = {"rows": offset, "pages": pages, "seconds": took, "credits": credits}
    print(json.dumps({**said, "searched": searched}))


if __name__ == "__main__":
    main()

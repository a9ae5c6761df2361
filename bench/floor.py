"""The floor of a backfill: fetch given pages with given threads and throw the answers away.

Reads one JSON document from argv[1]: {url, headers, threads, pages: [params, …]}.
"""

from __future__ import annotations

import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests


def main() -> None:
    work: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
    local = threading.local()

    def fetch(params: dict[str, str]) -> int:
        if not hasattr(local, "session"):
            local.session = requests.Session()
            local.session.headers.update(work["headers"])
        answer = local.session.get(work["url"], params=params, timeout=60)
        answer.raise_for_status()
        return len(answer.content)

    with ThreadPoolExecutor(work["threads"]) as pool:
        total = sum(pool.map(fetch, work["pages"]))
    print(json.dumps({"bytes": total}))


if __name__ == "__main__":
    main()

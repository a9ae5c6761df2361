"""The floor of an apply: the same GET and PATCH of each ticket, and nothing else.

Run as `python -m bench.bare WORK.json` with {url, headers, threads, body, tickets: [id, …]}. A
thread keeps its connection and takes ticket after ticket; says JSON: {seconds, bytes}.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests


def main() -> None:
    work: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
    local = threading.local()

    def serve(ticket: str) -> int:
        if not hasattr(local, "session"):
            local.session = requests.Session()
            local.session.trust_env = False
            local.session.headers.update(work["headers"])
        url = f"{work['url']}/tickets/{ticket}"
        read = local.session.get(url, timeout=60)
        read.raise_for_status()
        written = local.session.patch(url, json=work["body"], timeout=60)
        written.raise_for_status()
        return len(read.content) + len(written.content)

    began = time.perf_counter()
    with ThreadPoolExecutor(work["threads"]) as pool:
        total = sum(pool.map(serve, work["tickets"]))
    print(json.dumps({"seconds": time.perf_counter() - began, "bytes": total}))


if __name__ == "__main__":
    main()

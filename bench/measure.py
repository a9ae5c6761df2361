"""Run a program and say what it took, as the operating system accounts for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Took:
    """Wall and CPU seconds, peak memory in MB, exit code and output of one program."""

    wall: float
    cpu: float
    peak_mb: float
    code: int
    out: str


def run(argv: Sequence[str], env: Mapping[str, str] | None = None) -> Took:
    """Run a Python module or script to its end."""
    started = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, *argv],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **(env or {})},
        text=True,
    ) as process:
        assert process.stdout is not None
        out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    cpu = usage.ru_utime + usage.ru_stime
    return Took(wall, cpu, usage.ru_maxrss / 1024, process.returncode, out)


@contextmanager
def sandbox(
    tickets: int, *, latency_ms: int = 0, edition: str = "free"
) -> Iterator[dict[str, str]]:
    """Serve a simulated Zoho from a process of its own; yields its addresses and credentials."""
    argv = ["-m", "zdsync.sandbox", "--tickets", str(tickets), "--latency-ms", str(latency_ms)]
    with subprocess.Popen(
        [sys.executable, *argv, "--edition", edition], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def settings(creds: Mapping[str, str], data_dir: str) -> dict[str, str]:
    """The environment that points zdsync at a sandbox."""
    named = {f"ZDSYNC_{name.upper()}": value for name, value in creds.items()}
    return {**named, "ZDSYNC_DATA_DIR": data_dir}

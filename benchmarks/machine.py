"""Machine: what the figures were taken on, and which processors are whose."""

from __future__ import annotations

import os
import platform
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median

__all__ = ["CLIENT_CPU", "SERVICE_CPU", "cpu_s", "details", "flush_ms"]

_CPUS = sorted(os.sched_getaffinity(0))

SERVICE_CPU = _CPUS[0]
"""The measured processes run here alone, when there is another processor."""

CLIENT_CPU = _CPUS[-1]
"""Load, receivers and the simulator."""

_LIBRARIES = ("uvicorn", "uvloop", "httptools", "starlette", "msgspec", "aiohttp", "apsw")
_CPUCLOCK_OF_PROCESS = 2


def cpu_s(pid: int) -> float:
    """Return the processor seconds of a process, all its threads and ended ones included.

    Source: Linux, clock_getcpuclockid(3): the clock's number is made of the process's.
    """
    return time.clock_gettime((~pid << 3) | _CPUCLOCK_OF_PROCESS)


def details() -> Sequence[str]:
    """Return lines that say what machine this is and how busy it was."""
    one, five, fifteen = os.getloadavg()
    return (
        f"processor: {_processor()}, {len(_CPUS)} usable; Linux {platform.release()}",
        f"Python {platform.python_version()}; "
        + ", ".join(f"{name} {version(name)}" for name in _LIBRARIES),
        f"load before the start: {one:.2f} {five:.2f} {fifteen:.2f}; "
        f"flush to disk (4 KiB, median of 50): {flush_ms():.2f} ms",
        "service on one processor, load and simulator on the other"
        if SERVICE_CPU != CLIENT_CPU
        else "everything on one processor: nothing here says much",
    )


def flush_ms() -> float:
    """Return how long the disk of the temporary directory takes to make 4 KiB durable."""
    times = []
    with tempfile.TemporaryFile() as file:
        for _ in range(50):
            began = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    return 1000 * median(times)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()

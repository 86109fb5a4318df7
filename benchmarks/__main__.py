"""python -m benchmarks [NAME…]: run all benchmarks or those named, and print what they found."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import uvloop

from benchmarks import (
    callbacks,
    crowd,
    databases,
    describing,
    durable,
    events,
    growth,
    nodes,
    reading,
    searching,
    served,
    slots,
    turns,
)
from benchmarks.figures import Result
from benchmarks.machine import details

__all__ = ["BENCHMARKS", "main"]

_LIMIT_S = 1_800.0
"""All together; each ends by itself long before."""

BENCHMARKS: Mapping[str, tuple[Callable[[Path, int], Awaitable[Result]], int]] = {
    "reading": (reading.measure, 41),
    "describing": (describing.measure, 9),
    "events": (events.measure, 9),
    "callbacks": (callbacks.measure, 10),
    "slots": (slots.measure, 2),
    "growth": (growth.measure, 9),
    "searching": (searching.measure, 3),
    "durable": (durable.measure, 5),
    "databases": (databases.measure, 7),
    "served": (served.measure, 5),
    "nodes": (nodes.measure, 5),
    "crowd": (crowd.measure, 2),
    "turns": (turns.measure, 3),
}
"""Name → what measures it, and its number of rounds."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run until all is measured or the time is up."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}")
    parser.add_argument("--rounds", type=int, help="rounds of each, instead of its own number")
    given = parser.parse_args(arguments)
    unknown = set(given.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no benchmark {min(unknown)}")
    uvloop.run(_run(given.names or list(BENCHMARKS), given.rounds))


async def _run(names: Sequence[str], rounds: int | None) -> None:
    _print("# Benchmarks\n\n" + "\n".join(f"- {line}" for line in details()) + "\n")
    async with asyncio.timeout(_LIMIT_S):
        for name in names:
            measure, usual = BENCHMARKS[name]
            with tempfile.TemporaryDirectory(prefix="waystation-bench-") as folder:
                _print(str(await measure(Path(folder), rounds or usual)))


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

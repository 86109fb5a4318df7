"""Waiting: a live bar on stderr while something runs; plain lines where nobody watches."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from waystation.cli.screen import Screen, escaped

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["percent", "waiting"]

_PERCENT = re.compile(r"\((\d{1,3})%\)")
"""The last one counts: the bot appends it, and a prompt may hold one too."""


def percent(job: Mapping[str, object]) -> int | None:
    """Return how far a job is, as the bot states it. Units: percent, integer 0–100."""
    if job.get("status") == "completed":
        return 100
    if job.get("status") != "progress":
        return None
    found = _PERCENT.findall(str(job.get("content") or ""))
    return min(int(found[-1]), 100) if found else None


@contextmanager
def waiting(screen: Screen, what: str) -> Iterator[Callable[[Mapping[str, object]], None]]:
    """Show that something runs; yield a function that takes each state of the job.

    Without a terminal on stderr each change of status is a line; with `--json` nothing is.
    """
    if screen.err.is_terminal:
        with _bar(screen) as progress:
            task = progress.add_task(what, total=None, status="")

            def show(job: Mapping[str, object]) -> None:
                done = percent(job)
                progress.update(
                    task,
                    status=escaped(str(job.get("status", ""))),
                    total=None if done is None else 100,
                    completed=done,
                )

            yield show
        return
    screen.note(f"{what} …", "")
    yield _Lines(screen, what).show


class _Lines:
    """One line per change of status."""

    def __init__(self, screen: Screen, what: str) -> None:
        self._screen, self._what, self._seen = screen, what, ""

    def show(self, job: Mapping[str, object]) -> None:
        done = percent(job)
        now = str(job.get("status", "")) + ("" if done in (None, 100) else f" {done} %")
        if now and now != self._seen:
            self._seen = now
            self._screen.note(f"{self._what} … {now}", "")


def _bar(screen: Screen) -> Progress:
    # Takes a fifth of a second to import: only where a bar is shown.
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    return Progress(
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[status]}", markup=False, style="dim"),
        TimeElapsedColumn(),
        console=screen.err,
        transient=True,
    )

"""Waiting: a live bar on stderr while something runs, with the picture so far below it; plain lines
where nobody watches.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType

from waystation.cli.preview import Preview, room
from waystation.cli.screen import Screen, escaped, indented

if TYPE_CHECKING:
    from waystation.client import Client

__all__ = ["percent", "waiting"]

_PERCENT = re.compile(r"\((\d{1,3})%\)")
"""The last one counts: the bot appends it, and a prompt may hold one too."""

_REFRESHES = 6
"""A picture in colours is some 20 kB each time. Units: per second"""


def percent(job: Mapping[str, object]) -> int | None:
    """Return how far a job is, as the bot states it. Units: percent, integer 0–100."""
    if job.get("status") == "completed":
        return 100
    if job.get("status") != "progress":
        return None
    found = _PERCENT.findall(str(job.get("content") or ""))
    return min(int(found[-1]), 100) if found else None


def _said(job: Mapping[str, object]) -> str:
    done, place = percent(job), job.get("queue")
    if isinstance(place, Mapping):
        return f"waits in the queue, position {place.get('position')}: {place.get('why')}"
    return str(job.get("status", "")) + ("" if done in (None, 100) else f" {done} %")


@asynccontextmanager
async def waiting(
    screen: Screen, what: str, client: Client, awaited: str
) -> AsyncIterator[Callable[[Mapping[str, object]], None]]:
    """Show that something runs; yield a function that takes each state of the job.

    Without a terminal that can draw on stderr each change of status is a line; with `--json` and
    without such a terminal nothing is.

    Args:
        client: fetches the pictures to be shown meanwhile
        awaited: what is waited for until there is a state, and how long at most
    """
    if not _can_draw(screen.err):
        screen.note(f"{what} … waits for {awaited}", "")
        yield _Lines(screen, what).show
        return
    size = room(screen.err)
    preview = None if size is None else Preview(client, *size)
    try:
        with _Bar(screen.err, what, preview, awaited) as bar:
            yield bar.show
    finally:
        if preview is not None:
            await preview.close()


def _can_draw(console: Console) -> bool:
    return console.is_terminal and not console.is_dumb_terminal and not console.no_color


class _Lines:
    """One line per change of status."""

    def __init__(self, screen: Screen, what: str) -> None:
        self._screen, self._what, self._seen = screen, what, ""

    def show(self, job: Mapping[str, object]) -> None:
        now = _said(job)
        if now and now != self._seen:
            self._seen = now
            self._screen.note(f"{self._what} … {now}", "")


class _Bar:
    """A bar, a status, and the picture below them; leaves nothing behind."""

    def __init__(self, console: Console, what: str, preview: Preview | None, awaited: str) -> None:
        # Takes a fifth of a second to import: only where a bar is shown.
        from rich.live import Live
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self._progress = Progress(
            SpinnerColumn(finished_text="✓"),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[status]}", markup=False, style="dim"),
            TimeElapsedColumn(),
            console=console,
        )
        self._task = self._progress.add_task(what, total=None, status=f"waits for {awaited}")
        self._preview = preview
        self._live = Live(
            console=console,
            get_renderable=self._drawn,
            transient=True,
            refresh_per_second=_REFRESHES,
        )

    def __enter__(self) -> _Bar:
        self._live.start(refresh=True)
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()

    def show(self, job: Mapping[str, object]) -> None:
        done = percent(job)
        self._progress.update(
            self._task,
            status=escaped(_said(job)),
            total=None if done is None else 100,
            completed=done,
        )
        if self._preview is not None:
            self._preview.look(job)
        self._live.refresh()

    def _drawn(self) -> RenderableType:
        blocks = None if self._preview is None else self._preview.blocks
        return Group(self._progress, indented(blocks)) if blocks is not None else self._progress

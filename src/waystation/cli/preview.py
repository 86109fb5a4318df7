"""Preview: the picture that a running job shows so far, in coloured half-blocks.

Rules: a preview is a courtesy. What cannot be fetched, read or drawn is left out and never told;
the bytes come from outside and are looked at as a caller's picture is (R43).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import TYPE_CHECKING

from rich.color import Color
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style

from waystation.cli.job_view import pictures
from waystation.errors import WaystationError

if TYPE_CHECKING:
    from PIL.Image import Image

    from waystation.client import Client

__all__ = ["Blocks", "Preview", "draw", "room"]

_COLUMNS, _ROWS = 32, 16
"""Most cells; a cell is two pixels, one above the other, and those are about square."""

_LEAST_ROWS = 4
"""A picture of fewer rows shows nothing."""

_BESIDES = 3
"""Rows of a terminal that stay free: the bar, the line typed, the cursor."""

_MOST_BYTES = 16 * 1024 * 1024
_MOST_PIXELS = 20_000_000
"""The bot's largest pictures have 4096 x 4096."""
_WITHIN_S = 5.0

_COLOURFUL = frozenset({"256", "truecolor"})

_UPPER_HALF = "▀"


class Blocks:
    """A picture as a terminal shows it: one sign for two pixels, upper and lower."""

    def __init__(self, picture: Image) -> None:
        self._picture = picture

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = self._picture.size
        for y in range(0, height, 2):
            yield from Segment.simplify(
                Segment(_UPPER_HALF, self._style(x, y)) for x in range(width)
            )
            yield Segment.line()

    def _style(self, x: int, y: int) -> Style:
        lower = self._colour(x, y + 1) if y + 1 < self._picture.height else None
        return Style(color=self._colour(x, y), bgcolor=lower)

    def _colour(self, x: int, y: int) -> Color:
        found = self._picture.getpixel((x, y))
        assert isinstance(found, tuple), "an RGB pixel"
        return Color.from_rgb(*found)


def room(console: Console) -> tuple[int, int] | None:
    """Return how large a picture may be here; None where none can be shown.

    Units: columns and rows of the terminal
    """
    columns = min(_COLUMNS, console.width - 1)
    rows = min(_ROWS, console.height - _BESIDES)
    colourful = console.color_system in _COLOURFUL and not console.no_color
    legible = console.encoding.startswith("utf")
    return (columns, rows) if colourful and legible and rows >= _LEAST_ROWS else None


def draw(data: bytes, columns: int, rows: int) -> Blocks | None:
    """Return a picture that fits, in its own shape; None when the bytes are none we show.

    Purity: blocks, about a tenth of a second for a picture of the bot
    """
    from PIL import Image

    from waystation.outbound.pictures import recognise, sound

    found = recognise(data)
    if found is None:
        return None
    kind, (width, height) = found
    if width * height > _MOST_PIXELS or not sound(data, kind):
        return None
    try:
        with Image.open(BytesIO(data), formats=[kind.name]) as image:
            image.thumbnail((columns, rows * 2))
            return Blocks(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError):
        # a file that ends early is found only now
        return None


class Preview:
    """Follows the pictures of one job, one fetch at a time; `blocks` is the newest that came."""

    def __init__(self, client: Client, columns: int, rows: int) -> None:
        self._client = client
        self._size = columns, rows
        self._wanted = self._tried = ""
        self._task: asyncio.Task[None] | None = None
        self.blocks: Blocks | None = None

    def look(self, job: Mapping[str, object]) -> None:
        """Take a state of the job; a picture that was not there before is fetched meanwhile."""
        for url in _first_progress(job):
            self._wanted = url
        if self._is_new(self._wanted) and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._fetch())

    async def close(self) -> None:
        """Stop fetching."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _fetch(self) -> None:
        while self._is_new(self._wanted):
            self._tried = self._wanted
            file = BytesIO()
            try:
                await self._client.download(
                    self._tried, file, most_bytes=_MOST_BYTES, timeout_s=_WITHIN_S
                )
            except WaystationError:
                continue
            self.blocks = await asyncio.to_thread(draw, file.getvalue(), *self._size) or self.blocks

    def _is_new(self, url: str) -> bool:
        # Discord signs a link anew each time it shows it
        return url.partition("?")[0] != self._tried.partition("?")[0]


def _first_progress(job: Mapping[str, object]) -> Iterator[str]:
    if job.get("status") == "progress":
        yield from list(pictures(job))[:1]

"""Intake: the pictures that come with a request, fetched or sent along.

Rules: nothing here is durable; a service that stops meanwhile has made no job (R1). A request holds
one place of its user from its first picture to its last, so that what pictures take is bounded per
user and in all (R43).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import cast

from waystation.errors import InvalidRequest, PreconditionFailed, Throttled, Unavailable
from waystation.midjourney.commands import Command, Param, ParamKind
from waystation.ports import Fetched, Fetcher
from waystation.shares import Shares

__all__ = ["FilePart", "Intake"]


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file of a form."""

    filename: str
    data: bytes


class Intake:
    """Takes in the pictures of requests, until the service stops.

    Args: places: requests at once; wait_s: how long a request waits for its place
    """

    def __init__(self, fetcher: Fetcher, places: Shares, wait_s: float = 20.0) -> None:
        self._fetcher = fetcher
        self._places = places
        self._wait_s = wait_s
        self._closed = False
        self._under_way: set[asyncio.Task[Sequence[Fetched]]] = set()

    def close(self) -> None:
        """Give up what is under way and take nothing more."""
        self._closed = True
        for one in self._under_way:
            one.cancel()

    async def take(
        self,
        user_id: int,
        command: Command,
        params: Mapping[str, object],
        files: Mapping[str, FilePart],
        fits: Callable[[Fetched], None] = lambda mask: None,
    ) -> Sequence[Fetched]:
        """Return a request's pictures: those behind URLs first, then the files.

        Args: fits: judges a mask by its size, before it is decoded
        Raises: PreconditionFailed, or InvalidRequest where the command's row says 400; Throttled;
        Unavailable: the service stops; what `fits` raises
        """
        taking = asyncio.create_task(self._in_place(user_id, command, params, files, fits))
        self._under_way.add(taking)
        try:
            return await taking
        except PreconditionFailed as error:
            if command.bad_input_status == PreconditionFailed.status_hint:
                raise
            raise InvalidRequest(error.message, details=error.details) from error
        except asyncio.CancelledError:
            if self._closed:
                raise Unavailable from None
            raise
        finally:
            taking.cancel()
            self._under_way.discard(taking)

    async def _in_place(
        self,
        user_id: int,
        command: Command,
        params: Mapping[str, object],
        files: Mapping[str, FilePart],
        fits: Callable[[Fetched], None],
    ) -> Sequence[Fetched]:
        if not files and not any(_is_picture(row) and row.name in params for row in command.params):
            return ()
        async with AsyncExitStack() as place:
            try:
                await place.enter_async_context(self._places.hold(user_id, 1, self._wait_s))
            except TimeoutError:
                raise Throttled(
                    "Too many requests with pictures at once; try again", retry_after_s=5
                ) from None
            return await self._pictures(user_id, command, params, files, fits)

    async def _pictures(
        self,
        user_id: int,
        command: Command,
        params: Mapping[str, object],
        files: Mapping[str, FilePart],
        fits: Callable[[Fetched], None],
    ) -> Sequence[Fetched]:
        pictures = []
        for param in command.params:
            if _is_picture(param):
                named = params.get(param.name, ())
                for url in (named,) if isinstance(named, str) else cast(Sequence[str], named):
                    pictures.append(await self._fetcher.fetch(url, user_id))
        rows = {param.name: param for param in command.params}
        for field_name, part in files.items():
            row = rows.get(field_name)
            is_mask = row is not None and row.kind is ParamKind.MASK
            name = (row and row.file_part) or field_name
            shown = part.filename or name
            if is_mask:
                pictures.append(await self._fetcher.mask(part.data, shown, fits))
            else:
                pictures.append(await self._fetcher.inspect(part.data, shown))
        return pictures


def _is_picture(param: Param) -> bool:
    return param.kind in (ParamKind.PICTURE, ParamKind.PICTURES)

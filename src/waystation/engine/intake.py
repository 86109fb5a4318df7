"""Intake: the pictures that come with a request, fetched or sent along.

Rules: nothing here is durable; a service that stops meanwhile has made no job (R1). A request holds
one place of its user from its first picture to its last, and what was fetched counts as its user's
until the request is answered, so that what pictures take is bounded per user and in all (R43).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import cast

from waystation.errors import InvalidRequest, PreconditionFailed, Throttled, Unavailable
from waystation.midjourney.commands import Command, ParamKind
from waystation.ports import Fetched, Fetcher, User
from waystation.shares import Part, Shares

__all__ = ["FilePart", "Intake"]


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file of a form."""

    filename: str
    data: bytes


class Intake:
    """Takes in the pictures of requests, until the service stops.

    Args: places: requests at once; fetched: bytes that were fetched; largest: of one picture, in
    bytes; wait_s: how long a request waits for each
    """

    def __init__(
        self,
        fetcher: Fetcher,
        places: Shares,
        fetched: Shares,
        largest: int,
        wait_s: float = 20.0,
    ) -> None:
        self._fetcher = fetcher
        self._places = places
        self._fetched = fetched
        self._largest = largest
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
        user: User,
        command: Command,
        params: Mapping[str, object],
        files: Mapping[str, FilePart],
        held: AsyncExitStack,
        fits: Callable[[Fetched], None] = lambda mask: None,
    ) -> Sequence[Fetched]:
        """Return a request's pictures: those behind URLs first, then the files.

        Args: held: keeps what was fetched counted until it is closed; fits: judges a mask by its
        size, before it is decoded
        Raises: PreconditionFailed, or InvalidRequest where the command's row says 400; Throttled;
        Unavailable: the service stops; what `fits` raises
        """
        taking = asyncio.create_task(self._in_place(user, command, params, files, held, fits))
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
            # else its error and this frame hold each other, and the picture with them
            del taking

    async def _in_place(
        self,
        user: User,
        command: Command,
        params: Mapping[str, object],
        files: Mapping[str, FilePart],
        held: AsyncExitStack,
        fits: Callable[[Fetched], None],
    ) -> Sequence[Fetched]:
        urls = _urls(command, params)
        if not files and not urls:
            return ()
        async with AsyncExitStack() as place:
            await self._wait_for(place, self._places, user.user_id, 1)
            fetched = []
            if urls:
                most = self._largest * len(urls)
                part = await self._wait_for(held, self._fetched, user.user_id, most)
                fetched = [await self._fetcher.fetch(url, user.is_admin) for url in urls]
                part.keep(sum(len(one.data) for one in fetched))
            return [*fetched, *await self._sent(command, files, fits)]

    async def _wait_for(
        self, held: AsyncExitStack, shares: Shares, user_id: int, amount: int
    ) -> Part:
        """Hold some of a user's share. Raises: Throttled."""
        try:
            return await held.enter_async_context(shares.hold(user_id, amount, self._wait_s))
        except TimeoutError:
            raise Throttled(
                "Too many requests with pictures at once; try again", retry_after_s=5
            ) from None

    async def _sent(
        self,
        command: Command,
        files: Mapping[str, FilePart],
        fits: Callable[[Fetched], None],
    ) -> Sequence[Fetched]:
        """Return the pictures that came as files."""
        pictures = []
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


def _urls(command: Command, params: Mapping[str, object]) -> Sequence[str]:
    """Return the URLs of a request's pictures, in the order of its command's params."""
    urls: list[str] = []
    for param in command.params:
        if param.kind in (ParamKind.PICTURE, ParamKind.PICTURES):
            named = params.get(param.name, ())
            urls += (named,) if isinstance(named, str) else cast(Sequence[str], named)
    return urls

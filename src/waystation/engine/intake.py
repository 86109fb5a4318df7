"""Intake: the pictures that come with a request, fetched or sent along.

Rules: nothing here is durable; a service that stops meanwhile has made no job (R1). A picture holds
one place of its user while it is fetched or looked at, and what was fetched counts as its user's
until the request is answered, so that what pictures take is bounded per user and in all (R43).

How it works: nobody knows how large a picture is before it was fetched. So each one is fetched with
room for the largest, one of a request after the other, and then counts with what it has. Nobody
holds a place while he waits for room. A request with several URLs keeps its first pictures while it
waits for room for the next. Of different users, the shares see to it that none waits for another in
a circle; of one user, whose share holds one such request, one at a time has its turn. So a slow
host holds up the next request with several of its own user. One picture needs no turn.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final, TypeVar, cast

from waystation import sentences
from waystation.errors import InvalidRequest, PreconditionFailed, Throttled, Unavailable
from waystation.midjourney.commands import COMMANDS, Command, ParamKind
from waystation.ports import Fetched, Fetcher, User
from waystation.shares import Part, Shares

__all__ = [
    "MOST_BYTES",
    "MOST_URLS",
    "PATIENCE_S",
    "SEVERAL",
    "FilePart",
    "Intake",
    "Patience",
    "urls_of",
]

_Wished = TypeVar("_Wished")

_BY_URL: Final = (ParamKind.PICTURE, ParamKind.PICTURES)

MOST_URLS: Final = max(
    param.most for command in COMMANDS.values() for param in command.params if param.kind in _BY_URL
)
"""Pictures that one request may name by URL: a user's bytes must hold so many of the largest."""

MOST_BYTES: Final = 50 << 20
"""Most bytes of one job's pictures, since all are kept until it is sent: five of the largest that
Discord takes."""

SEVERAL: Final = 1
"""Requests with several URLs of one user that are fetched at once: his share holds no more."""


PATIENCE_S: Final = 20.0
"""Longest wait of a request, in all, for room for its pictures."""


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file of a form."""

    filename: str
    data: bytes


@dataclass(slots=True)
class Patience:
    """Seconds that a request may still wait, for whatever it waits."""

    left_s: float

    async def wait_for(
        self, held: AsyncExitStack, shares: Shares, user_id: int, amount: int, more: int = 0
    ) -> Part:
        """Hold some of a user's share, which may grow by so much more. Raises: Throttled."""
        wish = shares.hold(user_id, amount, self.left_s, more=more)
        return await self._waited(held.enter_async_context(wish))

    async def grow(self, part: Part, amount: int) -> None:
        """Hold more of what is held. Raises: Throttled."""
        await self._waited(part.grow(amount, self.left_s))

    async def _waited(self, wish: Awaitable[_Wished]) -> _Wished:
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        try:
            return await wish
        except TimeoutError:
            raise Throttled(sentences.PICTURES_AT_ONCE.text, retry_after_s=5) from None
        finally:
            self.left_s = max(0.0, self.left_s - (loop.time() - began_at))


class Intake:
    """Takes in the pictures of requests, until the service stops.

    Args: places: pictures at once; fetched: bytes that were fetched; largest: of one picture, in
    bytes; wait_s: how long a request waits in all
    """

    def __init__(
        self,
        fetcher: Fetcher,
        places: Shares,
        fetched: Shares,
        largest: int,
        wait_s: float = PATIENCE_S,
    ) -> None:
        self._fetcher = fetcher
        self._places = places
        self._fetched = fetched
        self._turns = Shares(SEVERAL, sys.maxsize)
        """To hold bytes and want more."""
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
        taking = asyncio.create_task(self._taken(user, command, params, files, held, fits))
        self._under_way.add(taking)
        try:
            pictures = await taking
            if sum(len(picture.data) for picture in pictures) > MOST_BYTES:
                raise PreconditionFailed(sentences.INPUTS_TOO_LARGE.said(limit=MOST_BYTES >> 20))
            return pictures
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

    async def _taken(
        self,
        user: User,
        command: Command,
        params: Mapping[str, object],
        files: Mapping[str, FilePart],
        held: AsyncExitStack,
        fits: Callable[[Fetched], None],
    ) -> Sequence[Fetched]:
        urls, patience = urls_of(command, params), Patience(self._wait_s)
        if not files and not urls:
            return ()
        fetched = await self._behind(urls, user, held, patience)
        if not files:
            return fetched
        async with AsyncExitStack() as place:
            await patience.wait_for(place, self._places, user.user_id, 1)
            return [*fetched, *await self._sent(command, files, fits)]

    async def _behind(
        self, urls: Sequence[str], user: User, held: AsyncExitStack, patience: Patience
    ) -> Sequence[Fetched]:
        """Return the pictures behind URLs."""
        fetched: list[Fetched] = []
        async with AsyncExitStack() as turn:
            if len(urls) > 1:
                await patience.wait_for(turn, self._turns, user.user_id, 1)
            part = None
            for left, url in zip(range(len(urls))[::-1], urls, strict=True):
                if part is None:
                    part = await patience.wait_for(
                        held, self._fetched, user.user_id, self._largest, left * self._largest
                    )
                else:
                    await patience.grow(part, self._largest)
                async with AsyncExitStack() as place:
                    await patience.wait_for(place, self._places, user.user_id, 1)
                    fetched.append(await self._fetcher.fetch(url, user.is_admin))
                part.keep(sum(len(picture.data) for picture in fetched))
        return fetched

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


def urls_of(command: Command, params: Mapping[str, object]) -> Sequence[str]:
    """Return the URLs of a request's pictures, in the order of its command's params."""
    urls: list[str] = []
    for param in command.params:
        if param.kind in _BY_URL:
            named = params.get(param.name, ())
            urls += (named,) if isinstance(named, str) else cast(Sequence[str], named)
    return urls

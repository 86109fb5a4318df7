"""Intake: the pictures that come with a request, fetched or sent along.

Rules: nothing here is durable; a service that stops meanwhile has made no job (R1).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from waystation.errors import InvalidRequest, PreconditionFailed, Unavailable
from waystation.midjourney.commands import Command, ParamKind
from waystation.ports import Fetched, Fetcher

__all__ = ["FilePart", "Intake"]


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file of a form."""

    filename: str
    data: bytes


class Intake:
    """Takes in the pictures of one request after the other, until the service stops."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
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
    ) -> Sequence[Fetched]:
        """Return a request's pictures: those behind URLs first, then the files.

        Raises: PreconditionFailed, or InvalidRequest where the command's row says 400; Unavailable:
        the service stops
        """
        taking = asyncio.create_task(self._pictures(user_id, command, params, files))
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

    async def _pictures(
        self,
        user_id: int,
        command: Command,
        params: Mapping[str, object],
        files: Mapping[str, FilePart],
    ) -> Sequence[Fetched]:
        pictures = []
        for param in command.params:
            if param.kind in (ParamKind.PICTURE, ParamKind.PICTURES):
                named = params.get(param.name, ())
                for url in (named,) if isinstance(named, str) else cast(Sequence[str], named):
                    pictures.append(await self._fetcher.fetch(url, user_id))
        rows = {param.name: param for param in command.params}
        for field_name, part in files.items():
            row = rows.get(field_name)
            is_mask = row is not None and row.kind is ParamKind.MASK
            name = (row and row.file_part) or field_name
            look = self._fetcher.mask if is_mask else self._fetcher.inspect
            # a hostile file can keep the reader busy, so it is read beside the loop
            pictures.append(await asyncio.to_thread(look, part.data, part.filename or name))
        return pictures

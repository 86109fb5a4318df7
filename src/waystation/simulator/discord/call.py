"""One request to the REST API: who calls, what with, and what is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import msgspec
from aiohttp import BodyPartReader, web

from waystation.simulator.discord.refusals import Effect, Refused, error_effect, invalid_form
from waystation.simulator.discord.world import Account, SimulatedBot
from waystation.simulator.payload import Payload, decode, objects

__all__ = ["Body", "Call", "Part", "Reply", "read_body"]


@dataclass(frozen=True, slots=True)
class Part:
    """A file inside a multipart request."""

    filename: str
    content_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Body:
    """A request's JSON object and files."""

    json: Payload = field(default_factory=dict)
    files: Mapping[str, Part] = field(default_factory=dict)
    listed: list[Payload] = field(default_factory=list)
    """The objects of a body that is a list."""

    def objects(self, name: str) -> list[Payload]:
        """Return the objects of a list field; anything else counts as absent."""
        return objects(self.json, name)


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request."""

    request: web.Request
    caller: Account | SimulatedBot
    body: Body
    route: str = ""
    """The path of its row, braces and all."""

    @property
    def account(self) -> Account:
        """Return the calling account.

        Raises: Refused: a bot called what only users may
        """
        if isinstance(self.caller, SimulatedBot):
            raise Refused(error_effect("only_users"))
        return self.caller

    def path(self, name: str) -> str:
        """Return a part of the path."""
        return self.request.match_info[name]

    def number(self, name: str) -> int | None:
        """Return a query parameter that is an id or a count.

        Raises: Refused: it is there and no number
        """
        text = self.request.query.get(name)
        if text is None:
            return None
        if not text.isdigit():
            raise invalid_form(name, "NUMBER_TYPE_COERCE", f'Value "{text}" is not int.')
        return int(text)


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer of a route."""

    json: object = None
    """None: an empty body."""
    status: int = 200
    after: Callable[[], None] | None = None
    """Done once the answer has left, also when nobody waited for it."""


async def read_body(request: web.Request, max_bytes: int) -> Body:
    """Read a JSON or multipart body; no body is an empty object.

    Raises: Refused: not JSON, not an object, or too large
    """
    if request.content_type.startswith("multipart/"):
        return await _read_multipart(request, max_bytes)
    raw = await request.read()
    if raw.lstrip().startswith(b"["):
        return Body(listed=objects({"": _value(raw)}, ""))
    return Body(_object(raw) if raw else {})


async def _read_multipart(request: web.Request, max_bytes: int) -> Body:
    json: Payload = {}
    files: dict[str, Part] = {}
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        data = bytes(await part.read())
        if len(data) > max_bytes:
            raise Refused(error_effect("too_large"))
        if part.name == "payload_json":
            json = _object(data)
        elif part.filename and part.name:
            kind = part.headers.get("Content-Type", "application/octet-stream")
            files[part.name] = Part(part.filename, kind, data)
        elif part.name:
            json[part.name] = data.decode(errors="replace")
    return Body(json, files)


def _value(raw: bytes) -> object:
    try:
        return decode(raw)
    except msgspec.DecodeError:
        bad = b'{"message": "The request body contains invalid JSON.", "code": 50109}'
        raise Refused(Effect(400, bad)) from None


def _object(raw: bytes) -> Payload:
    value = _value(raw)
    if not isinstance(value, dict):
        raise invalid_form("_", "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
    return value

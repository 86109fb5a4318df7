"""Body: what a request carries, read as a stream, within limits of size and time (R43).

Rules: `multipart/form-data` is read as a form; everything else is read as JSON, whatever the
content type says, because curl's default says something else. Only what does not even begin as JSON
is refused by its type. An empty body is an empty object.
"""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

import msgspec
from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Receive

from waystation import sentences
from waystation.engine.intake import FilePart
from waystation.errors import InvalidRequest, TooLarge, UnsupportedMedia
from waystation.midjourney.commands import COMMANDS

__all__ = [
    "FIELDS",
    "MAX_FORM_FIELDS",
    "MAX_FORM_FILES",
    "UNUSABLE",
    "Body",
    "HungUp",
    "Limits",
    "TooSlow",
    "read_body",
    "weight",
]

_MIB = 1 << 20

_SMALL_BYTES = 1 << 16
"""A body up to this size takes nothing of a share: each connection may buffer as much anyway."""

MAX_FORM_FIELDS = 64
"""Text fields of one form; v2 knows fewer than twenty."""

MAX_FORM_FILES = 8
"""File parts of one form; the widest verb of v2 takes five pictures."""

_CHARSETS = frozenset({b"", b"utf-8", b"utf8", b"us-ascii", b"iso-8859-1"})
"""Charsets that a form may name. Python keeps each other name it is asked for, for ever, and some
of its codecs make text that nothing can encode again."""


FIELDS = frozenset(
    {param.name for command in COMMANDS.values() for param in command.params}
    | {
        "channel",
        "days",
        "discord",
        "format",
        "jobs",
        "jobsADay",
        "maxJobs",
        "mode",
        "name",
        "priority",
        "queue",
        "replyProgress",
        "replyRef",
        "replyUrl",
    }
    | {"server", "since", "size", "tile", "user"}
)
"""Names that routes read of a JSON body. Every other field is passed over and not built: a body of
1 MiB can describe objects of 60 MiB."""

UNUSABLE: Mapping[str, object] = {}
"""Stands for a field's value that no route takes, such as an object or a list of lists."""

_Known = msgspec.defstruct(
    "_Known", [(name, msgspec.Raw, msgspec.Raw()) for name in sorted(FIELDS)]
)
_known = msgspec.json.Decoder(_Known)
_value = msgspec.json.Decoder(bool | int | float | str | list[str] | None)

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte order mark → how to read what begins with it."""

_MAX_SHOWN = 64
"""How much of a content type a sentence repeats, in characters."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a body is read, and for how long.

    Source: R43
    """

    json_bytes: int
    form_bytes: int
    """A picture and its form."""
    body_s: float
    """From the first look at the body to its last byte."""
    share_bytes: int = 12 * _MIB
    """Of one user's bodies that are being read or answered: one of the largest forms, or some of
    the usual ones."""
    bytes_in_all: int = 96 * _MIB
    waiting: int = 8
    """Bodies of one user that wait until they are read; each has sent a little already."""
    discard_s: float = 2.0
    """How long the rest of a refused body is thrown away before the answer.

    A connection closed on unread bytes is reset, and the caller would never see the refusal.
    """


class TooSlow(Exception):
    """The request body did not arrive in time."""


class HungUp(Exception):
    """The caller closed the connection before the body was complete."""


@dataclass(frozen=True, slots=True)
class Body:
    """A parsed body. A field that occurs more than once in a form is a tuple of texts."""

    fields: Mapping[str, object] = field(default_factory=dict)
    files: Mapping[str, FilePart] = field(default_factory=dict)


class _FormParser(MultiPartParser):
    """Keeps file parts in memory: the body as a whole is bounded already."""

    spool_max_size = 1 << 30


def weight(headers: Headers, limits: Limits) -> int:
    """Return how many bytes of a user's share a body takes: as declared, else the most it may have.

    Raises: TooLarge
    """
    limit = limits.form_bytes if _is_form(headers) else limits.json_bytes
    declared = _declared_bytes(headers)
    if declared > limit:
        raise TooLarge
    announced = headers.get("content-length") or headers.get("transfer-encoding")
    size = declared or (limit if announced not in (None, "0") else 0)
    return size if size > _SMALL_BYTES else 0


async def read_body(headers: Headers, receive: Receive, limits: Limits) -> Body:
    """Read and parse a request's body.

    Raises: TooLarge; TooSlow; HungUp; InvalidRequest: neither JSON object nor form
    """
    is_form = _is_form(headers)
    limit = limits.form_bytes if is_form else limits.json_bytes
    if _declared_bytes(headers) > limit:
        raise TooLarge
    try:
        async with asyncio.timeout(limits.body_s), aclosing(_bounded(receive, limit)) as stream:
            if is_form:
                return await _read_form(headers, stream)
            raw = b"".join([chunk async for chunk in stream])
            return _parse_json(raw, headers.get("content-type", ""))
    except TimeoutError:
        raise TooSlow from None


def _is_form(headers: Headers) -> bool:
    return headers.get("content-type", "").lower().startswith("multipart/form-data")


def _declared_bytes(headers: Headers) -> int:
    declared = headers.get("content-length", "")
    return int(declared) if declared.isascii() and declared.isdigit() else 0


async def _bounded(receive: Receive, limit: int) -> AsyncGenerator[bytes, None]:
    received = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HungUp
        chunk: bytes = message.get("body", b"")
        received += len(chunk)
        if received > limit:
            raise TooLarge
        if chunk:
            yield chunk
        if not message.get("more_body", False):
            return


def _parse_json(raw: bytes, content_type: str) -> Body:
    if not raw.strip():
        return Body()
    try:
        known = _known.decode(_unmarked(raw))
        fields = {name: _read(sent) for name in FIELDS if (sent := getattr(known, name))}
    except msgspec.ValidationError as error:
        raise InvalidRequest(sentences.NO_OBJECT.text) from error
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        kind = content_type.partition(";")[0].strip().lower()
        if kind and not _may_be_json(kind) and not _begins_as_json(raw):
            raise UnsupportedMedia(sentences.BODY_TYPE.said(type=kind[:_MAX_SHOWN])) from error
        raise InvalidRequest(sentences.BROKEN_JSON.text) from error
    return Body(fields=fields)


def _read(sent: msgspec.Raw) -> object:
    """Return a field's value. Raises: DecodeError."""
    try:
        return _value.decode(sent)
    except msgspec.ValidationError:
        return UNUSABLE


def _unmarked(raw: bytes) -> bytes:
    """Return JSON in UTF-8 without the mark that editors and some shells put before it."""
    for mark, encoding in _MARKS.items():
        if raw.startswith(mark):
            return raw.decode(encoding).encode()
    return raw


def _may_be_json(kind: str) -> bool:
    return kind == "text/plain" or kind.endswith(("/json", "+json"))


def _begins_as_json(raw: bytes) -> bool:
    """Tell whether a body was meant as an object or a list, whatever its type says."""
    for mark in _MARKS:
        raw = raw.removeprefix(mark)
    return raw.replace(b"\0", b"").lstrip()[:1] in (b"{", b"[")


def _said_before(said: object) -> tuple[object, ...]:
    return said if isinstance(said, tuple) else (said,)


async def _read_form(headers: Headers, stream: AsyncGenerator[bytes, None]) -> Body:
    _, options = parse_options_header(headers["content-type"])
    if options.get(b"charset", b"").lower() not in _CHARSETS:
        raise InvalidRequest(sentences.CHARSET.text)
    parser = _FormParser(headers, stream, max_files=MAX_FORM_FILES, max_fields=MAX_FORM_FIELDS)
    try:
        form = await parser.parse()
    except (MultiPartException, ValueError) as error:
        raise InvalidRequest(sentences.BROKEN_FORM.text) from error
    fields: dict[str, object] = {}
    files: dict[str, FilePart] = {}
    for name, item in form.multi_items():
        if isinstance(item, UploadFile):
            files[name] = FilePart(filename=item.filename or "", data=await item.read())
        else:
            said = fields.get(name)
            fields[name] = item if said is None else (*_said_before(said), item)
    await form.close()
    return Body(fields=fields, files=files)

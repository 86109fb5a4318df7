"""The paths of media: files of jobs, links to them, the key that signs the links, downloads.

Rules: what is answered has a type of a closed list, a name of ours, and headers under which no
browser runs any of it (R47).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from waystation import sentences
from waystation.api.answer import NO_CONTENT, Answer, Headers, json_answer
from waystation.api.body import Body
from waystation.api.call import Call
from waystation.api.fields.values import number_at, text_at
from waystation.api.places import Places
from waystation.api.resource import Handler
from waystation.contract import instant
from waystation.engine.media.downloads import Downloads
from waystation.engine.media.reading import Opened, once
from waystation.engine.media.serving import Media
from waystation.errors import InvalidRequest, NotFound, Unauthorized
from waystation.jobs import JobStatus
from waystation.media.byte_ranges import byte_range
from waystation.media.files import FORMATS, SIZES, TILES, Wish, file_name, owner_of
from waystation.media.links import EXPIRES, LONGEST_SHARE, SHARE, SIGNATURE
from waystation.ports import User

__all__ = [
    "DAYS",
    "LONGEST_DAYS",
    "SIGNED_AT_ONCE",
    "ZIPS_AT_ONCE",
    "ZIP_JOBS",
    "MediaCalls",
    "MediaLinkForm",
]

SIGNED_AT_ONCE: Final = 64
"""Requests with signed links of one user that are under way."""

ZIPS_AT_ONCE: Final = 1
"""ZIP files of one user that are read."""

ZIP_JOBS: Final = 200
"""Jobs whose files are downloaded by one request."""

DAYS: Final = SHARE.days
LONGEST_DAYS: Final = LONGEST_SHARE.days

_KEPT_S: Final = 86_400
"""How long a browser may show the file of an ended job without asking again."""

_SAFE: Final[Headers] = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
)

_FORMATS: Final = tuple(kind.name for kind in FORMATS)


class MediaLinkForm(msgspec.Struct, omit_defaults=True):
    """A link to a file."""

    path: Annotated[str, Meta(description="path and query; it needs no token")]
    expires: Annotated[str, Meta(description="when the link ends")]
    url: Annotated[
        str | None,
        Meta(description="the whole link; missing where the request names no host"),
    ] = None


class MediaCalls:
    """The calls for media. Args: public_url: where browsers find the service; empty: unknown"""

    def __init__(self, media: Media, downloads: Downloads, public_url: str = "") -> None:
        self._media = media
        self._downloads = downloads
        self._public_url = public_url
        self._signed = Places(
            "signed-links", SIGNED_AT_ONCE, sentences.TOO_MANY_AT_ONCE, retry_after_s=1
        )
        self._zips = Places("zip-files", ZIPS_AT_ONCE, sentences.ONE_ZIP, retry_after_s=5)

    def signed_or(self, own: Handler) -> Handler:
        """Return the handler of a file: by a signature where there is one, else by a token.

        Args: own: `read_own` for a known caller
        """

        async def read(call: Call) -> Answer:
            given = call.query(SIGNATURE.encode())
            return await (own(call) if given is None else self._read_signed(call, given))

        return read

    async def read_own(self, call: Call, user: User) -> Answer:
        """Answer a file of a job of the caller."""
        wish = _wish(call, call.query)
        if _word("download", call.query(b"download"), ("1",)) is None:
            return await self._file(call, user, wish, signed=False)
        found = await self._media.find(user, wish)
        stack = AsyncExitStack()
        data, kind = await stack.enter_async_context(self._downloads.labelled(found))
        headers = ((b"content-length", b"%d" % len(data)), *_kept_as(file_name(wish, kind)))
        stream = _File(once(data), stack)
        return Answer(200, b"", headers, kind.content_type.encode(), stream)

    async def share(self, call: Call, user: User, body: Body) -> Answer:
        """Answer a link to a file of the caller."""
        days = number_at(body.fields, "days")
        if days is None:
            days = DAYS
        if not 1 <= days <= LONGEST_DAYS:
            raise InvalidRequest(sentences.DAYS_RANGE.said(most=LONGEST_DAYS))

        def field(name: bytes) -> str | None:
            if name == b"format":
                return text_at(body.fields, "format")
            number = number_at(body.fields, name.decode())
            return None if number is None else str(number)

        life = timedelta(days=days)
        path, expires = await self._media.share(user, _wish(call, field), life)
        base = self._public_url or call.origin
        url = None if base is None else base + path
        return json_answer(MediaLinkForm(path, instant(expires), url), 201)

    async def zip(self, call: Call, user: User, body: Body) -> Answer:
        """Answer a ZIP file of the files of jobs of the caller."""
        async with AsyncExitStack() as stack:
            stack.enter_context(self._zips.place(user.user_id))
            files = await self._downloads.files_of(user, _jobids(body))
            stream = _File(self._downloads.zipped(files), stack.pop_all())
        headers = _kept_as(f"waystation-{len(files)}.zip")
        return Answer(200, b"", headers, b"application/zip", stream)

    async def rotate(self, call: Call, user: User) -> Answer:
        """End every link of the caller."""
        await self._media.rotate_key(user)
        return NO_CONTENT

    async def _read_signed(self, call: Call, given: str) -> Answer:
        try:
            wish = _wish(call, call.query)
        except (InvalidRequest, NotFound):
            # such a link was never signed
            raise Unauthorized(sentences.BAD_LINK.text) from None
        user = await self._media.user_of(wish, call.query(EXPIRES.encode()) or "", given)
        with self._signed.place(user.user_id):
            return await self._file(call, user, wish, signed=True)

    async def _file(self, call: Call, user: User, wish: Wish, *, signed: bool) -> Answer:
        found = await self._media.find(user, wish)
        ended = found.job.status is JobStatus.COMPLETED
        keeps = b"private, max-age=%d" % _KEPT_S if ended else b"private, no-cache"
        tag = found.etag.encode()
        told: Headers = ((b"etag", tag), (b"cache-control", keeps), *_SAFE)
        if _names(call.every(b"if-none-match"), found.etag):
            return Answer(304, headers=told)
        part = byte_range(call.header(b"range"))
        condition = call.header(b"if-range")
        if condition is not None and (condition != found.etag or condition.startswith("W/")):
            part = None
        stack = AsyncExitStack()
        opened = await stack.enter_async_context(self._media.opened(found, part, signed=signed))
        headers = (*told, *_sized(opened), (b"content-disposition", _disposition(wish, opened)))
        return Answer(
            200 if opened.span is None else 206,
            headers=headers,
            content_type=opened.kind.content_type.encode(),
            stream=_File(opened.chunks, stack),
        )


class _File:
    """A file on its way out. Implements `answer.Stream`."""

    def __init__(self, chunks: AsyncGenerator[bytes, None], held: AsyncExitStack) -> None:
        self._chunks = chunks
        self._held = held

    def chunks(self) -> AsyncGenerator[bytes, None]:
        return self._chunks

    async def close(self) -> None:
        try:
            await self._chunks.aclose()
        finally:
            await self._held.aclose()


def _wish(call: Call, query: Callable[[bytes], str | None]) -> Wish:
    """Read what is asked for. Args: query: gives a field by its name

    Raises: InvalidRequest; NotFound: the number is none
    """
    number = call.path("n")
    if not (number.isascii() and number.isdigit() and len(number) < 4):
        raise NotFound(sentences.NO_PATH.text)
    return Wish(
        call.path("jobid"),
        int(number),
        _number("tile", query(b"tile"), TILES),
        _number("size", query(b"size"), SIZES),
        _word("format", query(b"format"), _FORMATS),
    )


def _number(field: str, text: str | None, choices: Sequence[int]) -> int | None:
    word = _word(field, text, [str(one) for one in choices])
    return None if word is None else int(word)


def _word(field: str, text: str | None, choices: Sequence[str]) -> str | None:
    if not text:
        return None
    if text not in choices:
        told = ", ".join(choices)
        raise InvalidRequest(sentences.NO_CHOICE.said(field=field, choices=told))
    return text


def _jobids(body: Body) -> Sequence[str]:
    """Read whose files are downloaded. Raises: InvalidRequest; NotFound: it names no job"""
    given = body.fields.get("jobs")
    match given:
        case list() if 1 <= len(given) <= ZIP_JOBS and all(isinstance(one, str) for one in given):
            pass
        case _:
            raise InvalidRequest(sentences.ZIP_JOBS.said(most=ZIP_JOBS))
    for jobid in given:
        if owner_of(jobid) is None or not jobid.isprintable():
            raise NotFound(sentences.UNKNOWN_JOB.said(jobid=jobid))
    return given


def _kept_as(name: str) -> Headers:
    """Return the headers of a download, which is made for its reader alone."""
    disposition = f'attachment; filename="{name}"'.encode()
    return (b"content-disposition", disposition), (b"cache-control", b"private, no-store"), *_SAFE


def _names(header: str | None, tag: str) -> bool:
    """Tell whether a condition names an entity tag. Source: RFC 9110, section 13.1.2"""
    if header is None:
        return False
    named = [one.strip().removeprefix("W/") for one in header.split(",")]
    return "*" in named or tag.removeprefix("W/") in named


def _sized(opened: Opened) -> Headers:
    if opened.length is None:
        return ()
    ranges = (b"accept-ranges", b"bytes")
    if opened.span is None:
        return ranges, (b"content-length", b"%d" % opened.length)
    first, last = opened.span
    place = b"bytes %d-%d/%d" % (first, last, opened.length)
    return ranges, (b"content-length", b"%d" % (last - first + 1)), (b"content-range", place)


def _disposition(wish: Wish, opened: Opened) -> bytes:
    return f'inline; filename="{file_name(wish, opened.kind)}"'.encode()

"""Pictures: the fields and files of a body that hold a job's pictures, and their URLs."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

import msgspec

from waystation import sentences
from waystation.api.body import Body
from waystation.api.fields.values import is_web_url, sent_text_at, text_at
from waystation.engine.intake import FilePart
from waystation.errors import InvalidRequest
from waystation.midjourney.commands import Param

__all__ = [
    "MAX_PICTURE_URL",
    "file_part",
    "mask_part",
    "numbered_files",
    "picture_url",
    "picture_urls",
]

MAX_PICTURE_URL = 4096
"""Longest picture URL; signed links have some 300 to 2,000 characters."""

_DATA_PREFIX = re.compile(r"\Adata:image/(?:png|webp);base64,")

_NAMELESS = "picture"
"""File name of a file part that came without a usable one."""


def picture_url(param: Param, fields: Mapping[str, object]) -> dict[str, object]:
    """Return the URL of one picture by its name; empty when it may be absent.

    Raises: InvalidRequest: absent, too long, or no URL
    """
    url = sent_text_at(fields, param.name)
    if url is None:
        if param.required:
            raise InvalidRequest(sentences.MISSING.said(field=param.name))
        return {}
    url = url.strip()
    if not url:
        raise InvalidRequest(sentences.EMPTY.said(field=param.name))
    if len(url) > MAX_PICTURE_URL:
        raise InvalidRequest(sentences.TOO_LONG.said(field=param.name))
    if not is_web_url(url):
        raise InvalidRequest(sentences.NO_URL.said(field=param.name))
    return {param.name: url}


def picture_urls(param: Param, fields: Mapping[str, object], sent: int) -> dict[str, object]:
    """Return the URLs of a list of pictures by its name.

    Args: sent: how many pictures came as files
    Raises: InvalidRequest: too few or too many in all, or one that is no URL
    """
    urls = _listed(fields.get(param.name))
    if urls is None or (len(urls) == 1 and isinstance(fields.get(param.name), str) and not sent):
        raise InvalidRequest(sentences.NO_URL_LIST.said(field=param.name))
    if not urls and not sent:
        raise InvalidRequest(sentences.MISSING.said(field=param.name), details=_together(param))
    if not param.fewest <= len(urls) + sent <= param.most:
        raise InvalidRequest(
            sentences.PICTURE_COUNT.said(field=param.name, fewest=param.fewest, most=param.most),
            details=_together(param),
        )
    for url in urls:
        if len(url) > MAX_PICTURE_URL:
            raise InvalidRequest(sentences.TOO_LONG.said(field=param.name))
        if not is_web_url(url):
            raise InvalidRequest(sentences.HOLDS_NO_URL.said(field=param.name))
    return {param.name: urls} if urls else {}


def _listed(value: object) -> list[str] | None:
    """Return a list of texts; a form sends one text, a JSON list or URLs with spaces between."""
    match value:
        case None:
            return []
        case str() as text if text.lstrip().startswith("["):
            try:
                return msgspec.json.decode(text, type=list[str])
            except msgspec.DecodeError:
                return None
        case str() as text:
            return text.split()
        case tuple() as items:
            return [str(item).strip() for item in items]
        case list() as items if all(isinstance(item, str) for item in items):
            return [item.strip() for item in items]
        case _:
            return None


def file_part(param: Param, body: Body) -> FilePart | None:
    """Return the file that stands in for a URL, None without one.

    Raises: InvalidRequest: it is empty, or the URL is there, too
    """
    part = body.files.get(param.file_part) if param.file_part else None
    if part is None:
        return None
    if body.fields.get(param.name) not in (None, ""):
        raise InvalidRequest(sentences.NOT_BOTH.said(field=param.name, part=param.file_part))
    if not part.data:
        raise InvalidRequest(sentences.EMPTY_PART.said(part=param.file_part))
    return FilePart(filename=_plain_name(part.filename), data=part.data)


def numbered_files(param: Param, body: Body) -> dict[str, FilePart]:
    """Return the files of a list of pictures by their parts.

    Raises: InvalidRequest: one is empty
    """
    files = {}
    for number in range(1, param.most + 1):
        name = f"{param.file_part}{number}"
        part = body.files.get(name)
        if part is None:
            continue
        if not part.data:
            raise InvalidRequest(sentences.EMPTY_PART.said(part=name))
        files[name] = FilePart(filename=_plain_name(part.filename), data=part.data)
    return files


def mask_part(param: Param, fields: Mapping[str, object]) -> dict[str, FilePart]:
    """Return a mask sent in base64, with or without `data:`. Raises: InvalidRequest."""
    text = text_at(fields, param.name)
    if text is None:
        return {}
    try:
        data = base64.b64decode(_DATA_PREFIX.sub("", text), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not (data.startswith(b"\x89PNG\r\n") or (data[:4], data[8:12]) == (b"RIFF", b"WEBP")):
        raise InvalidRequest(sentences.NO_MASK_FILE.said(field=param.name))
    return {param.name: FilePart(filename=param.name, data=data)}


def _plain_name(filename: str) -> str:
    """Return the last part of a path, without what could not stand in a file name or a log."""
    last = re.split(r"[/\\]", filename)[-1]
    kept = "".join(character for character in last if character.isprintable())
    return kept.strip(" .")[-128:] or _NAMELESS


def _together(param: Param) -> str | None:
    """Say how pictures can be sent beside their URLs.

    Describe says nothing of it: v2's answer has no such field (v2 notes 6.3, 412).
    """
    part = param.file_part
    if part is None:
        return None
    parts = f"{part}1 to {part}{param.most}"
    return f"URLs in {param.name} and files as parts {parts} of a form count together."

"""Media links: signed links to a job's files, and how long each sort of link works.

A signature says that whoever has the media key of the job's user lets a file be read until a
moment. It covers job, number, tile, size, format and that moment, so that no part of a link can be
changed. Nothing is stored of a link: another key ends all links of a user at once.

Source: R47

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote, urlencode

from waystation.media.files import Wish

__all__ = [
    "EXPIRES",
    "KEPT",
    "KEY_BYTES",
    "LONGEST_SHARE",
    "SHARE",
    "SIGNATURE",
    "has_ended",
    "is_signed",
    "page_until",
    "path_of",
    "share_until",
    "signature",
]

KEY_BYTES: Final = 32

EXPIRES: Final = "expires"
SIGNATURE: Final = "signature"
"""Query parameters of a signed link."""

KEPT: Final = "kept"
"""End of a link that works as long as its job is kept: links that are handed to programs."""

SHARE: Final = timedelta(days=7)
"""Life of a link that a user shares, unless they choose another."""

LONGEST_SHARE: Final = timedelta(days=365)

_DAY: Final = timedelta(days=1)


def page_until(now: datetime) -> str:
    """Return the end of a link on a page of ours: the same all day, so that caches work.

    Such a link works for one day at least, and for two at most.
    """
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return _text(today + 2 * _DAY)


def share_until(now: datetime, life: timedelta = SHARE) -> str:
    """Return the end of a link that a user shares."""
    return _text(now + min(life, LONGEST_SHARE))


def has_ended(expires: str, now: datetime) -> bool:
    """Tell whether a link with a good signature works no more."""
    return expires != KEPT and int(expires) <= now.timestamp()


def signature(key: bytes, wish: Wish, expires: str) -> str:
    """Return the signature of a link. Args: expires: seconds since 1970, or KEPT"""
    parts = (wish.jobid, wish.number, wish.tile, wish.size, wish.format, expires)
    # each with its length, so that no two lists are written alike
    signed = "\n".join(f"{len(str(part))}:{part}" for part in ("media 1", *parts))
    digest = hmac.digest(key, signed.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def is_signed(key: bytes, wish: Wish, expires: str, given: str) -> bool:
    """Tell whether a signature is that of a key; takes the same time for any that is not."""
    wanted = signature(key, wish, expires).encode()
    return hmac.compare_digest(wanted, given.encode("utf-8", "replace"))


def path_of(key: bytes, wish: Wish, expires: str) -> str:
    """Return a signed link, beginning with the path."""
    named = (("tile", wish.tile), ("size", wish.size), ("format", wish.format))
    query = {name: value for name, value in named if value is not None}
    query |= {EXPIRES: expires, SIGNATURE: signature(key, wish, expires)}
    return f"/v2/media/{quote(wish.jobid, safe=':')}/{wish.number}?{urlencode(query)}"


def _text(moment: datetime) -> str:
    return str(int(moment.timestamp()))

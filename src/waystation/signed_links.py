"""Signed links: Discord's links to files, which say until when they work and can be renewed.

A job keeps the links it was shown. Who reads the job later, or is called back later, gets working
ones in their place (R41).

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec

__all__ = ["expired_links", "expires_at", "with_links"]

_EXPIRY = re.compile(rb"(?<=[?&])ex=([0-9a-f]{1,12})(?![0-9a-f])")
"""Source: wire notes 1.6: seconds since 1970, in hexadecimal."""

_MARGIN = timedelta(seconds=60)
"""A link that ends so soon is as good as ended for whoever is told it now."""

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode


def expires_at(url: str) -> float | None:
    """Return until when a link works, None when it does not say. Units: seconds since 1970."""
    return next(_ends(url.encode()), None)


def expired_links(body: bytes, now: datetime) -> Sequence[str]:
    """Return the links of a job form that do not work any more.

    Args: body: JSON object in the job form
    """
    due = (now + _MARGIN).timestamp()
    if _first_end(body) > due:
        return ()
    links = (place[name] for place, name in _places(_decode(body)))
    ended = (link for link in links if (ends := expires_at(link)) is not None and ends <= due)
    return tuple(dict.fromkeys(ended))


def with_links(body: bytes, fresh: Mapping[str, str]) -> bytes:
    """Return a job form with some links in place of others."""
    if not fresh:
        return body
    form = _decode(body)
    for place, name in _places(form):
        place[name] = fresh.get(place[name], place[name])
    return _encode(form)


@lru_cache(maxsize=1_000)
def _first_end(body: bytes) -> float:
    """Return when the first link ends. Remembered: a form is read again and again before that."""
    return min(_ends(body), default=math.inf)


def _ends(text: bytes) -> Iterator[float]:
    """Yield until when links work."""
    at = text.find(b"ex=")
    while at != -1:
        if (found := _EXPIRY.match(text, at)) is not None:
            yield float(int(found[1], 16))
        at = text.find(b"ex=", at + 3)


def _places(form: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield where a job form holds links of Discord's: what callers wrote is left alone."""
    holders = [*form.get("attachments", ()), *(one.get("image") for one in form.get("embeds", ()))]
    for holder in holders:
        for name in ("url", "proxy_url"):
            if isinstance(holder, dict) and isinstance(holder.get(name), str):
                yield holder, name

"""Reasons: why a connection failed, in words for an operator, an account's user and a client's."""

from __future__ import annotations

import os

import aiohttp

__all__ = ["why"]

_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorCertificateError, "its certificate is not valid"),
    (aiohttp.ClientSSLError, "no TLS connection could be made"),
    (TimeoutError, "a time-out"),
    (aiohttp.InvalidURL, "a URL that cannot be read"),
    (ValueError, "an answer that cannot be read"),
    (RecursionError, "an answer that cannot be read"),
)
"""Kinds whose number of an error, where there is one, is not the system's; the first counts."""


def why(error: Exception) -> str:
    """Return why a connection failed; never a class's name, nor a library's list of addresses."""
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words
    number = getattr(error, "errno", None)
    if isinstance(number, int) and number > 0:
        return os.strerror(number).lower()
    return getattr(error, "strerror", None) or "a broken connection"

"""Values: one field of a body as a text, a number, a switch or a URL.

Rules: null and the empty text count as absent. A form and a JSON body mean the same: a number may
also come as text, which is all that a form can send.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from waystation import sentences
from waystation.errors import InvalidRequest

__all__ = [
    "MAX_REFERENCE",
    "bounded",
    "checked_reply_url",
    "id_text_at",
    "is_web_url",
    "number_at",
    "sent_text_at",
    "switch_at",
    "text_at",
]

MAX_REFERENCE = 1024
"""Longest replyUrl, replyRef and name, in characters. Source: v2 notes 5."""

_NUMBER_TEXT = re.compile(r"[+-]?[0-9]{1,9}")


def _value_at(fields: Mapping[str, object], name: str) -> object:
    """Return a field; of what a form says more than once the last."""
    value = fields.get(name)
    return value[-1] if isinstance(value, tuple) else value


def text_at(fields: Mapping[str, object], name: str) -> str | None:
    """Return a text, None when it is absent or empty. Raises: InvalidRequest: it is no text."""
    return sent_text_at(fields, name) or None


def sent_text_at(fields: Mapping[str, object], name: str) -> str | None:
    """Return a text as it was sent, None when it is absent.

    Raises: InvalidRequest: it is no text, or holds a NUL character
    """
    value = _value_at(fields, name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidRequest(sentences.NO_STRING.said(field=name))
    if "\0" in value:  # PostgreSQL cannot store it, and nobody means it
        raise InvalidRequest(sentences.HAS_NUL.said(field=name))
    return value


def id_text_at(fields: Mapping[str, object], name: str) -> str | None:
    """Return one of Discord's ids; a JSON number, as some clients send it, means its digits."""
    value = _value_at(fields, name)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return str(value)
    return text_at(fields, name)


def number_at(fields: Mapping[str, object], name: str) -> int | None:
    """Return a whole number, None when it is absent. Raises: InvalidRequest: it is none."""
    match _value_at(fields, name):
        case None | "":
            return None
        case bool():
            pass
        case int(value) if abs(value) < 10**9:
            return value
        case float(value) if value.is_integer() and abs(value) < 10**9:
            return int(value)
        case str(text) if _NUMBER_TEXT.fullmatch(text):
            return int(text)
        case _:
            pass
    raise InvalidRequest(sentences.NO_NUMBER.said(field=name))


def switch_at(fields: Mapping[str, object], name: str) -> bool | None:
    """Return a field that is true or false, which a form says in words; None when it is absent.

    Raises: InvalidRequest: it is neither
    """
    match _value_at(fields, name):
        case None | "":
            return None
        case bool(value):
            return value
        case "true" | "false" as word:
            return word == "true"
        case _:
            raise InvalidRequest(sentences.NO_BOOLEAN.said(field=name))


def bounded(text: str | None, name: str) -> str | None:
    """Return a text of at most MAX_REFERENCE characters. Raises: InvalidRequest: it has more."""
    if text is not None and len(text) > MAX_REFERENCE:
        raise InvalidRequest(sentences.TOO_LONG.said(field=name))
    return text


def checked_reply_url(url: str | None) -> str | None:
    """Return a replyUrl. Raises: InvalidRequest: no http or https URL, or longer than 1,024."""
    if bounded(url, "replyUrl") and not is_web_url(url or ""):
        raise InvalidRequest(sentences.NO_REPLY_URL.text)
    return url


def is_web_url(text: str) -> bool:
    """Tell whether a text is an http or https URL with a host."""
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises on one that is no number
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and text.isprintable()

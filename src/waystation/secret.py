"""Secret: text that hides itself, and the list of live ones that logs must not show (R46).

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import re
import weakref

__all__ = ["Secret", "mask", "redact", "veiled"]

_LEAST_MASKED = 12
"""A shorter text would be given away by the characters that a mask shows."""

_LEAST_HIDDEN_ANYWHERE = 8
"""A shorter text stands in ordinary words, too: there only whole words are hidden."""

_TOKEN = re.compile(
    r"\b(?:[\w-]{20,64}\.[\w-]{5,8}\.[\w-]{20,384}|mfa\.[\w-]{20,508}|user:\d+-[\w-]{16,})",
    re.ASCII,
)
"""A Discord token, or one of our own API. Source: wire notes 1.1; `users add`."""

_live: weakref.WeakSet[Secret] = weakref.WeakSet()


class Secret:
    """A text that never shows in a repr; registered for redaction as long as it lives."""

    __slots__ = ("__weakref__", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        if text:
            _live.add(self)

    def reveal(self) -> str:
        """Return the text; call it only where it leaves for its destination."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__


def mask(token: str) -> str:
    """Return a token as v2 shows it: first three characters, a marker, last three.

    Source: v2 notes 8, field `discord`.
    """
    if len(token) < _LEAST_MASKED:
        return "…secured…"
    return f"{token[:3]}…secured…{token[-3:]}"


def redact(text: str) -> str:
    """Return the text with every live secret in it replaced."""
    # longest first: one secret may be part of another
    for shown in sorted({secret.reveal() for secret in _live}, key=len, reverse=True):
        if len(shown) < _LEAST_HIDDEN_ANYWHERE:
            text = re.sub(rf"(?<!\w){re.escape(shown)}(?!\w)", "[redacted]", text)
        else:
            text = text.replace(shown, "[redacted]")
    return text


def veiled(text: str) -> str:
    """Return the text with everything hidden that has a token's form, live or not."""
    return _TOKEN.sub("[a token]", text)

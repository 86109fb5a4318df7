"""Secret: text that hides itself, and the list of live ones that logs must not show (R46).

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

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

_PART: Final = 5
_STRIDE: Final = _LEAST_HIDDEN_ANYWHERE - _PART + 1
"""A part that begins at every fourth place of a text: one of them lies in any eight characters."""


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


class _Live:
    """The live secrets, by parts of their last characters: looking one up costs the same in any
    number of them. A part, and not the beginning, since tokens of one kind begin alike."""

    def __init__(self) -> None:
        self._parts: dict[str, list[weakref.ref[Secret]]] = {}
        self._short: weakref.WeakSet[Secret] = weakref.WeakSet()

    def add(self, secret: Secret) -> None:
        """Hide a secret from now on, as long as it lives."""
        text = secret.reveal()
        first = len(text) - _LEAST_HIDDEN_ANYWHERE
        if first < 0:
            self._short.add(secret)
            return
        parts = [text[at : at + _PART] for at in range(first, first + _STRIDE)]
        known = weakref.ref(secret, partial(self._forget, parts))
        for part in parts:
            held = self._parts.setdefault(part, [])
            held.append(known)
            # the last other secret with this part may have ended just now
            self._parts[part] = held

    def _forget(self, parts: Sequence[str], known: weakref.ref[Secret]) -> None:
        for part in parts:
            held = self._parts[part]
            held.remove(known)
            if not held:
                del self._parts[part]

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where secrets stand in a text: begin and end, in no order; they may overlap."""
        parts = self._parts
        known = [
            one
            for at in range(0, len(text) - _PART + 1, _STRIDE)
            if (held := parts.get(text[at : at + _PART])) is not None
            for one in held
        ]
        for shown in {secret.reveal() for one in known if (secret := one()) is not None}:
            at = text.find(shown)
            while at >= 0:
                yield at, at + len(shown)
                at = text.find(shown, at + 1)
        for shown in {secret.reveal() for secret in self._short}:
            for found in re.finditer(rf"(?<!\w){re.escape(shown)}(?!\w)", text):
                yield found.span()


_live = _Live()


def mask(token: str) -> str:
    """Return a token as v2 shows it: first three characters, a marker, last three.

    Source: v2 notes 8, field `discord`.
    """
    if len(token) < _LEAST_MASKED:
        return "…secured…"
    return f"{token[:3]}…secured…{token[-3:]}"


def redact(text: str) -> str:
    """Return the text with every live secret in it replaced; those that overlap, as one."""
    kept: list[str] = []
    shown_to, hidden_to = 0, 0
    for begin, end in sorted(_live.spans(text)):
        if begin >= hidden_to:
            kept += text[shown_to:begin], "[redacted]"
        hidden_to = shown_to = max(hidden_to, end)
    return "".join(kept) + text[shown_to:] if kept else text


def veiled(text: str) -> str:
    """Return the text with everything hidden that has a token's form, live or not."""
    return _TOKEN.sub("[a token]", text)

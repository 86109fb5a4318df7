"""The caller's world: pictures in, callbacks and mail out; and the key for secrets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from waystation.callbacks import Attempt, Callback
from waystation.ports.records import Mail

__all__ = ["Fetched", "Fetcher", "Mailer", "Sealer", "Sender"]


@dataclass(frozen=True, slots=True)
class Fetched:
    """A picture as fetched: its bytes, its type by content, and a file extension for it."""

    data: bytes
    content_type: str
    extension: str
    size: tuple[int, int] | None = None
    """Width and height in pixels."""


class Fetcher(Protocol):
    """Fetches pictures that callers name, and knows what can be reached (R42, R43)."""

    def out_of_reach(self, url: str) -> str | None:
        """Return why a URL can never be called, by its text alone; None when it may be."""
        ...

    async def fetch(self, url: str, frank: bool) -> Fetched:
        """Args: frank: tell of a private address as such, which an admin may know of the network

        Raises: PreconditionFailed with v2's literal sentence
        """
        ...

    async def inspect(self, data: bytes, name: str) -> Fetched:
        """Judge bytes that a caller sent. Raises: PreconditionFailed `<name> unknown mime type`."""
        ...

    async def mask(self, data: bytes, name: str, fits: Callable[[Fetched], None]) -> Fetched:
        """Judge a mask and return it in the colours that Midjourney takes.

        Args: data: white is painted anew; fits: judges its size before anything is decoded
        Raises: PreconditionFailed, and what `fits` raises
        """
        ...


class Sender(Protocol):
    """Sends one callback attempt."""

    async def send(self, callback: Callback, headers: Mapping[str, str]) -> Attempt:
        """POST the body once. Never raises for what the receiver does."""
        ...


class Mailer(Protocol):
    """Sends mail."""

    @property
    def configured(self) -> bool:
        """True: mail can be sent somewhere."""
        ...

    async def send(self, mail: Mail) -> None:
        """Raises: Unreachable with the reason."""
        ...


class Sealer(Protocol):
    """Seals values at rest and hashes API tokens (R44, R45)."""

    def seal(self, table: str, row_id: str, value: bytes) -> bytes:
        """Return the sealed value, bound to table and row."""
        ...

    def unseal(self, table: str, row_id: str, sealed: bytes) -> bytes:
        """Raises: VaultError."""
        ...

    def hash_token(self, secret: str) -> bytes:
        """Return the HMAC of an API token's secret part."""
        ...

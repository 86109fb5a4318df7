"""Place: where a PostgreSQL database is, in words that hold no password.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

__all__ = ["Place", "place_of"]


class Place(NamedTuple):
    """The place of a database."""

    host: str
    """A name, an address or the folder of a socket."""
    port: int
    database: str
    user: str

    @property
    def server(self) -> str:
        """The server in words."""
        return f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"postgresql://{self.server}/{self.database}"


def place_of(url: str) -> Place:
    """Return where the database of a URL is. Raises: ValueError: it is no URL"""
    parts = urlsplit(url)
    named = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    user = unquote(parts.username or "") or named.get("user", "")
    host = named.get("host") or parts.hostname or "localhost"
    port = int(named.get("port") or parts.port or 5432)
    database = unquote(parts.path.lstrip("/")) or named.get("database") or user
    return Place(host, port, database, user)

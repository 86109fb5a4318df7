"""Moving: tables on their way from one database to another, and sums that compare them.

How it works: tables go over in pieces of bounded size. A sum counts the rows of a table and adds up
a digest of each row, so that the order of the rows does not matter. The sum of the rows that were
read is compared with the sum of the rows that the new database gives back.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from graphlib import TopologicalSorter
from hashlib import blake2b
from types import MappingProxyType
from typing import Final, Protocol

from waystation.store.columns import Row, Value

__all__ = ["DERIVED", "LEFT", "MOVED_TO", "PIECE_BYTES", "Origin", "Sum", "in_order", "pieces"]

MOVED_TO: Final = "moved_to"
"""Name in `meta`, of the database that was moved: where it is now, without a password."""

LEFT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "migrations": "each database has migrations of its own",
        "nodes": "the leases of processes that have ended",
        "assignments": "the accounts of processes that have ended",
        "commands": "the caller of a command waits for ten seconds at most",
        "commit_marks": "the commits of processes on PostgreSQL",
    }
)
"""Tables that stay behind, and why."""

DERIVED: Final = "job_texts"
"""The table that is made anew from the jobs: SQLite's full-text index keeps no text."""

PIECE_BYTES: Final = 4 * 1024 * 1024
"""Bytes of a piece: a few of the largest rows, which hold a mebibyte."""

_PIECE_ROWS: Final = 2_000

_DIGEST_BYTES: Final = 8
_MODULUS: Final = 1 << 8 * _DIGEST_BYTES


class Sum:
    """The number of rows of a table, and the sum of their digests."""

    __slots__ = ("_digests", "rows", "widest")

    def __init__(self) -> None:
        self.rows = 0
        self.widest = 1
        """Bytes of the largest row, written out."""
        self._digests = 0

    def add(self, row: Row) -> None:
        """Add a row of whole numbers, floats, texts, bytes and None."""
        written = repr(row).encode("utf-8", "surrogatepass")
        self.rows += 1
        self.widest = max(self.widest, len(written))
        digest = blake2b(written, digest_size=_DIGEST_BYTES).digest()
        self._digests = (self._digests + int.from_bytes(digest)) % _MODULUS

    @property
    def checksum(self) -> str:
        """The sum of the digests, 16 hexadecimal digits."""
        return f"{self._digests:0{2 * _DIGEST_BYTES}x}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sum) and (self.rows, self._digests) == (other.rows, other._digests)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{self.rows} rows, checksum {self.checksum}"


class Origin(Protocol):
    """The database that is moved."""

    def tables(self) -> Mapping[str, frozenset[str]]:
        """Return the columns of each table."""
        ...

    def rows(self, table: str, columns: Iterable[str]) -> Iterator[Row]:
        """Yield the rows of a table, one at a time, as PostgreSQL takes them."""
        ...

    def greatest(self, table: str) -> int:
        """Return the greatest number that a table has given to a row, 0 for none."""
        ...

    def leave(self) -> None:
        """Write down where the rows are from now on, and let the database be served no more."""
        ...

    def stay(self) -> None:
        """Take `leave` back: the database was not moved."""
        ...


def pieces(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield rows in pieces: each of at most `PIECE_BYTES` and one row more."""
    piece: list[Row] = []
    size = 0
    for row in rows:
        piece.append(row)
        size += sum(_size(value) for value in row)
        if size >= PIECE_BYTES or len(piece) >= _PIECE_ROWS:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


def in_order(references: Mapping[str, Iterable[str]]) -> list[str]:
    """Return tables so that each comes after those to which it refers.

    Raises: ValueError: tables refer to each other in a ring
    """
    graph = {name: sorted(set(others) - {name}) for name, others in sorted(references.items())}
    return list(TopologicalSorter(graph).static_order())


def _size(value: Value) -> int:
    return len(value) if isinstance(value, str | bytes) else 8

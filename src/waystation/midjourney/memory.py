"""Memory: what a conversation knows beside its jobs, in a form that a store can keep (R20).

It is made of tables with a bound, one per kind of knowledge: what was asked by hand, by what jobs
that are done were known, the asks of others, the pictures that are held. Whoever decides changes
them at once. `changes` tells what is to be committed with the step, `keep` that it was, `undo` that
it was not. A conversation that is built from what was committed knows what this one knows.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import (
    Callable,
    ItemsView,
    Iterable,
    Iterator,
    MutableMapping,
    Sequence,
    ValuesView,
)
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

import msgspec

from waystation.gateway_events import Seen
from waystation.midjourney.commands import MAX_JOBS, MAX_LANE

__all__ = [
    "BEGUN",
    "BY_HAND",
    "EARLIER",
    "FACES",
    "HELD",
    "KINDS",
    "PRESSED",
    "SETTLED",
    "SPENT",
    "STRANGERS",
    "UNHEARD",
    "UNREAD",
    "Form",
    "Memory",
    "Table",
]

BY_HAND = "by_hand"
"""Messages and interactions that carried a nonce which is not ours."""
SETTLED = "settled"
"""Ids of a job that is done, or of a picture that nobody gets."""
STRANGERS = "stranger"
"""Asks that are not ours, or of nobody knows whom, by their messages."""
HELD = "held"
"""Pictures that wait to be told apart, by their messages."""
UNREAD = "unread"
"""Between which ids something was missed that history must be read for (unread.py)."""
FACES = "face"
"""Texts of messages whose edits answer presses."""
UNHEARD = "unheard"
"""Asks by hand that the bot has not answered, by their interactions."""
BEGUN = "begun"
"""Messages that name nobody and were counted as the answer to an ask by hand."""
PRESSED = "pressed"
"""Messages that somebody has pressed by hand, with the newest that came of it."""
EARLIER = "earlier"
"""Jobs that were asked twice, by what the first ask is known."""
SPENT = "spent"
"""Ghosts whose picture may be among those that nobody got."""

_OPEN: Final = MAX_JOBS + MAX_LANE
"""Jobs of one account that can be unfinished at once."""

KINDS = {
    SETTLED: 817,
    STRANGERS: 400,
    BY_HAND: 250,
    FACES: 100,
    HELD: 100,
    UNREAD: 3,
    EARLIER: 2 * _OPEN,
    UNHEARD: 50,
    BEGUN: 50,
    PRESSED: 50,
    SPENT: 50,
}
"""Rows of a kind that are kept, the newest; 2,000 in all (R20). Ghosts keep a row of EARLIER
beside the unfinished jobs, and the oldest of them give way."""

T = TypeVar("T")


class Form(Protocol[T]):
    """The form of a table's values as bytes."""

    def encode(self, value: T) -> bytes:
        """Write it."""
        ...

    def decode(self, body: bytes) -> T:
        """Read it. Raises: ValueError: an older version wrote it otherwise."""
        ...


@dataclass(frozen=True)
class Plain(Generic[T]):
    """JSON of one type, the form of every table that needs no other."""

    type: type[T]

    def encode(self, value: T) -> bytes:
        """Write it as JSON."""
        return msgspec.json.encode(value)

    def decode(self, body: bytes) -> T:
        """Read JSON. Raises: ValueError."""
        return msgspec.json.decode(body, type=self.type)


class Table(MutableMapping[str, T]):
    """Values by id, oldest first; the oldest gives way. What changes keeps its place."""

    def __init__(self, kind: str, form: Form[T], rows: Iterable[Seen]) -> None:
        self.kind = kind
        self.restored: Callable[[], None] = lambda: None
        """Called when `undo` has changed values."""
        self._form = form
        self._capacity = KINDS[kind]
        self._values: dict[str, T] = {}
        self._places: dict[str, int] = {}
        """How old a value is beside others; the number of the next one is `_next`."""
        self._next = 0
        self._before: dict[str, tuple[int, T] | None] = {}
        """Kept value and place of each id that changed since; None: nothing was kept."""
        for row in rows:
            try:
                self._put(row.id, form.decode(row.body or b""))
            except ValueError:
                # another version wrote it; to know less is right, to stop is not
                continue

    def __getitem__(self, key: str) -> T:
        return self._values[key]

    def __setitem__(self, key: str, value: T) -> None:
        if key in self._values and self._values[key] == value:
            return
        self._remember(key)
        self._put(key, value)
        while len(self._values) > self._capacity:
            del self[next(iter(self._values))]

    def __delitem__(self, key: str) -> None:
        if key in self._values:
            self._remember(key)
        del self._values[key], self._places[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def items(self) -> ItemsView[str, T]:
        """Return all, as fast as a dictionary does: some are looked through for each message."""
        return self._values.items()

    def values(self) -> ValuesView[T]:
        """Return all values, as fast as a dictionary does."""
        return self._values.values()

    def _put(self, key: str, value: T) -> None:
        if key not in self._values:
            self._places[key] = self._next
            self._next += 1
        self._values[key] = value

    def _remember(self, key: str) -> None:
        if key not in self._before:
            known = key in self._values
            self._before[key] = (self._places[key], self._values[key]) if known else None

    @property
    def is_changed(self) -> bool:
        """Tell whether `changes` may have something to say."""
        return bool(self._before)

    def changes(self) -> Iterator[Seen]:
        """Yield the rows that differ from what was kept; those that are gone have no body."""
        for key, kept in self._before.items():
            if key in self._values:
                value = self._values[key]
                if kept is None or kept[1] is not value:
                    yield Seen(self.kind, key, self._form.encode(value))
            elif kept is not None:
                yield Seen(self.kind, key, None)

    def keep(self) -> None:
        """Take the values as kept."""
        self._before.clear()

    def undo(self) -> None:
        """Go back to what was kept."""
        if not self._before:
            return
        for key, kept in self._before.items():
            self._values.pop(key, None)
            self._places.pop(key, None)
            if kept is not None:
                self._places[key], self._values[key] = kept
        oldest_first = sorted(self._places, key=self._places.__getitem__)
        self._values = {key: self._values[key] for key in oldest_first}
        self._before.clear()
        self.restored()


class Memory:
    """The tables of one conversation."""

    def __init__(self, rows: Iterable[Seen] = ()) -> None:
        self._rows: dict[str, list[Seen]] = {}
        for row in rows:
            self._rows.setdefault(row.kind, []).append(row)
        self._tables: list[Table[object]] = []

    def table(self, kind: str, form: Form[T]) -> Table[T]:
        """Return the one table of a kind, with what is kept of it."""
        table = Table(kind, form, self._rows.pop(kind, ()))
        self._tables.append(table)  # type: ignore[arg-type]
        return table

    def changes(self) -> Sequence[Seen]:
        """Return what is to be committed with the next step."""
        return tuple(row for table in self._tables if table.is_changed for row in table.changes())

    def keep(self) -> None:
        """Take what `changes` gave as committed."""
        for table in self._tables:
            table.keep()

    def undo(self) -> None:
        """Forget what was not committed."""
        for table in self._tables:
            table.undo()

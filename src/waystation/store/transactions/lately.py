"""StoreIdentifies and StoreTallies: events that count for a while.

How it works: a tally has a row for each slice of time in which something has happened. Whoever
counts deletes those of its kind that count no more.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from waystation.ports import Clock, Counted, Tally, TallySlice
from waystation.store.columns import Values, instant, micros
from waystation.store.transactions.database import Database, Reading, Reads, Writing

__all__ = ["StoreIdentifies", "StoreTallies", "add", "share", "take", "tallies"]


class StoreIdentifies:
    """The IDENTIFYs of the last day."""

    def __init__(self, writer: Writing, reads: Reading) -> None:
        self._writer = writer
        self._reads = reads

    async def after(self, discord_user_id: str, moment: datetime) -> Sequence[datetime]:
        named: Values = {"discord_user_id": discord_user_id, "after": micros(moment)}
        rows = await self._reads.run(lambda reads: reads.all("identifies_after", named))
        return [instant(at) for (at,) in rows]

    async def add(
        self, discord_user_id: str, at: datetime, forget: datetime, newest: datetime | None
    ) -> bool:
        return await self._writer.run(
            lambda database: add(database, discord_user_id, at, forget, newest)
        )


def add(
    database: Database,
    discord_user_id: str,
    at: datetime,
    forget: datetime,
    newest: datetime | None,
) -> bool:
    """Note an IDENTIFY; False: another one was noted since the newest that the caller knows of."""
    row = database.one("account_of_discord_user", {"discord_user_id": discord_user_id})
    if row is not None:
        # an account's id never changes: two processes that begin a session at once meet here
        database.lock(accounts=[str(row[0])])
    database.run("drop_identifies", {"until": micros(forget)})
    values: Values = {
        "discord_user_id": discord_user_id,
        "at": micros(at),
        "newest": micros(newest or forget),
    }
    return database.run("add_identify", values) > 0


class StoreTallies:
    """`ports.Tallies` on the doors of a database.

    Rules: `clock` is what a database within the process goes by; another has a clock of its own.
    """

    def __init__(self, writer: Writing, reads: Reading, clock: Clock) -> None:
        self._writer = writer
        self._reads = reads
        self._clock = clock

    async def look(self, counted: Counted, key: str) -> Tally:
        at = self._at
        found = await self._reads.run(lambda reads: tallies(reads, counted, [key], at))
        return found.get(key, Tally())

    async def take(self, counted: Counted, key: str, most: int, user_id: int) -> Tally | None:
        at = self._at
        return await self._writer.run(
            lambda database: take(database, counted, key, most, user_id, at)
        )

    async def give_back(self, counted: Counted, key: str) -> None:
        values: Values = {"kind": counted.kind, "key": key}
        await self._writer.run(lambda database: database.run("give_tally_back", values))

    async def share(self, counted: Counted, added: Mapping[str, int]) -> Mapping[str, Tally]:
        at = self._at
        return await self._writer.run(lambda database: share(database, counted, added, at))

    async def slices(self, counted: Counted, key: str, added: int = 0) -> Sequence[TallySlice]:
        at = self._at
        if not added:
            return await self._reads.run(lambda reads: _slices(reads, counted, key, at))

        def counting(database: Database) -> Sequence[TallySlice]:
            _count(database, counted, {key: added}, at)
            return _slices(database, counted, key, at)

        return await self._writer.run(counting)

    @property
    def _at(self) -> int:
        return micros(self._clock.now())


def take(
    database: Database, counted: Counted, key: str, most: int, user_id: int, at: int
) -> Tally | None:
    """Count one more, unless there are `most`. Units of all here: `at` microseconds."""
    database.lock(users=[user_id])
    tally = tallies(database, counted, [key], at).get(key, Tally())
    if tally.number >= most:
        return tally
    _count(database, counted, {key: 1}, at)
    return None


def share(
    database: Database, counted: Counted, added: Mapping[str, int], at: int
) -> Mapping[str, Tally]:
    """Count events and return how many there are."""
    _count(database, counted, added, at)
    return tallies(database, counted, added, at)


def tallies(reads: Reads, counted: Counted, keys: Collection[str], at: int) -> Mapping[str, Tally]:
    """Return the tallies of keys, without those of which there is none."""
    values: Values = {"keys": json.dumps(list(keys)), **_spans(counted, at)}
    rows = reads.all("tallies_of", values)
    return {
        key: Tally(number, (first + _span(counted) - now) / 1e6) for key, number, first, now in rows
    }


def _count(database: Database, counted: Counted, added: Mapping[str, int], at: int) -> None:
    spans = _spans(counted, at)
    database.run("drop_tallies", spans)
    slice_ = counted.slice // timedelta(microseconds=1)
    database.run("add_tallies", {"added": json.dumps(added), "slice": slice_, **spans})


def _slices(reads: Reads, counted: Counted, key: str, at: int) -> Sequence[TallySlice]:
    rows = reads.all("tally_slices", {"key": key, **_spans(counted, at)})
    return [TallySlice((now - began) / 1e6, number) for began, number, now in rows]


def _spans(counted: Counted, at: int) -> Values:
    return {"kind": counted.kind, "span": _span(counted), "clock": at}


def _span(counted: Counted) -> int:
    return (counted.window + counted.slice) // timedelta(microseconds=1)

"""Records of the service, read from its database as it stands."""

from __future__ import annotations

import asyncio
import json
import threading
from itertools import count
from pathlib import Path
from typing import Any, ClassVar, Self

import apsw
import asyncpg

__all__ = ["PostgresRecords", "Records", "Row"]

Row = dict[str, Any]


class Records:
    """The tables of one database; opened beside the service or after it."""

    MARKER: ClassVar[str] = "the tests' own marker, which nobody understands"

    def __init__(self, path: Path) -> None:
        self._database = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        self._database.set_busy_timeout(5000)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def rows(self, query: str, *values: object) -> list[Row]:
        """Return a query's rows by column name."""
        cursor = self._database.execute(query, values)
        found: list[Row] = []
        for row in cursor:
            names = [column[0] for column in cursor.get_description()]
            found.append(dict(zip(names, row, strict=True)))
        return found

    def stored(self) -> bytes:
        """Return all that is kept, as it is on the disk."""
        path = Path(self._database.filename)
        return b"".join(file.read_bytes() for file in sorted(path.parent.glob("*.db*")))

    def jobs(self) -> list[Row]:
        """Return all jobs, oldest first, JSON columns decoded."""
        return [
            row | {name: _decoded(row[name]) for name in ("messages", "late", "embeds")}
            for row in self.rows("select * from jobs order by created_at, jobid")
        ]

    def job(self, jobid: str) -> Row:
        """Return one job."""
        return next(row for row in self.jobs() if row["jobid"] == jobid)

    def events(self, jobid: str | None = None) -> list[Row]:
        """Return a job's events, or all, in order, `body` decoded."""
        query = "select * from job_events where ? in (jobid, '') order by jobid, number"
        return [row | {"body": json.loads(row["body"])} for row in self.rows(query, jobid or "")]

    def kinds(self, jobid: str) -> list[str]:
        """Return the names of a job's events, in order."""
        return [event["kind"] for event in self.events(jobid)]

    def callbacks(self, jobid: str | None = None) -> list[Row]:
        """Return a job's callbacks, or all."""
        return self.rows("select * from callbacks where ? in (jobid, '')", jobid or "")

    def accounts(self) -> list[Row]:
        """Return all accounts."""
        return self.rows("select * from accounts order by created_at")

    def mails(self) -> list[Row]:
        """Return all mails, oldest first."""
        return self.rows("select * from mails order by created_at")

    def unrecognised(self) -> dict[str, bytes]:
        """Return kept bot messages by id."""
        found = self.rows("select message_id, payload from unrecognised")
        return {row["message_id"]: row["payload"] for row in found}

    def is_marker(self, message_id: str) -> bool:
        """Tell whether a kept message is the tests' own."""
        return self.MARKER.encode() in self.unrecognised()[message_id]


class PostgresRecords(Records):
    """The tables of one database of PostgreSQL; each query waits for its answer."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._connection = self._done(asyncpg.connect(url, statement_cache_size=0))

    def __exit__(self, *_: object) -> None:
        self._done(self._connection.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def rows(self, query: str, *values: object) -> list[Row]:
        places = count(1)
        numbered = "".join(f"${next(places)}" if one == "?" else one for one in query)
        return [dict(row) for row in self._done(self._fetched(numbered, *values))]

    async def _fetched(self, query: str, *values: object) -> Any:
        # behind a pooler, preparing and running must meet the same server
        async with self._connection.transaction():
            return await self._connection.fetch(query, *values)

    def stored(self) -> bytes:
        """Return all rows of all tables as text; columns of bytes are in hexadecimal."""
        tables = self.rows("select tablename as name from pg_tables where schemaname = 'public'")
        rows = (self.rows(f"select t::text as row from {one['name']} t") for one in tables)
        return "\n".join(row["row"] for table in rows for row in table).encode()

    def _done(self, awaitable: Any) -> Any:
        async def awaited() -> Any:
            return await awaitable

        return asyncio.run_coroutine_threadsafe(awaited(), self._loop).result(30)


def _decoded(text: str | None) -> Any:
    return None if text is None else json.loads(text)

"""Records of the service, read from its database file as it stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar, Self

import apsw

__all__ = ["Records", "Row"]

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


def _decoded(text: str | None) -> Any:
    return None if text is None else json.loads(text)

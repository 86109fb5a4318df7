"""StoreCopies: which files of jobs are kept, and which are still to be copied (R40).

How it works: a copy that is claimed is due again when the claim ends, as a callback is. A file is
in use as long as a copy names it; nothing counts that, so that no count can be wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from waystation.jobs import JobId
from waystation.ports import CopiesKept, KeptCopy, WantedCopy
from waystation.store.columns import Values, instant, micros
from waystation.store.transactions.database import Database, Reading, Reads, Writing

__all__ = ["StoreCopies", "want"]


_MARK = "shelf"
"""Name of the mark among the installation's values."""


class StoreCopies:
    """`ports.Copies` on the doors of a database."""

    def __init__(self, writer: Writing, near: Reading, far: Reading) -> None:
        self._writer = writer
        self._near = near
        self._far = far

    async def claim(self, at: datetime, until: datetime, limit: int) -> Sequence[WantedCopy]:
        values: Values = {"at": micros(at), "until": micros(until), "limit": limit}
        rows = await self._writer.run(lambda database: database.all("claim_copies", values))
        return [WantedCopy(*row) for row in sorted(rows)]

    async def next_due(self) -> datetime | None:
        row = await self._near.run(lambda reads: reads.one("next_copy_due"))
        return None if row is None or row[0] is None else instant(row[0])

    async def keep(self, wanted: WantedCopy, name: str, digest: bytes, size: int) -> str | None:
        return await self._writer.run(lambda database: keep(database, wanted, name, digest, size))

    async def put_off(self, wanted: WantedCopy, next_at: datetime | None) -> None:
        values = _place(wanted) | {
            "attempts": wanted.attempts,
            "next_at": None if next_at is None else micros(next_at),
        }
        await self._writer.run(lambda database: database.run("put_off_copy", values))

    async def rest(self, until: datetime) -> None:
        values: Values = {"until": micros(until)}
        await self._writer.run(lambda database: database.run("rest_copies", values))

    async def resume(self, at: datetime) -> None:
        values: Values = {"at": micros(at)}
        await self._writer.run(lambda database: database.run("resume_copies", values))

    async def find(
        self, jobid: JobId, number: int, attachment_id: str, cut: str = ""
    ) -> KeptCopy | None:
        values = _place(WantedCopy(jobid, number, attachment_id)) | {"cut": cut}
        row = await self._near.run(lambda reads: reads.one("copy_of", values))
        return None if row is None else KeptCopy(*row)

    async def add_cut(self, name: str, cut: str, size: int) -> bool:
        return await self._writer.run(lambda database: add_cut(database, name, cut, size))

    async def lose(self, name: str, at: datetime) -> None:
        await self._writer.run(lambda database: lose(database, name, at))

    async def let_go(self, limit: int) -> int:
        return await self._writer.run(lambda database: database.run("let_go_copies", _most(limit)))

    async def unused(self, limit: int) -> Sequence[str]:
        rows = await self._writer.run(lambda database: database.all("unused_files", _most(limit)))
        return [name for (name,) in rows]

    async def known(self, names: Sequence[str]) -> frozenset[str]:
        return await self._far.run(lambda reads: known(reads, names))

    async def mark(self, new: str) -> str:
        return await self._writer.run(lambda database: mark(database, new))

    async def kept(self) -> CopiesKept:
        row = await self._far.run(lambda reads: reads.one("kept_totals"))
        assert row is not None
        return CopiesKept(*(int(total) for total in row))


def want(database: Database, files: Sequence[WantedCopy], at: datetime) -> None:
    """Write which files of a job's step are to be copied, and from when on."""
    for each in files:
        database.later("want_copy", _place(each) | {"at": micros(at)})


def keep(database: Database, wanted: WantedCopy, name: str, digest: bytes, size: int) -> str | None:
    """Record a file, and that it is the copy of a job's file; as in the port."""
    is_new = database.run("keep_file", {"name": name, "digest": digest, "size": size})
    row = database.one("file_of_digest", {"digest": digest})
    # no row: the one with the same bytes has gone in this very moment
    if row is None or not database.run("keep_copy", _place(wanted) | {"name": row[0]}):
        if is_new:
            # whoever asks drops the file, and no other copy is to name it
            database.run("forget_file", {"name": name})
        return None
    return str(row[0])


def add_cut(database: Database, name: str, cut: str, size: int) -> bool:
    """Record a picture that was cut; as in the port."""
    if database.run("keep_cut", {"name": name, "cut": cut, "size": size}):
        database.run("add_cut_size", {"name": name, "size": size})
        return True
    return database.one("known_file", {"name": name}) is not None


def lose(database: Database, name: str, at: datetime) -> None:
    """Forget a file that is not there; as in the port."""
    database.run("want_again", {"name": name, "at": micros(at)})
    database.run("forget_file", {"name": name})


def mark(database: Database, new: str) -> str:
    """Return the mark of the place of all copies; as in the port."""
    database.run("add_meta", {"name": _MARK, "value": new})
    row = database.one("meta", {"name": _MARK})
    assert row is not None
    return str(row[0])


def known(reads: Reads, names: Sequence[str]) -> frozenset[str]:
    """Return those of the names that are kept."""
    found = (reads.one("known_file", {"name": name}) for name in names)
    return frozenset(row[0] for row in found if row is not None)


def _place(wanted: WantedCopy) -> Values:
    return {
        "jobid": wanted.jobid,
        "number": wanted.number,
        "attachment_id": wanted.attachment_id,
    }


def _most(limit: int) -> Values:
    return {"limit": limit}

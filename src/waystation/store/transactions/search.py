"""StoreSearch: a user's jobs, newest first, by text and other signs.

How it works: the number of a job, kept in `job_finds`, puts its user and its time together, so
that the jobs of one user are one range, oldest first. The full-text index has the same numbers.
It holds each three characters in a row of the folded prompt without their places, so that it tells
where a text may be; the prompt itself decides. A range is read backwards and in windows, and a page
ends after so many of them, however little was found: no search reads without end. A text of which
three characters are rare needs no windows.

Source: docs/performance.md, searching jobs
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from waystation.jobs import Job
from waystation.ports import JobSearch, JobsFound
from waystation.store.columns import Values
from waystation.store.folding import folded
from waystation.store.rows import JOBS
from waystation.store.transactions.database import Database, Reading, Reads, Writing

__all__ = ["StoreSearch", "find", "forget", "index_job", "index_older", "number_of"]

_USER_BITS = 42
"""Milliseconds since 1970 fit below them until the year 2109."""

_USERS = 1 << 63 - _USER_BITS
"""Users whose jobs have numbers that a database can hold."""

_JOBID = re.compile(r"job:(\d{14})(\d{3})-user:(\d+)-")

_LIKE = re.compile(r"[%_\\]")
"""Characters that a pattern of `like` has another meaning for."""

_WINDOW = 10_000
"""Jobs of a user that are looked at between two looks at what was found."""

_WINDOWS = 5
"""Windows of one page."""

_RARE = 500
"""Jobs with the same three characters that need no windows."""


class StoreSearch:
    """`ports.Search` on doors of a store; the reading one should hold up no other read."""

    def __init__(self, writer: Writing, reads: Reading) -> None:
        self._writer = writer
        self._reads = reads

    async def find(self, search: JobSearch) -> JobsFound:
        return await self._reads.run(lambda reads: find(reads, search))

    async def index_older(self, limit: int) -> bool:
        return await self._writer.run(lambda database: index_older(database, limit))


# ── what is kept ──


def number_of(jobid: str) -> int | None:
    """Return the number of a job; None for an id of another form."""
    found = _JOBID.match(jobid)
    if found is None or int(found[3]) >= _USERS:
        return None
    second = datetime.strptime(found[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return int(found[3]) << _USER_BITS | int(second.timestamp()) * 1000 + int(found[2])


def index_job(database: Database, jobid: str, params: Mapping[str, object]) -> None:
    """Make a job findable; nothing when it is already."""
    number = number_of(jobid)
    if number is None:
        return
    prompt = params.get("prompt")
    text = folded(prompt) if isinstance(prompt, str) and prompt else None
    database.later("index_job", {"number": number, "jobid": jobid, "prompt": text})


def forget(database: Database, jobids: Sequence[str]) -> None:
    """Make jobs that are gone no longer findable."""
    for jobid in jobids:
        number = number_of(jobid)
        if number is not None:
            database.run("delete_text", {"number": number})
            database.run("delete_find", {"number": number})


def index_older(database: Database, limit: int) -> bool:
    """Make some older jobs findable, the newest first. Returns: whether there may be more"""
    below = database.one("meta", {"name": "search_below"})
    if below is None:
        return False
    rows = database.all("jobs_below", {"below": below[0], "limit": limit})
    for jobid, params in rows:
        index_job(database, jobid, json.loads(params or "{}"))
    if len(rows) < limit:
        database.run("drop_meta", {"name": "search_below"})
        return False
    database.run("put_meta", {"name": "search_below", "value": rows[-1][0]})
    return True


# ── what is found ──


def find(reads: Reads, search: JobSearch) -> JobsFound:
    """Return a page of a user's jobs, the newest first."""
    least, below = _range(search)
    text = None if search.text is None else folded(search.text)
    values: Values = {
        "statuses": json.dumps(list(search.statuses)) if search.statuses else None,
        "verb": search.verb,
        "channel": search.channel,
        "text": text,
    }
    query, at_once = "find_jobs", False
    if text is not None:
        values["match"] = " AND ".join(sorted(_trigrams(text)))
        values["pattern"] = f"%{_LIKE.sub(_escaped, text)}%"
        at_once = _is_rare(reads, text, least, below)
        query = "find_rare_texts" if at_once else "find_texts"
    found: list[Job] = []
    for _ in range(_WINDOWS):
        floor = least if at_once else _floor(reads, least, below)
        wanted = search.limit + 1 - len(found)
        span: Values = {"least": floor, "below": below, "limit": wanted}
        found += [JOBS.read(row) for row in reads.all(query, {**values, **span})]
        below = floor
        if len(found) > search.limit or below <= least:
            break
    return _page(found, search.limit, below if below > least else None, _complete(reads))


def _page(found: list[Job], limit: int, below: int | None, complete: bool) -> JobsFound:
    jobs = tuple(found[:limit])
    if len(found) > limit:
        below = number_of(jobs[-1].jobid)
    next_ms = None if below is None else below & (1 << _USER_BITS) - 1
    return JobsFound(jobs, next_ms, complete)


def _complete(reads: Reads) -> bool:
    return reads.one("meta", {"name": "search_below"}) is None


def _range(search: JobSearch) -> tuple[int, int]:
    """Return the first number that may be found, and the one after the last."""
    own, last = search.user_id << _USER_BITS, (1 << _USER_BITS) - 1
    ends = [ms for ms in (search.below_ms, search.until_ms) if ms is not None]
    # cut to the user's own range: the next number is another user's
    least = own + min(max(search.since_ms or 0, 0), last)
    return least, own + min(max(min(ends, default=last), 0), last)


def _floor(reads: Reads, least: int, below: int) -> int:
    """Return where a window of so many jobs ends."""
    row = reads.one("find_floor", {"least": least, "below": below, "window": _WINDOW})
    return least if row is None else row[0]


def _is_rare(reads: Reads, text: str, least: int, below: int) -> bool:
    """Tell whether few jobs have some three characters of a text, or few the text."""
    matches = json.dumps(sorted(_trigrams(text)))
    values: Values = {"text": text, "matches": matches, "least": least, "below": below}
    row = reads.one("is_rare_text", {**values, "limit": _RARE})
    return row is not None and bool(row[0])


def _escaped(found: re.Match[str]) -> str:
    return "\\" + found[0]


def _trigrams(text: str) -> set[str]:
    """Return each three characters in a row, as the index is asked for them."""
    parts = (text[at : at + 3] for at in range(len(text) - 2))
    return {'"' + part.replace('"', '""') + '"' for part in parts}

"""Unread: messages of this channel that may have been missed and were not read back.

Elimination gives a picture to an ask when nobody else could own it (R20). After a gap that was not
resumed, that is not known of two: what was asked in the gap, for an ask of ours from before it; and
what was asked before we listened, for any ask of ours. A reading of history up to its end, from the
one id or the other on, tells both.

Both are rows, since the next process may resume the session that this one began.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from waystation.jobs import Job
from waystation.midjourney.matching.likeness import asked_after
from waystation.midjourney.memory import UNREAD, Memory, Plain
from waystation.midjourney.recent import RecentIds
from waystation.wire.snowflake import (
    NO_SNOWFLAKE,
    Snowflake,
    is_newer,
    newest,
    snowflake_at,
    snowflake_time,
)

__all__ = ["Doubts", "Unread"]

_RUNS = timedelta(minutes=30)
"""Longest run of a job: older asks by hand are over (R28)."""

_BEFORE = "before"
"""The id before which every ask of ours has missed something."""
_FROM = "from"
"""The id from which on asks by hand were not heard."""
_UNTIL = "until"
"""The id from which on they are heard again."""


class Unread:
    """Gaps of one conversation."""

    def __init__(self, memory: Memory) -> None:
        self._ids = memory.table(UNREAD, Plain(str))

    def missed(self, asked: Iterable[Job], heard: str, listening: str) -> bool:
        """Remember a gap.

        Args: asked: jobs that may have missed something; heard: the newest id from before the gap;
        listening: the newest of which the new session knows
        Returns: whether anybody has said anything meanwhile
        """
        after = [asked_after(job) for job in asked]
        if after:
            self._ids[_BEFORE] = str(1 + int(newest(*after)))
        if not is_newer(listening, heard):
            return False
        earliest = snowflake_at(snowflake_time(listening) - _RUNS)
        self._ids[_FROM] = newest(earliest, self._ids.get(_FROM, heard))
        self._ids[_UNTIL] = listening
        return True

    def read_to_the_end(self, since: str, jobs: Iterable[Job]) -> None:
        """Remember that history was read from an id on: all that was asked after it is known."""
        if is_newer(self._ids.get(_BEFORE, NO_SNOWFLAKE), since):
            self._ids[_BEFORE] = since
            if not any(self.hides_from(job) for job in jobs):
                del self._ids[_BEFORE]
        if _FROM in self._ids and not is_newer(since, self._ids[_FROM]):
            del self._ids[_FROM], self._ids[_UNTIL]

    def hides_from(self, job: Job) -> bool:
        """Tell whether a gap after a job's ask may hide who else asked."""
        return is_newer(self._ids.get(_BEFORE, NO_SNOWFLAKE), asked_after(job))

    def may_own(self, message_id: str) -> bool:
        """Tell whether a picture may be that of an ask from before we listened."""
        until = self._ids.get(_UNTIL)
        if until is None or not message_id.isdecimal():
            return False
        return snowflake_time(message_id) - snowflake_time(until) < _RUNS

    def may_hide(self, message_id: str) -> bool:
        """Tell whether a message is from when nobody listened, and not read back."""
        return _FROM in self._ids and (
            is_newer(message_id, self._ids[_FROM]) and not is_newer(message_id, self._ids[_UNTIL])
        )

    @property
    def gap_end(self) -> str:
        """The id from which on asks by hand are heard again."""
        return self._ids.get(_UNTIL, NO_SNOWFLAKE)

    @property
    def past(self) -> Snowflake | None:
        """The id from which on asks by hand were not heard, None where all were."""
        return None if _FROM not in self._ids else Snowflake(self._ids[_FROM])


_NEAR = timedelta(seconds=10)
"""Between a picture and the deletion of its progress, whichever comes first (wire notes 4.3)."""

_AT_ONCE = timedelta(seconds=5)
"""After we began to listen: the progress of a picture may have been deleted a moment before."""


_DOUBTED = 10_000
"""Pictures that are doubted, the newest: a hundred times as many as can wait at once."""


class Doubts:
    """Pictures of which history cannot tell who asked before we listened: too late for that.

    Those that came about when a message was deleted that nobody has read: it may have been their
    progress. And those that came at once: for what was asked since, theirs may be gone already.
    A job from before the gap that was never seen to start may itself have lost that message (R20).
    A picture whose progress was seen is not doubted if that began after the gap and after the ask.
    """

    def __init__(self) -> None:
        self._came: dict[str, datetime] = {}
        self._doubtful = RecentIds(_DOUBTED)
        self._deleted_at: datetime | None = None
        self._at_once = RecentIds(_DOUBTED)
        self._listening_at: datetime | None = None
        self._gap_end: str = NO_SNOWFLAKE

    def about(self, message_id: str, job: Job, begun: Iterable[str] = ()) -> bool:
        """Tell whether a picture may be that of an ask which nobody has heard of.

        Args: begun: messages that surely are its progress
        """
        if any(is_newer(one, newest(self._gap_end, asked_after(job))) for one in begun):
            return False
        since = not is_newer(self._gap_end, asked_after(job))
        deleted = message_id in self._doubtful and (since or job.message_id is not None)
        return deleted or (since and message_id in self._at_once)

    def listening(self, newest: str, now: datetime) -> None:
        """Take the moment at which we listen again. Args: newest: the newest id then"""
        self._listening_at, self._gap_end = now, newest

    def came(self, message_id: str, now: datetime) -> None:
        """Take a picture that waits and was not read from history."""
        self._came = {one: at for one, at in self._came.items() if now - at < _NEAR}
        self._came.setdefault(message_id, now)
        if self._deleted_at is not None and now - self._deleted_at < _NEAR:
            self._doubtful.add(message_id)
        if self._listening_at is not None and now - self._listening_at < _AT_ONCE:
            self._at_once.add(message_id)

    def deleted(self, now: datetime, gap_end: str) -> None:
        """Take the deletion of a message that nobody has read.

        Args: gap_end: the newest id of the gap that the message is from
        """
        self._deleted_at, self._gap_end = now, gap_end
        for one, at in self._came.items():
            if now - at < _NEAR:
                self._doubtful.add(one)

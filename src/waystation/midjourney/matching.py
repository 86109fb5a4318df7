"""Decide which job a reading concerns.

The candidates are one account's jobs that are not final, and its ghosts (R18, R19). Every strong
matcher is asked. One job: matched, by the first matcher that knew it. Two jobs: `Ambiguous`, which
is looked up and never guessed, because a wrong picture to a wrong caller is the worst fault there
is (R20). A foreign user, another bot, or the account's owner working by hand have ids that no
candidate knows, and so match nothing (R23).

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from waystation.jobs import Job, JobId
from waystation.midjourney.replies import Reading, ReplyKind

__all__ = ["MATCHERS", "Ambiguous", "Candidates", "Matched", "Matcher", "match", "upload_stem"]


@dataclass(frozen=True, slots=True)
class Matched:
    """The one job that a reading concerns."""

    jobid: JobId
    by: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Matchers named different jobs."""

    jobids: frozenset[JobId]


class Candidates:
    """One index over the candidates, so that a gateway event costs a few dictionary look-ups."""

    def __init__(self, jobs: Iterable[Job] = ()) -> None:
        self._jobids: dict[tuple[str, str], JobId] = {}
        self._keys: dict[JobId, set[tuple[str, str]]] = {}
        for job in jobs:
            self.put(job)

    def put(self, job: Job) -> None:
        """Index a job, again after each change."""
        known = self._keys.setdefault(job.jobid, set())
        for key in _keys(job):
            if key not in known:
                known.add(key)
                self._jobids[key] = job.jobid

    def drop(self, jobid: JobId) -> None:
        """Forget a job that is no candidate any more."""
        for key in self._keys.pop(jobid, ()):
            self._jobids.pop(key, None)

    def find(self, kind: str, value: str | None) -> JobId | None:
        """Return the job known under this `nonce`, `message`, `interaction`, `upload` or `hash`."""
        return None if value is None else self._jobids.get((kind, value))


def _keys(job: Job) -> Iterator[tuple[str, str]]:
    if job.nonce is not None:
        yield "nonce", job.nonce
        yield "upload", upload_stem(job.nonce)
    if job.interaction_id is not None:
        yield "interaction", job.interaction_id
    if job.hash is not None:
        yield "hash", job.hash
    for message_id in job.messages:
        yield "message", message_id


def upload_stem(nonce: str) -> str:
    """Return the name, without extension, under which a job's picture is uploaded.

    The bot shows the picture again under its own file name (wire notes 5.1), and the nonce is ours
    alone: even from history, without a nonce, the answer names its job.
    """
    return f"picture-{nonce}"


Matcher = Callable[[Reading], tuple[str, str | None]]
"""What a reading is known by: the kind of key and its value."""

MATCHERS: Mapping[str, Matcher] = {
    "nonce": lambda reading: ("nonce", reading.nonce),
    "message": lambda reading: ("message", reading.shown.message_id),
    "interaction": lambda reading: ("interaction", reading.interaction_id),
    "upload": lambda reading: ("upload", (reading.upload_name or "").rpartition(".")[0]),
    "hash": lambda reading: ("hash", reading.shown.hash),
    # late errors reply to the job's message (wire notes 6.1); other replies may be of a child
    "reference": lambda reading: (
        "message",
        reading.reference_id if reading.kind is ReplyKind.ERROR else None,
    ),
}
"""Strongest first."""


def match(reading: Reading, candidates: Candidates) -> Matched | Ambiguous | None:
    """Return whose message it is, None for nobody's."""
    found: Sequence[tuple[str, JobId]] = [
        (name, jobid)
        for name, matcher in MATCHERS.items()
        if (jobid := candidates.find(*matcher(reading))) is not None
    ]
    if not found:
        return None
    jobids = frozenset(jobid for _, jobid in found)
    if len(jobids) > 1:
        return Ambiguous(jobids)
    by, jobid = found[0]
    return Matched(jobid, by)

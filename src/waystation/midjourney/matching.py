"""Decide which job a reading concerns.

The candidates are one account's jobs that are not final, and its ghosts (R18, R19). Every matcher
is asked. One job: matched, by the first matcher that knew it. Two jobs: `Ambiguous`, which is
looked up and never guessed, because a wrong picture to a wrong caller is the worst fault there is
(R20). A foreign user or another bot has ids that no candidate knows, and so matches nothing.

The account's owner working by hand is the hard case (R23): same user, same channel, maybe the very
same file. Two matchers, `upload` and `reference`, know a job by what a person can copy; they count
only when the reading names no other interaction than the job's own, neither by nonce nor by id, and
was not seen earlier to belong to somebody's own doing.

A picture that none of them knows is told by its likeness (likeness.py), the weak way: exactly one
job may look like it, and no stranger.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from waystation.jobs import Job, JobId, MessageRole
from waystation.midjourney.buttons import button_row
from waystation.midjourney.commands import COMMANDS
from waystation.midjourney.likeness import (
    DRAWN,
    Likeness,
    Strangers,
    likeness_of,
    likenesses,
    too_early,
)
from waystation.midjourney.recent import RecentIds
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
        self._jobs: dict[JobId, Job] = {}
        self._jobids: dict[tuple[str, str], JobId] = {}
        self._keys: dict[JobId, set[tuple[str, str]]] = {}
        self._alike: dict[Likeness, set[JobId]] = {}
        self._by_hand = RecentIds()
        self._settled = RecentIds()
        """Messages and uuids of jobs that are done: whoever else looks alike, these are theirs."""
        self.strangers = Strangers()
        for job in jobs:
            self.put(job)

    def put(self, job: Job) -> None:
        """Index a job, again after each change. A key stays with the job that had it first."""
        self._jobs[job.jobid] = job
        known = self._keys.setdefault(job.jobid, set())
        for key in _keys(job):
            if self._jobids.setdefault(key, job.jobid) == job.jobid:
                known.add(key)
        for likeness in likenesses(job):
            self._alike.setdefault(likeness, set()).add(job.jobid)

    def drop(self, jobid: JobId) -> None:
        """Forget a job that is no candidate any more, but for what must never be taken for another.

        The job may have changed since it was last `put`.
        """
        job = self._jobs.pop(jobid, None)
        for key in self._keys.pop(jobid, ()):
            del self._jobids[key]
        for likeness in () if job is None else likenesses(job):
            self._alike[likeness].discard(jobid)
            if not self._alike[likeness]:
                del self._alike[likeness]

    def settle(self, job: Job) -> None:
        """Remember what a job that is done has shown."""
        for one in (job.hash, *job.messages):
            if one is not None and one != job.target:
                self._settled.add(one)

    def is_settled(self, reading: Reading) -> bool:
        """Tell whether a message is known to be another job's, one that is done."""
        return reading.shown.message_id in self._settled or reading.shown.hash in self._settled

    def alike(self, keys: Iterable[Likeness]) -> frozenset[JobId]:
        """Return the jobs with one of these likenesses."""
        return frozenset(jobid for key in keys for jobid in self._alike.get(key, ()))

    def one_of_several(self, reading: Reading) -> JobId | None:
        """Return the job whose press brings several results, for one that nothing else tells.

        While such a press is open, no other of ours that looks like it is made (`rivals`).
        """
        if reading.kind not in DRAWN or reading.reference_id is None:
            return None
        known = self.find("message", reading.shown.message_id) or self.find(
            "hash", reading.shown.hash
        )
        if known is not None or self.strangers.owns(reading):
            return None
        jobids = [
            jobid
            for jobid in self.alike((("reply", reading.reference_id, ""),))
            if (job := self._jobs[jobid]).bound
            and not job.final
            and button_row(job.button).results > 1
            and not self.contradicts(jobid, reading)
        ]
        return jobids[0] if len(jobids) == 1 else None

    def unlike(self, jobid: JobId, reading: Reading) -> bool:
        """Tell whether a message that looks like a job's cannot be its."""
        job = self._jobs[jobid]
        return (
            job.hash is not None
            or job.submitted_at is None
            or too_early(job, reading)
            or self.contradicts(jobid, reading)
        )

    def rivals(self, job: Job) -> frozenset[JobId]:
        """Return the asked jobs whose result could still be taken for this one's (R15)."""
        return frozenset(
            jobid
            for jobid in self.alike(likenesses(job)) - {job.jobid}
            if (other := self._jobs[jobid]).submitted_at is not None
            and not other.final
            and (other.hash is None or button_row(other.button).results > 1)
        )

    def impossible(self, jobid: JobId, reading: Reading) -> bool:
        """Tell whether a message shows another uuid than the job's, or that of its source (R20)."""
        job, hash_ = self._jobs[jobid], reading.shown.hash
        return hash_ is not None and (job.hash not in (None, hash_) or hash_ == job.source_hash)

    def find(self, kind: str, value: str | None) -> JobId | None:
        """Return the job known under this `nonce`, `message`, `interaction`, `upload` or `hash`."""
        return None if value is None else self._jobids.get((kind, value))

    def disown(self, *ids: str | None) -> None:
        """Remember messages or interactions that carried a nonce which is not ours."""
        for one in ids:
            if one is not None:
                self._by_hand.add(one)

    def contradicts(self, jobid: JobId, reading: Reading) -> bool:
        """Tell whether a reading is the answer to another interaction than the job's."""
        job = self._jobs[jobid]
        return (
            reading.nonce not in (None, job.nonce)
            or (job.interaction_id is not None and _differs(reading, job.interaction_id))
            or reading.shown.message_id in self._by_hand
            or reading.interaction_id in self._by_hand
        )


def _differs(reading: Reading, interaction_id: str) -> bool:
    return reading.interaction_id not in (None, interaction_id)


def _keys(job: Job) -> Iterator[tuple[str, str]]:
    if job.nonce is not None:
        yield "nonce", job.nonce
        yield "upload", upload_stem(job.nonce)
    if job.interaction_id is not None:
        yield "interaction", job.interaction_id
    if job.hash is not None:
        yield "hash", job.hash
    if COMMANDS[job.verb].reaction is not None and job.source_hash is not None:
        yield "seed", job.source_hash
    for message_id, role in job.messages.items():
        if role is not MessageRole.TARGET:
            yield "message", message_id


def upload_stem(nonce: str) -> str:
    """Return the name, without extension, under which a job's picture is uploaded.

    The bot shows the picture again under its own file name (wire notes 5.1), and the nonce is ours
    alone: even from history, without a nonce, the answer names its job.
    """
    return f"picture-{nonce}"


Matcher = Callable[[Reading], tuple[str, str | None]]
"""What a reading is known by: the kind of key and its value."""

_REPLYING = DRAWN | {ReplyKind.ERROR}

MATCHERS: Mapping[str, Matcher] = {
    "nonce": lambda reading: ("nonce", reading.nonce),
    "message": lambda reading: ("message", reading.shown.message_id),
    "interaction": lambda reading: ("interaction", reading.interaction_id),
    # a job shown again is another job's picture
    "hash": lambda reading: ("hash", None if reading.command == "show" else reading.shown.hash),
    "seed": lambda reading: ("seed", reading.seed_hash),
    "upload": lambda reading: ("upload", (reading.upload_name or "").rpartition(".")[0]),
    # late errors and films reply to the job's own message (wire notes 6.1, 4.4); what replies to
    # a pressed message is told by its likeness
    "reference": lambda reading: (
        "message",
        reading.reference_id if reading.kind in _REPLYING else None,
    ),
}
"""Strongest first."""

_COPYABLE = frozenset({"upload", "reference"})
"""Matchers that know a job by what its owner can repeat by hand."""


def match(reading: Reading, candidates: Candidates) -> Matched | Ambiguous | None:
    """Return whose message it is, None for nobody's."""
    found: Sequence[tuple[str, JobId]] = [
        (name, jobid)
        for name, matcher in MATCHERS.items()
        if (jobid := candidates.find(*matcher(reading))) is not None
        and not (name in _COPYABLE and candidates.contradicts(jobid, reading))
        and not candidates.impossible(jobid, reading)
    ]
    if not found:
        return _match_weakly(reading, candidates)
    jobids = frozenset(jobid for _, jobid in found)
    if len(jobids) > 1:
        return Ambiguous(jobids)
    by, jobid = found[0]
    return Matched(jobid, by)


def _match_weakly(reading: Reading, candidates: Candidates) -> Matched | Ambiguous | None:
    """Tell a picture by its likeness, when only one job has it."""
    strangers = candidates.strangers
    if candidates.is_settled(reading) or strangers.owns(reading):
        return None
    jobids = frozenset(
        jobid
        for jobid in candidates.alike(likeness_of(reading))
        if not candidates.unlike(jobid, reading)
    )
    if not jobids:
        return None
    if len(jobids) > 1 or strangers.may_own(reading):
        return Ambiguous(jobids)
    return Matched(next(iter(jobids)), "weak")

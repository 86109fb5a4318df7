"""Index: one account's jobs by all that a message may show of them.

The jobs are those that are not final, and ghosts (R18, R19). A gateway event costs a few dictionary
look-ups, however many there are.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set

from waystation.jobs import Job, JobId, JobStatus
from waystation.midjourney.answers import finishes
from waystation.midjourney.buttons import button_row
from waystation.midjourney.commands import COMMANDS
from waystation.midjourney.matching.evidence import FOR_ANY, Key, keys_of, known_hash
from waystation.midjourney.matching.likeness import (
    Agreement,
    Likeness,
    agreement,
    likenesses,
    places,
)
from waystation.midjourney.matching.shortened import Wordbook
from waystation.midjourney.memory import EARLIER, Memory, Plain
from waystation.midjourney.replies import ReplyKind

__all__ = ["Index"]


class Index:
    """The jobs of one conversation that may still be answered."""

    def __init__(self, memory: Memory) -> None:
        self._jobs: dict[JobId, Job] = {}
        self._jobids: dict[Key, JobId] = {}
        self._keys: dict[JobId, set[Key]] = {}
        self._alike: dict[tuple[str, str], set[JobId]] = {}
        """The jobs that may agree with a message, by the places of their likenesses."""
        self._places: dict[JobId, frozenset[tuple[str, str]]] = {}
        self._wordbook = Wordbook()
        """Prompts of those jobs, which the bot may shorten."""
        self._pressing: dict[str, set[JobId]] = {}
        """Presses and reactions by the message they are on."""
        self._targets: dict[JobId, str] = {}
        self._awaiting_seed: set[JobId] = set()
        self._unanswered: dict[JobId, None] = {}
        self._unnamed: set[JobId] = set()
        self._earlier = memory.table(EARLIER, Plain(tuple[tuple[str, str], ...]))
        """Keys of jobs that their rows show no more: of a first try, of an answered form."""

    def __getitem__(self, jobid: JobId) -> Job:
        return self._jobs[jobid]

    def __contains__(self, jobid: object) -> bool:
        return jobid in self._jobs

    def put(self, job: Job) -> None:
        """Index a job, again after each change.

        A key stays with the job that had it first; a ghost gives away what is right for each job.
        """
        self._jobs[job.jobid] = job
        known = self._keys.setdefault(job.jobid, set())
        for key in (*keys_of(job), *self._earlier.get(job.jobid, ())):
            if key[0] in FOR_ANY and not job.final:
                self._take_over(key)
            if self._jobids.setdefault(key, job.jobid) == job.jobid:
                known.add(key)
        self._place(job)
        self._aim(job.jobid, job.target)
        if COMMANDS[job.verb].reaction is not None:
            self._awaiting_seed.add(job.jobid)
        if job.status is JobStatus.SUBMITTED:
            self._unanswered[job.jobid] = None
        else:
            self._unanswered.pop(job.jobid, None)
        unnamed = not job.final and finishes(job, ReplyKind.PICTURE) and known_hash(job) is None
        (self._unnamed.add if unnamed else self._unnamed.discard)(job.jobid)

    def _take_over(self, key: Key) -> None:
        """Free a key that a job has which ended."""
        holder = self._jobids.get(key)
        if holder is not None and self._jobs[holder].final:
            self._keys[holder].discard(key)
            del self._jobids[key]

    def learn(self, job: Job) -> None:
        """Keep the keys by which a job was known before it changed."""
        before = self._jobs.get(job.jobid)
        shown, kept = () if before is None else keys_of(before), set(keys_of(job))
        gone = tuple(key for key in shown if key not in kept)
        if gone:
            self._earlier[job.jobid] = (*self._earlier.get(job.jobid, ()), *gone)

    def earlier(self, jobid: JobId) -> Sequence[Key]:
        """Return the keys that a job's row shows no more."""
        return self._earlier.get(jobid, ())

    def forget_earlier(self, jobid: JobId) -> None:
        """Forget the keys that a job's row shows no more."""
        self._earlier.pop(jobid, None)

    def drop(self, jobid: JobId) -> None:
        """Forget a job that is no candidate any more, but for what must never be taken for another.

        The job may have changed since it was last `put`.
        """
        self._jobs.pop(jobid, None)
        for key in self._keys.pop(jobid, ()):
            del self._jobids[key]
        self._displace(jobid)
        self._wordbook.drop(jobid)
        self._awaiting_seed.discard(jobid)
        self._unnamed.discard(jobid)
        self._unanswered.pop(jobid, None)
        self._aim(jobid, None)

    def _aim(self, jobid: JobId, target: str | None) -> None:
        """File a job under the message that it is on; a press that could not leave is on none."""
        before = self._targets.pop(jobid, None)
        if before is not None:
            self._pressing[before].discard(jobid)
            if not self._pressing[before]:
                del self._pressing[before]
        if target is not None:
            self._targets[jobid] = target
            self._pressing.setdefault(target, set()).add(jobid)

    def _place(self, job: Job) -> None:
        """File a job by its likenesses; one that is known by its uuid needs none."""
        self._displace(job.jobid)
        several = not job.final and button_row(job.button).results > 1
        if known_hash(job) is None or several:
            found = frozenset(one for likeness in likenesses(job) for one in places(likeness))
            self._places[job.jobid] = found
            for place in found:
                self._alike.setdefault(place, set()).add(job.jobid)
            self._wordbook.put(
                job.jobid, (value for kind, value, _ in likenesses(job) if kind == "prompt")
            )
        else:
            self._wordbook.drop(job.jobid)

    def _displace(self, jobid: JobId) -> None:
        for place in self._places.pop(jobid, ()):
            self._alike[place].discard(jobid)
            if not self._alike[place]:
                del self._alike[place]

    def find(self, kind: str, value: str | None) -> JobId | None:
        """Return the job known under a key of this kind, a row of EVIDENCE."""
        return None if value is None else self._jobids.get((kind, value))

    def pressing(self, message_id: str) -> Sequence[Job]:
        """Return the jobs that have pressed something on a message, ghosts too."""
        return tuple(self._jobs[one] for one in self._pressing.get(message_id, ()))

    @property
    def awaits_seed(self) -> bool:
        """Tell whether something is to come into the direct messages."""
        return bool(self._awaiting_seed)

    @property
    def unanswered(self) -> Sequence[Job]:
        """The jobs that were asked and have no message yet."""
        return tuple(self._jobs[one] for one in self._unanswered)

    @property
    def unnamed(self) -> Set[JobId]:
        """Unfinished jobs that draw and have shown no uuid."""
        return self._unnamed

    def alike(self, shown: Sequence[Likeness]) -> Mapping[JobId, Agreement]:
        """Return the jobs that agree with what a message shows."""
        near = {
            jobid
            for likeness in shown
            for place in places(likeness)
            for jobid in self._alike.get(place, ())
        }
        found = {one: agreement(shown, likenesses(self._jobs[one])) for one in near}
        return {jobid: how for jobid, how in found.items() if how}

    def near(self, likenesses: Iterable[Likeness]) -> Set[JobId]:
        """Return the jobs that have one of these, but for the deed."""
        return {jobid for one in likenesses for jobid in self._alike.get(one[:2], ())}

    def longer(self, prompt: str) -> Iterable[JobId]:
        """Return the jobs from whose longer prompts one may have been shortened."""
        return self._wordbook.longer(prompt)

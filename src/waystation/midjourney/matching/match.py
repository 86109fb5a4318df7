"""Decide which job a reading concerns.

The candidates are one account's jobs that are not final, and its ghosts (R18, R19). Every matcher
is asked. One job: matched, by the first matcher that knew it. Two jobs: `Ambiguous`, which is
looked up and never guessed, because a wrong picture to a wrong caller is the worst fault there is
(R20). A foreign user or another bot has ids that no candidate knows, and so matches nothing.

The account's owner working by hand is the hard case (R23): same user, same channel, maybe the very
same file. Two matchers, `upload` and `reference`, know a job by what a person can copy; they count
only when the reading names no other interaction than the job's own, neither by nonce nor by id, and
was not seen earlier to belong to somebody's own doing.

What none of them knows is told by its likeness (likeness.py), the weak way: a finished picture is
`Undecided` between all who could own it, until elimination has its say (elimination.py). A progress
that nobody knows is nobody's until then: its preview would be the wrong picture just as well.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from waystation.jobs import Job, JobId, JobStatus, MessageRole
from waystation.midjourney.buttons import button_row
from waystation.midjourney.commands import COMMANDS
from waystation.midjourney.deadlines import IN_FLIGHT
from waystation.midjourney.edits import edit_of, finishes
from waystation.midjourney.matching.asks_by_hand import AsksByHand
from waystation.midjourney.matching.likeness import (
    DRAWN,
    Agreement,
    Likeness,
    Strangers,
    agreement,
    asked_after,
    is_before,
    is_nameless,
    likeness_of,
    likenesses,
    places,
    too_early,
)
from waystation.midjourney.matching.shortened import Wordbook
from waystation.midjourney.memory import BY_HAND, EARLIER, SETTLED, Memory, Plain
from waystation.midjourney.reading import Reading
from waystation.midjourney.recent import KnownBy
from waystation.midjourney.replies import ReplyKind
from waystation.wire.snowflake import is_newer, snowflake_order

__all__ = [
    "MATCHERS",
    "Ambiguous",
    "Candidates",
    "Matched",
    "Matcher",
    "Undecided",
    "match",
    "match_by_sign",
    "upload_stem",
]


@dataclass(frozen=True, slots=True)
class Matched:
    """The one job that a reading concerns."""

    jobid: JobId
    by: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Matchers named different jobs."""

    jobids: frozenset[JobId]


@dataclass(frozen=True, slots=True)
class Undecided:
    """A picture that says nothing of whose it is, and who could own it.

    `asks` are jobids, and the messages by which strangers are known.
    """

    asks: frozenset[str]


class Candidates:
    """One index over the candidates, so that a gateway event costs a few dictionary look-ups."""

    def __init__(self, jobs: Iterable[Job] = (), memory: Memory | None = None) -> None:
        memory = memory or Memory()
        self._jobs: dict[JobId, Job] = {}
        self._jobids: dict[tuple[str, str], JobId] = {}
        self._keys: dict[JobId, set[tuple[str, str]]] = {}
        self._alike: dict[tuple[str, str], set[JobId]] = {}
        """The jobs that may agree with a message, by the places of their likenesses."""
        self._places: dict[JobId, frozenset[tuple[str, str]]] = {}
        self._wordbook = Wordbook()
        """Prompts of those jobs, which the bot may shorten."""
        self._pressing: dict[str, set[JobId]] = {}
        """Presses and reactions by the message they are on."""
        self._awaiting_seed: set[JobId] = set()
        self._unanswered: dict[JobId, None] = {}
        self._unnamed: set[JobId] = set()
        """Unfinished jobs that draw and have shown no uuid."""
        self._by_hand = memory.table(BY_HAND, Plain(bool))
        self._earlier = memory.table(EARLIER, Plain(tuple[tuple[str, str], ...]))
        """Keys of jobs that their rows show no more: of a first try, of an answered form."""
        self._settled = KnownBy(memory, SETTLED)
        """By what jobs that are done were known: whoever else looks alike, it is theirs."""
        self.strangers = Strangers(memory)
        self.by_hand = AsksByHand(memory)
        """Asks of which nothing but the interaction is known."""
        for job in jobs:
            self.put(job)

    def put(self, job: Job) -> None:
        """Index a job, again after each change. A key stays with the job that had it first."""
        self._jobs[job.jobid] = job
        known = self._keys.setdefault(job.jobid, set())
        for key in (*_keys(job), *self._earlier.get(job.jobid, ())):
            if self._jobids.setdefault(key, job.jobid) == job.jobid:
                known.add(key)
        self._place(job)
        if job.target is not None:
            self._pressing.setdefault(job.target, set()).add(job.jobid)
        if COMMANDS[job.verb].reaction is not None:
            self._awaiting_seed.add(job.jobid)
        if job.status is JobStatus.SUBMITTED:
            self._unanswered[job.jobid] = None
        else:
            self._unanswered.pop(job.jobid, None)
        unnamed = not job.final and finishes(job, ReplyKind.PICTURE) and _known_hash(job) is None
        (self._unnamed.add if unnamed else self._unnamed.discard)(job.jobid)

    def learn(self, job: Job) -> None:
        """Take back what nobody could claim and turns out to be this job's; keep its old keys."""
        self.strangers.forget(job.messages)
        before = self._jobs.get(job.jobid)
        shown, kept = () if before is None else _keys(before), set(_keys(job))
        gone = tuple(key for key in shown if key not in kept)
        if gone:
            self._earlier[job.jobid] = (*self._earlier.get(job.jobid, ()), *gone)

    def drop(self, jobid: JobId) -> None:
        """Forget a job that is no candidate any more, but for what must never be taken for another.

        The job may have changed since it was last `put`.
        """
        job = self._jobs.pop(jobid, None)
        for key in self._keys.pop(jobid, ()):
            del self._jobids[key]
        self._displace(jobid)
        self._wordbook.drop(jobid)
        self._awaiting_seed.discard(jobid)
        self._unnamed.discard(jobid)
        self._unanswered.pop(jobid, None)
        if job is not None and job.target is not None:
            self._pressing[job.target].discard(jobid)
            if not self._pressing[job.target]:
                del self._pressing[job.target]

    def _place(self, job: Job) -> None:
        """File a job by its likenesses; one that is known by its uuid needs none."""
        self._displace(job.jobid)
        several = not job.final and button_row(job.button).results > 1
        if _known_hash(job) is None or several:
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

    def pressing(self, message_id: str) -> Sequence[Job]:
        """Return the jobs that have pressed something on a message, ghosts too."""
        return tuple(self._jobs[one] for one in self._pressing.get(message_id, ()))

    @property
    def awaits_seed(self) -> bool:
        """Whether something is to come into the direct messages."""
        return bool(self._awaiting_seed)

    @property
    def unanswered(self) -> Sequence[Job]:
        """The jobs that were asked and have no message yet."""
        return tuple(self._jobs[one] for one in self._unanswered)

    def settle(self, job: Job) -> None:
        """Remember what a job that is done was known by."""
        late = None if job.late is None else job.late.hash
        earlier = (one for _, one in self._earlier.get(job.jobid, ()))
        known = (job.nonce, job.interaction_id, job.hash, late, *job.messages, *earlier)
        target = job.target
        self._settled.add(job.jobid, (one for one in known if one and one != target))
        if not job.ghost:
            self._earlier.pop(job.jobid, None)

    def discard(self, reading: Reading) -> None:
        """Remember a picture that nobody will get."""
        message_id = reading.shown.message_id
        self._settled.add(message_id, filter(None, (message_id, reading.shown.hash)))

    def is_settled(self, reading: Reading) -> bool:
        """Tell whether a message is known to be another job's, one that is done."""
        shown = reading.shown
        known_by = (shown.message_id, shown.hash, reading.nonce, reading.interaction_id)
        return any(one in self._settled for one in known_by)

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

    def one_of_several(self, reading: Reading) -> JobId | None:
        """Return the job whose press brings several results, for one that nothing else tells.

        While such a press is open, no other of ours that looks like it is made (`rivals`). A ghost,
        or an ask by hand, may own what replies there all the same (R19, R23).
        """
        if reading.kind not in DRAWN or reading.reference_id is None:
            return None
        known = self.find("message", reading.shown.message_id) or self.find(
            "hash", reading.shown.hash
        )
        if known is not None or self.is_settled(reading) or self.strangers.owns(reading):
            return None
        alike = self.alike((("reply", reading.reference_id, ""),))
        jobids = [
            jobid
            for jobid in alike
            if (job := self._jobs[jobid]).bound
            and not job.final
            and button_row(job.button).results > 1
            and not too_early(job, reading)
            and not self.contradicts(jobid, reading)
        ]
        if len(jobids) != 1:
            return None
        others = {one for one in alike if not self._unlike(one, reading)} | self.asks(reading)
        if self.strangers.interaction_of(reading) is None:
            others |= set(self.by_hand.before(reading.shown.message_id))
        return jobids[0] if others <= {*jobids} else None

    def asks(self, reading: Reading) -> frozenset[str]:
        """Return who could have made a picture that says nothing of whose it is.

        A job that agrees loosely counts only where no job agrees wholly; a stranger counts always.
        Where one does, the bot may have shortened the prompt of another into that one (ADR 18).
        """
        interaction_id = self.strangers.interaction_of(reading)
        reading = dataclasses.replace(reading, interaction_id=interaction_id)
        jobs = self._agreeing(reading)
        best = max(jobs.values(), default=Agreement.NOT)
        is_whole = best is Agreement.WHOLLY
        jobids = frozenset(one for one, how in jobs.items() if how is best)
        # what is no ask's prompt as it was asked is evidence of nothing
        jobids |= self._shortened(reading) if is_whole else frozenset()
        others = self.strangers.open_alike(reading, shortened=is_whole)
        silent, strangers = self._silent(jobids), self._nameless(reading, jobids)
        if self.strangers.is_unclaimed(reading):
            found = silent | strangers if silent else frozenset()
        else:
            found = jobids | strangers | others
        if not found or interaction_id is not None:
            return found
        # one of whom only a progress is known is one of those who asked by hand, whoever it is: his
        # name stays that of the progress, for an ask by hand may own what looks otherwise as well
        return found | frozenset(self.by_hand.before(reading.shown.message_id)[len(strangers) :])

    def _shortened(self, reading: Reading) -> frozenset[JobId]:
        """Return the jobs from whose longer prompts a picture's may have been shortened."""
        keys = [value for kind, value, _ in likeness_of(reading) if kind == "prompt"]
        longer = {jobid for key in keys for jobid in self._wordbook.longer(key)}
        others = self._of_other_asks(longer, reading.interaction_id)
        return frozenset(one for one in longer - others if not self._unlike(one, reading))

    def agrees(self, jobid: JobId, reading: Reading) -> bool:
        """Tell whether a picture agrees with a job as it was asked, not only if shortened."""
        return jobid in self._agreeing(reading)

    def still_asks(self, reading: Reading, asks: frozenset[str]) -> frozenset[str]:
        """Return who of those that could own a picture still can, and who could be seen since."""
        # its uuid may have been seen since, of somebody else
        now = frozenset() if self.strangers.draws(reading) else self.asks(reading)
        return frozenset(one for one in now if one in asks or self._may_be_older(one, reading))

    def _may_be_older(self, ask: str, reading: Reading) -> bool:
        """Tell whether an ask that is heard of after a picture may have been made before it."""
        if is_nameless(ask) or self.by_hand.find(ask):
            return True
        return self.strangers.is_read_back(ask) and is_newer(reading.shown.message_id, ask)

    def _silent(self, jobids: Iterable[JobId]) -> frozenset[JobId]:
        return frozenset(one for one in jobids if not _progress_of(self._jobs[one]))

    def _nameless(self, reading: Reading, jobids: frozenset[JobId]) -> frozenset[str]:
        silent = len(self._silent(jobids))
        return self.strangers.nameless(reading, silent, len(jobids) - silent)

    def hold(self, reading: Reading, asks: Iterable[str]) -> None:
        """Remember a picture that waits. Args: asks: who could own it"""
        jobids = frozenset(JobId(one) for one in asks if one in self._jobs)
        self.strangers.hold(reading, self._nameless(reading, jobids))

    def note_stranger(self, reading: Reading, *, read_back: bool = False) -> bool:
        """Remember an unmatched message as that of somebody else, or of nobody knows whom.

        Args: read_back: history has shown it
        Returns: whether it is a finished picture that resembles no ask and may be ours all the same
        """
        resembles = bool(self.look_alikes(reading))
        named = self.strangers.names(reading) or reading.shown.message_id in self._by_hand
        answers = (reading.nonce, reading.interaction_id, reading.command) != (None, None, None)
        unclaimed = reading.kind is ReplyKind.PROGRESS and resembles
        orphan = reading.kind in DRAWN and not (resembles or named or answers)
        is_known = self.strangers.owns(reading)
        unclaimed = unclaimed and not is_known
        if reading.kind is ReplyKind.PICTURE and not (named or is_known):
            self.strangers.take(reading)
        self.strangers.note(reading, unclaimed=unclaimed, orphan=orphan, read_back=read_back)
        may_be_ours = any(not too_early(self._jobs[one], reading) for one in self._unnamed)
        if not (answers or named or is_known or unclaimed or (orphan and may_be_ours)):
            self._heard_of(reading)
        return orphan and reading.kind is ReplyKind.PICTURE and may_be_ours

    def _heard_of(self, reading: Reading) -> None:
        """Take a message that names nobody, and is not ours, for the answer to an ask by hand."""
        if reading.kind in _ANSWERS and (reading.addressee is not None or reading.ephemeral):
            self.by_hand.answered_by(reading.shown.message_id)

    def may_be_lost(self, job: Job) -> bool:
        """Tell whether a job may have begun, or drawn, what nothing tells to be its."""
        if job.jobid not in self._unnamed:
            return False
        return self.strangers.has_orphan_since(job) or self._may_be_unknown(job)

    def _may_be_unknown(self, job: Job) -> bool:
        """Tell whether an interaction was seen that may be a job's, and of which nothing is known.

        It began, or drew, something else; the bot may have put another sentence for the prompt.
        """
        return job.interaction_id is None and any(
            self.find("interaction", one) is None
            and one not in self._by_hand
            and one not in self._settled
            for one in self.strangers.interactions_since(job)
        )

    def may_have_begun(self, job: Job) -> bool:
        """Tell whether a progress that nobody could claim may be the job's."""
        return self.strangers.has_unclaimed(likenesses(job))

    def claim(self, job: Job) -> None:
        """Remember that a job has got its picture, with the progress that nobody could claim."""
        if (hash_ := _known_hash(job)) is not None:
            message_id = (job.message_id if job.late is None else job.late.message_id) or ""
            silent = not _progress_of(job)
            self.strangers.claim(likenesses(job), message_id, hash_, silent=silent)

    def look_alikes(self, reading: Reading) -> frozenset[JobId]:
        """Return the jobs that a message could be of, by its likeness."""
        return frozenset(self._agreeing(reading))

    def _agreeing(self, reading: Reading) -> Mapping[JobId, Agreement]:
        likenesses = likeness_of(reading)
        replies = [one for one in likenesses if one[0] == "reply"]
        alike = self.alike(replies) or self.alike(likenesses)
        agreeing = {one: how for one, how in alike.items() if not self._unlike(one, reading)}
        others = self._of_other_asks(alike, reading.interaction_id)
        return {one: how for one, how in agreeing.items() if one not in others}

    def _of_other_asks(self, jobids: Iterable[JobId], interaction_id: str | None) -> set[JobId]:
        """Return the unbound jobs whose interaction this is not: theirs is younger, or older.

        What looks the same is asked when the one before is over (R15), and Discord numbers
        interactions in the order of asks: it had taken the one before by then, or never did.
        """
        if interaction_id is None:
            return set()
        jobs = [self._jobs[one] for one in jobids]
        asked = (job for job in jobs if is_newer(interaction_id, asked_after(job)))
        last = max(asked, key=lambda job: snowflake_order(asked_after(job)), default=None)
        return {
            job.jobid
            for job in jobs
            if job.interaction_id is None
            and (not is_newer(interaction_id, asked_after(job)) or _is_over_before(job, last))
        }

    def _unlike(self, jobid: JobId, reading: Reading) -> bool:
        """Tell whether a message that looks like a job's cannot be its."""
        job = self._jobs[jobid]
        return (
            _known_hash(job) is not None
            or too_early(job, reading)
            or self.contradicts(jobid, reading)
            or (reading.kind is ReplyKind.PROGRESS and bool(_progress_of(job)))
            or (job.target is None and self._answers_a_press(job, reading.reference_id))
        )

    def _answers_a_press(self, job: Job, message_id: str | None) -> bool:
        """Tell whether to reply to a message is to answer a press, not to go on with a job's start.

        That is so for a message that is older than the ask, or known to be another's (R20).
        """
        if message_id is None:
            return False
        return (
            is_before(job, message_id)
            or self.find("message", message_id) not in (None, job.jobid)
            or message_id in self._settled
            or message_id in self._by_hand
            or self.strangers.is_finished(message_id)
        )

    def rivals(self, job: Job, target: str | None = None) -> frozenset[JobId]:
        """Return the asked jobs whose answer could still be taken for this one's (R15).

        Args: target: the message that the job will press
        """
        if target is not None:
            job = replace(job, messages={**job.messages, target: MessageRole.TARGET})
        own = frozenset(likenesses(job))
        near = {jobid for likeness in own for jobid in self._alike.get(likeness[:2], ())}
        found = {
            other.jobid
            for other in self._open(near)
            if (other.hash is None or button_row(other.button).results > 1)
            and not own.isdisjoint(likenesses(other))
        }
        # an edit of the message could be either's; another answer names its own press
        found |= {
            other.jobid
            for other in self._open(self._pressing.get(job.target or "", ()))
            if edit_of(other.pressed) is not None or not other.bound
        }
        return frozenset(found - {job.jobid})

    def _open(self, jobids: Iterable[JobId]) -> Iterator[Job]:
        jobs = (self._jobs[jobid] for jobid in jobids)
        return (job for job in jobs if job.submitted_at is not None and not job.final)

    def impossible(self, jobid: JobId, reading: Reading) -> bool:
        """Tell whether a message shows another uuid than the job's, or that of its source (R20)."""
        job, hash_ = self._jobs[jobid], reading.shown.hash
        return hash_ is not None and (job.hash not in (None, hash_) or hash_ == job.source_hash)

    def find(self, kind: str, value: str | None) -> JobId | None:
        """Return the job known under a key of this kind, a row of `_keys`."""
        return None if value is None else self._jobids.get((kind, value))

    def disown(self, *ids: str | None) -> None:
        """Remember messages or interactions that carried a nonce which is not a job's."""
        for one in ids:
            if one is not None:
                self._by_hand[one] = True

    def asked_by_hand(self, interaction_id: str, nonce: str) -> None:
        """Remember an interaction that no job has asked for, once, until it is answered."""
        if not any(one in self._by_hand or one in self._settled for one in (interaction_id, nonce)):
            self.by_hand.told(interaction_id, nonce)
        self.disown(interaction_id)

    def end_by_hand(self, asks: Iterable[str], message_id: str) -> None:
        """Remember that those who asked by hand, of these asks, have got their pictures."""
        for ask in asks:
            if is_nameless(ask):
                self.by_hand.answered_by(message_id)
            else:
                self.by_hand.answered(ask)

    def end_stranger(self, ask: str, reading: Reading) -> None:
        """Remember that somebody who is no job has got a picture."""
        if is_nameless(ask):
            self.take(reading, (ask,))
        else:
            self.by_hand.answered(ask)
            self.strangers.finish(ask, reading)

    def take(self, reading: Reading, asks: Iterable[str]) -> None:
        """Remember that none of our jobs has got a picture. Args: asks: who could have owned it"""
        interaction_id = self.strangers.interaction_of(reading)
        self.strangers.take(reading)
        if self._shortened(reading):
            self.strangers.note(reading, orphan=True)
        by_hand = any(is_nameless(one) or self.by_hand.find(one) for one in asks)
        if by_hand and interaction_id is None:
            self.by_hand.answered_by(reading.shown.message_id)

    def hear(self, reading: Reading) -> None:
        """Remember what a message that is no job's tells of the asks by hand."""
        if self.is_settled(reading):
            return
        message_id = reading.shown.message_id
        names = (reading.nonce, reading.interaction_id, message_id)
        if reading.kind is ReplyKind.ACKNOWLEDGED and _may_draw(reading.command):
            # which prompt it will draw, its edit says
            known = self.by_hand.find(*names)
            if known is not None or reading.nonce is not None:
                self.by_hand.told(known or reading.interaction_id or message_id, *names)
        else:
            self.by_hand.answered(*names)

    def contradicts(self, jobid: JobId, reading: Reading) -> bool:
        """Tell whether a reading is the answer to another interaction than the job's."""
        job = self._jobs[jobid]
        return (
            reading.nonce not in (None, job.nonce)
            or (job.interaction_id is not None and _differs(reading, job.interaction_id))
            or reading.shown.message_id in self._by_hand
            or reading.interaction_id in self._by_hand
        )


_ANSWERS = DRAWN | {ReplyKind.ERROR, ReplyKind.RATED, ReplyKind.DONE, ReplyKind.TOGGLED}
"""By which an ask by hand is answered, also where they name nobody."""


def _may_draw(slash: str | None) -> bool:
    """Tell whether a command, or a press, may bring a picture."""
    rows = [row for row in COMMANDS.values() if slash is not None and row.slash == slash]
    return not rows or any(ReplyKind.PICTURE in row.finished_by for row in rows)


def _differs(reading: Reading, interaction_id: str) -> bool:
    return reading.interaction_id not in (None, interaction_id)


def _is_over_before(job: Job, other: Job | None) -> bool:
    """Tell whether Discord had taken a job's ask when another was made, if it ever did."""
    if other is None or job.submitted_at is None or other.submitted_at is None:
        return False
    return other.submitted_at - job.submitted_at >= IN_FLIGHT


def _known_hash(job: Job) -> str | None:
    """Return a job's uuid; that of a ghost is known from what came late."""
    return job.hash or (None if job.late is None else job.late.hash)


def _progress_of(job: Job) -> list[str]:
    return [one for one, role in job.messages.items() if role is MessageRole.PROGRESS]


def _keys(job: Job) -> Iterator[tuple[str, str]]:
    if job.nonce is not None:
        yield "nonce", job.nonce
        yield "upload", upload_stem(job.nonce)
    if job.interaction_id is not None:
        yield "interaction", job.interaction_id
    if (hash_ := _known_hash(job)) is not None:
        yield "hash", hash_
    if COMMANDS[job.verb].reaction is not None and job.source_hash is not None:
        yield "seed", job.source_hash
    several = button_row(job.button).results > 1
    for message_id, role in job.messages.items():
        if role is not MessageRole.TARGET:
            yield "message", message_id
        if role is MessageRole.PROGRESS or (role is MessageRole.RESULT and not several):
            yield "replied", message_id


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
    # a pressed message is told by its likeness, and what replies to one of several results answers
    # a press on it (R23)
    "reference": lambda reading: (
        "replied",
        reading.reference_id if reading.kind in _REPLYING else None,
    ),
}
"""Strongest first."""

_COPYABLE = frozenset({"upload", "reference"})
"""Matchers that know a job by what its owner can repeat by hand."""


def match(reading: Reading, candidates: Candidates) -> Matched | Ambiguous | Undecided | None:
    """Return whose message it is, None for nobody's."""
    return match_by_sign(reading, candidates) or _match_weakly(reading, candidates)


def match_by_sign(reading: Reading, candidates: Candidates) -> Matched | Ambiguous | None:
    """Return whose message it is by what it says of it, None where it says nothing."""
    found: Sequence[tuple[str, JobId]] = [
        (name, jobid)
        for name, matcher in MATCHERS.items()
        if (jobid := candidates.find(*matcher(reading))) is not None
        and not (name in _COPYABLE and candidates.contradicts(jobid, reading))
        and not candidates.impossible(jobid, reading)
    ]
    if not found:
        return None
    jobids = frozenset(jobid for _, jobid in found)
    if len(jobids) > 1:
        return Ambiguous(jobids)
    by, jobid = found[0]
    return Matched(jobid, by)


def _match_weakly(reading: Reading, candidates: Candidates) -> Undecided | None:
    if candidates.is_settled(reading) or candidates.strangers.owns(reading):
        return None
    # a progress can wait: whose it was is told by whose its picture is
    asks = candidates.asks(reading) if reading.kind is ReplyKind.PICTURE else frozenset()
    return Undecided(asks) if asks else None

"""Candidates: who could own a message that does not name its job, and whom it cannot be of.

They are our jobs (index.py) and the asks of others (others.py). A likeness is weak: a prompt is
typed by anybody. So all who could own a picture are told, and elimination has its say.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

from msgspec.structs import replace

from waystation.jobs import Job, JobId, MessageRole
from waystation.midjourney.answers import edit_of
from waystation.midjourney.buttons import button_row
from waystation.midjourney.commands import COMMANDS
from waystation.midjourney.deadlines import IN_FLIGHT
from waystation.midjourney.matching.evidence import known_hash, progress_of
from waystation.midjourney.matching.index import Index
from waystation.midjourney.matching.likeness import (
    DRAWN,
    Agreement,
    asked_after,
    is_before,
    likeness_of,
    likenesses,
    too_early,
)
from waystation.midjourney.matching.others import Others
from waystation.midjourney.matching.strangers import Begun, begun_with
from waystation.midjourney.memory import Memory
from waystation.midjourney.reading import Reading
from waystation.midjourney.replies import ReplyKind
from waystation.wire.snowflake import is_newer, snowflake_order, snowflake_time

__all__ = ["Candidates"]


class Candidates:
    """Our jobs and other people's asks in one channel."""

    def __init__(self, jobs: Iterable[Job] = (), memory: Memory | None = None) -> None:
        memory = memory or Memory()
        self.index = Index(memory)
        self.others = Others(memory)
        for job in jobs:
            self.index.put(job)

    def learn(self, job: Job) -> None:
        """Take back what nobody could claim and turns out to be this job's; keep its old keys."""
        self.others.strangers.forget(job.messages)
        self.index.learn(job)

    def settle(self, job: Job) -> None:
        """Remember what a job that is done was known by."""
        self.others.settle(job, self.index.earlier(job.jobid))
        if not job.ghost:
            self.index.forget_earlier(job.jobid)

    def one_of_several(self, reading: Reading) -> JobId | None:
        """Return the job whose press brings several results, for one that nothing else tells.

        While such a press is open, no other of ours that looks like it is made (`rivals`). A ghost,
        or an ask by hand, may own what replies there all the same (R19, R23).
        """
        if reading.kind not in DRAWN or reading.reference_id is None:
            return None
        known = self.index.find("message", reading.shown.message_id) or self.index.find(
            "hash", reading.shown.hash
        )
        if known is not None or self.others.owns(reading):
            return None
        alike = self.index.alike((("reply", reading.reference_id, ""),))
        jobids = [
            jobid
            for jobid in alike
            if (job := self.index[jobid]).bound
            and not job.final
            and button_row(job.button).results > 1
            and not too_early(job, reading)
            and not self.contradicts(jobid, reading)
        ]
        if len(jobids) != 1 or self._is_contested(jobids[0], reading):
            return None
        others = {one for one in alike if not self._unlike(one, reading)} | self.asks(reading)
        if self.others.strangers.interaction_of(reading) is None:
            others |= set(self.others.by_hand.before(reading.shown.message_id))
            others |= self.others.several(reading)
        return jobids[0] if others <= {*jobids} else None

    def _is_contested(self, jobid: JobId, reading: Reading) -> bool:
        """Tell whether more was begun than a picture, which may be a job's or a stranger's."""
        its = {one.message_id for one in self.others.strangers.begun_as(reading)}
        begun = [
            one
            for one in self.others.strangers.begun()
            if jobid in self.began(one) and one.message_id not in its
        ]
        return len(begun) > 1 or not all(one.may_become(reading) for one in begun)

    def asks(self, reading: Reading) -> frozenset[str]:
        """Return who could have made a picture that says nothing of whose it is.

        A job that agrees loosely counts only where no job agrees wholly; a stranger counts always.
        Where one does, the bot may have shortened the prompt of another into that one (ADR 18).
        """
        interaction_id = self.others.strangers.interaction_of(reading)
        reading = dataclasses.replace(reading, interaction_id=interaction_id)
        jobs = self._agreeing(reading)
        best = max(jobs.values(), default=Agreement.NOT)
        is_whole = best is Agreement.WHOLLY
        jobids = frozenset(one for one, how in jobs.items() if how is best)
        # what is no ask's prompt as it was asked is evidence of nothing
        jobids |= self._shortened(reading) if is_whole else frozenset()
        begun = self.others.strangers.begun_as(reading)
        found: frozenset[str] = jobids
        if begun:
            found = found.intersection(*(self.began(one) for one in begun))
        else:
            found |= self._strangers(reading, jobids, shortened=is_whole)
        if not found or interaction_id is not None:
            return found
        said = [reading.shown.message_id, *(one.message_id for one in begun)]
        found |= frozenset(self.others.by_hand.before(min(said, key=snowflake_order)))
        several = any(button_row(self.index[one].button).results > 1 for one in jobids)
        return found | self.others.several(reading) if several else found

    def _shortened(self, reading: Reading) -> frozenset[JobId]:
        """Return the jobs from whose longer prompts a picture's may have been shortened."""
        keys = [value for kind, value, _ in likeness_of(reading) if kind == "prompt"]
        longer = {jobid for key in keys for jobid in self.index.longer(key)}
        others = self._of_other_asks(longer, reading.interaction_id)
        return frozenset(one for one in longer - others if not self._unlike(one, reading))

    def agrees(self, jobid: JobId, reading: Reading) -> bool:
        """Tell whether a picture agrees with a job as it was asked, not only if shortened."""
        return jobid in self._agreeing(reading)

    def still_asks(self, reading: Reading, asks: frozenset[str]) -> frozenset[str]:
        """Return who of those that could own a picture still can, and who could be seen since."""
        # its uuid may have been seen since, of somebody else
        now = frozenset() if self.others.strangers.draws(reading) else self.asks(reading)
        return frozenset(one for one in now if one in asks or self._may_be_older(one, reading))

    def _may_be_older(self, ask: str, reading: Reading) -> bool:
        """Tell whether an ask that is heard of after a picture may have been made before it.

        History, or a message that comes late, may show what the ask has begun.
        """
        if begun_with(ask) or self.others.by_hand.find(ask):
            return True
        return self.others.strangers.has(ask) and is_newer(reading.shown.message_id, ask)

    def _strangers(
        self, reading: Reading, jobids: frozenset[JobId], *, shortened: bool
    ) -> frozenset[str]:
        """Return who, of those who have begun what no job of ours has, may own a picture.

        A silent job may own any unnamed progress.
        """
        strangers = self.others.strangers
        found = strangers.open_alike(reading, shortened=shortened, is_ours=bool(jobids))
        is_silent = any(not progress_of(self.index[one]) for one in jobids)
        return found | {
            one.stranger
            for one in strangers.begun()
            if one.may_become(reading)
            and not (is_silent and one.interaction_id is None)
            and not self.began(one)
        }

    def began(self, begun: Begun) -> frozenset[str]:
        """Return the asks that may have begun with a progress: none has shown another."""
        alike = self.index.alike(tuple(begun.alike))
        others = self._of_other_asks(alike, begun.interaction_id)
        jobids = frozenset[str](
            jobid
            for jobid in alike
            if jobid not in others and self._may_have_begun(self.index[jobid], begun)
        )
        if begun.interaction_id is not None:
            return jobids
        return jobids.union(self.others.by_hand.before(begun.message_id))

    def _may_have_begun(self, job: Job, begun: Begun) -> bool:
        return not (
            progress_of(job)
            or known_hash(job) is not None
            or is_before(job, begun.message_id)
            or _are_two(job.interaction_id, begun.interaction_id)
            or self.others.is_disowned(begun.message_id, begun.interaction_id)
        )

    def note_stranger(self, reading: Reading) -> bool:
        """Remember an unmatched message as a stranger's, or as unclaimed.

        Returns: whether it is a finished picture that resembles no ask and may be ours all the same
        """
        resembles = bool(self.look_alikes(reading))
        by_hand = self.others.is_disowned(reading.shown.message_id)
        named = by_hand or self.others.strangers.names(reading)
        answers = (reading.nonce, reading.interaction_id, reading.command) != (None, None, None)
        unclaimed = reading.kind is ReplyKind.PROGRESS and resembles
        orphan = reading.kind in DRAWN and not (resembles or named or answers)
        is_known = self.others.strangers.owns(reading)
        unclaimed = unclaimed and not is_known
        if reading.kind is ReplyKind.PICTURE and not (named or is_known):
            self.others.strangers.take(reading)
        self.others.strangers.note(reading, unclaimed=unclaimed, orphan=orphan)
        may_be_ours = any(not too_early(self.index[one], reading) for one in self.index.unnamed)
        if not (answers or named or is_known or unclaimed or (orphan and may_be_ours)):
            self.others.may_answer(reading)
        return orphan and reading.kind is ReplyKind.PICTURE and may_be_ours

    def may_be_lost(self, job: Job) -> bool:
        """Tell whether a job may have begun, or drawn, what nothing tells to be its."""
        if job.jobid not in self.index.unnamed:
            return False
        return self.others.strangers.has_orphan_since(job) or self._may_be_unknown(job)

    def _may_be_unknown(self, job: Job) -> bool:
        """Tell whether an interaction was seen that may be a job's, and of which nothing is known.

        It began, or drew, something else; the bot may have put another sentence for the prompt.
        """
        return job.interaction_id is None and any(
            self.index.find("interaction", one) is None
            and not (self.others.is_disowned(one) or self.others.is_settled_id(one))
            for one in self.others.strangers.interactions_since(job)
        )

    def may_have_begun(self, job: Job) -> bool:
        """Tell whether a progress that nobody could claim may be the job's."""
        return self.others.strangers.has_unclaimed(likenesses(job))

    def claim(self, job: Job) -> None:
        """Remember that a job has got its picture, with the progress that nobody could claim."""
        if (hash_ := known_hash(job)) is not None:
            message_id = (job.message_id if job.late is None else job.late.message_id) or ""
            silent = not progress_of(job)
            self.others.strangers.claim(likenesses(job), message_id, hash_, silent=silent)

    def look_alikes(self, reading: Reading) -> frozenset[JobId]:
        """Return the jobs that a message could be of, by its likeness."""
        return frozenset(self._agreeing(reading))

    def _agreeing(self, reading: Reading) -> Mapping[JobId, Agreement]:
        likenesses = likeness_of(reading)
        replies = [one for one in likenesses if one[0] == "reply"]
        alike = self.index.alike(replies) or self.index.alike(likenesses)
        agreeing = {one: how for one, how in alike.items() if not self._unlike(one, reading)}
        others = self._of_other_asks(alike, reading.interaction_id)
        return {one: how for one, how in agreeing.items() if one not in others}

    def _of_other_asks(self, jobids: Iterable[JobId], interaction_id: str | None) -> set[JobId]:
        """Return the unbound jobs whose interaction this is not: theirs is younger, or older.

        What looks the same is asked when the one before is over (R15), and Discord numbers
        interactions in the order of asks: it had taken the one before by then, or never did. This
        holds only for an interaction younger than the later ask.
        """
        if interaction_id is None:
            return set()
        jobs = [self.index[one] for one in jobids]
        asked = (
            job
            for job in jobs
            if is_newer(interaction_id, asked_after(job))
            and not any(_may_be_between(interaction_id, one, job) for one in jobs)
        )
        last = max(asked, key=lambda job: snowflake_order(asked_after(job)), default=None)
        return {
            job.jobid
            for job in jobs
            if job.interaction_id is None
            and (not is_newer(interaction_id, asked_after(job)) or _is_over_before(job, last))
        }

    def _unlike(self, jobid: JobId, reading: Reading) -> bool:
        """Tell whether a message that looks like a job's cannot be its."""
        job = self.index[jobid]
        return (
            known_hash(job) is not None
            or too_early(job, reading)
            or self.contradicts(jobid, reading)
            or (reading.kind is ReplyKind.PROGRESS and bool(progress_of(job)))
            or (job.target is None and self._answers_a_press(job, reading.reference_id))
        )

    def _answers_a_press(self, job: Job, message_id: str | None) -> bool:
        """Tell whether a reply to this message answers a press, not the job's own start.

        It does if the message is older than the ask, or known to be another's (R20).
        """
        if message_id is None:
            return False
        return (
            is_before(job, message_id)
            or self.index.find("message", message_id) not in (None, job.jobid)
            or self.others.is_settled_id(message_id)
            or self.others.is_disowned(message_id)
            or self.others.strangers.is_finished(message_id)
        )

    def rivals(self, job: Job, target: str | None = None) -> frozenset[JobId]:
        """Return the asked jobs whose answer could still be taken for this one's (R15).

        Args: target: the message that the job will press
        """
        if target is not None:
            job = replace(job, messages={**job.messages, target: MessageRole.TARGET})
        own = frozenset(likenesses(job))
        found = {
            other.jobid
            for other in _open(self.index[one] for one in self.index.near(own))
            if (other.hash is None or button_row(other.button).results > 1)
            and not own.isdisjoint(likenesses(other))
        }
        if not _reacts(job):
            # an edit of the message could be either's; another answer names its own press
            found |= {
                other.jobid
                for other in _open(self.index.pressing(job.target or ""))
                if not _reacts(other) and (edit_of(other.pressed) is not None or not other.bound)
            }
        return frozenset(found - {job.jobid})

    def impossible(self, jobid: JobId, reading: Reading) -> bool:
        """Tell whether a message shows another uuid than the job's, or that of its source (R20)."""
        job, hash_ = self.index[jobid], reading.shown.hash
        known = known_hash(job)
        return hash_ is not None and (known not in (None, hash_) or hash_ == job.source_hash)

    def end_stranger(self, ask: str, reading: Reading) -> None:
        """Remember that somebody who is no job has got a picture."""
        if self.others.by_hand.find(ask) is not None:
            self.others.by_hand.answered(ask)
            self.others.strangers.take(reading)
        else:
            self.others.strangers.finish(begun_with(ask) or ask, reading)

    def take(self, reading: Reading, asks: Iterable[str]) -> None:
        """Remember that none of our jobs has got a picture. Args: asks: who could have owned it"""
        interaction_id = self.others.strangers.interaction_of(reading)
        self.others.strangers.take(reading)
        if self._shortened(reading):
            self.others.strangers.note(reading, orphan=True)
        by_hand = any(self.others.by_hand.find(one) for one in asks)
        if by_hand and interaction_id is None:
            self.others.answers(reading)

    def contradicts(self, jobid: JobId, reading: Reading) -> bool:
        """Tell whether a reading is the answer to another interaction than the job's."""
        job = self.index[jobid]
        return (
            reading.nonce not in (None, job.nonce)
            or _are_two(job.interaction_id, reading.interaction_id)
            or self.others.is_disowned(reading.shown.message_id, reading.interaction_id)
            or self.others.strangers.draws(reading)
        )


def _are_two(one: str | None, other: str | None) -> bool:
    return None not in (one, other) and one != other


def _is_over_before(job: Job, other: Job | None) -> bool:
    """Tell whether Discord had taken a job's ask when another was made, if it ever did."""
    return other is not None and _apart(job, other) >= IN_FLIGHT


def _may_be_between(interaction_id: str, job: Job, other: Job) -> bool:
    """Tell whether an interaction may have been made before another job was asked, and after one.

    It is sooner after what had been seen when that one was asked than the other job was asked.
    """
    if not interaction_id.isdecimal() or _apart(job, other) <= timedelta(0):
        return False
    since = snowflake_time(interaction_id) - snowflake_time(asked_after(job))
    return since < _apart(job, other)


def _apart(job: Job, other: Job) -> timedelta:
    """Return how long after a job another was asked; no time if either was not."""
    if job.submitted_at is None or other.submitted_at is None:
        return timedelta(0)
    return other.submitted_at - job.submitted_at


def _reacts(job: Job) -> bool:
    """Tell whether a job's ask is a reaction, whose answer comes as a direct message."""
    return COMMANDS[job.verb].reaction is not None


def _open(jobs: Iterable[Job]) -> Iterator[Job]:
    return (job for job in jobs if job.submitted_at is not None and not job.final)

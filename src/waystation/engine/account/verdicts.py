"""Verdicts: what Discord's answer to a request does to its job, committed at once."""

from __future__ import annotations

from datetime import datetime

from waystation import sentences
from waystation.actions import Accepted, Outcome, Refused, Unknown
from waystation.engine.account.owned import Owned
from waystation.engine.account.turns import Turns
from waystation.errors import TransportError, Unreachable
from waystation.jobs import Failed, Job, JobEvent, JobId, JobStatus, Modal
from waystation.midjourney.asking.outcomes import End, not_sent, refused
from waystation.midjourney.commands import COMMANDS
from waystation.midjourney.steps import NOTHING

__all__ = ["Verdicts"]


class Verdicts:
    """The ends of one account's jobs that come of asking."""

    def __init__(self, owned: Owned, turns: Turns) -> None:
        self._owned = owned
        self._turns = turns

    async def judge(self, job: Job, outcome: Outcome, *, opened: bool = False) -> None:
        """Commit what an outcome says of its job.

        Args: opened: it is that of the answer to a modal; that its press was executed says nothing
        of the answer
        """
        owned = self._owned
        match outcome:
            case Unknown(reason):
                await owned.step(
                    lambda conversation, now: conversation.unclear(job.jobid, reason, now)
                )
            case Refused():
                current = owned.current(job.jobid)
                unseen = opened and current is not None and not current.message_id
                if outcome.retry_after_s is not None:
                    now_s = owned.adapters.clock.monotonic()
                    self._turns.told(now_s, outcome.retry_after_s, outcome.body)
                await self.close(job.jobid, refused(outcome, opened=unseen))
            case Accepted() if COMMANDS[job.verb].reaction is not None:
                await owned.step(
                    lambda conversation, now: conversation.reacted(job.jobid, now), done=True
                )
            case Accepted():
                await owned.step(lambda conversation, now: NOTHING, done=True)

    async def not_sent(self, jobid: JobId, error: TransportError, *, opened: bool = False) -> None:
        """End a job that could not be sent; one of the queue waits again where Discord was away.

        Args: opened: it is the answer to a modal: the press before it was executed
        """
        end = not_sent(error)
        if opened or not isinstance(error, Unreachable):
            await self.close(jobid, end)
            return
        await self._owned.step(
            lambda conversation, now: conversation.not_written(jobid, end.event, now)
        )

    async def not_left(self, jobid: JobId, error: TransportError, until: datetime | None) -> bool:
        """Let a job wait for its turn again, whose request may leave later; False: it cannot.

        Args: until: how long it may wait, if its age does not say it
        """
        event = Failed(502, error.message, error.details)
        await self._owned.step(
            lambda conversation, now: conversation.not_left(jobid, event, now, until)
        )
        job = self._owned.current(jobid)
        return job is not None and job.status is JobStatus.CREATED

    async def reopened(self, jobid: JobId, modal: Modal) -> bool:
        """Let the answer to a modal wait for its turn again; False: the bot has gone on."""
        return await self._owned.step(
            lambda conversation, now: conversation.reopened(jobid, modal, now)
        )

    async def close(self, jobid: JobId, end: End) -> None:
        """End a job, and what becomes of its account with it."""
        await self._owned.step(
            lambda conversation, now: conversation.ended(
                jobid, end.event, now, end.halt, token_rejected=end.token_rejected
            ),
            refused=end.cause,
        )

    async def end(self, jobid: JobId, event: JobEvent) -> None:
        """End a job for a reason of our own."""
        await self._owned.step(lambda conversation, now: conversation.ended(jobid, event, now))

    async def unsent(self, jobid: JobId, event: JobEvent) -> None:
        """End a job that cannot be sent in its time; one of the queue waits again."""
        await self._owned.step(lambda conversation, now: conversation.unsent(jobid, event, now))

    async def halted(self, jobid: JobId) -> None:
        """End a job that waited while its account was halted or removed."""
        account = await self._owned.adapters.store.get_account(self._owned.account.account_id)
        if account is not None and account.halt is not None:
            job = self._owned.current(jobid)
            own = job is not None and job.user_id == account.user_id
            event = Failed.by(
                sentences.HALTED_BEFORE, account.halt if own else sentences.OWNERS_HALT
            )
        elif account is None or account.removed_at is not None:
            event = Failed.by(sentences.REMOVED_BEFORE, sentences.NOTHING_SENT)
        else:
            event = Failed.by(sentences.SET_UP_ANEW, sentences.NOTHING_SENT)
        await self.unsent(jobid, event)

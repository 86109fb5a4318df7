"""Asking: one account's jobs put to Discord at their turn, each at most once.

How it works: what is asked is a plan (midjourney/asking/plans.py). Its nonce is committed, and only
then the request leaves (R12); what comes of it is a verdict. An unclear outcome is noted and left
to the gateway, history and the deadline; only a definite "outdated" is asked again, with a new
nonce after a fresh command index (R13).

A request that could not leave, since the gateway session broke or Discord asked to wait, takes its
turn again when it may leave, with the nonce that is committed.
"""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any

from waystation import sentences
from waystation.actions import Action, Outcome, Press, Refused, Submission
from waystation.engine.account import spans
from waystation.engine.account.owned import Owned
from waystation.engine.account.queue import Place, Queue
from waystation.engine.account.turns import Turns
from waystation.engine.account.verdicts import Verdicts
from waystation.engine.account.waits import Waits
from waystation.engine.inputs import read_pictures
from waystation.errors import AccountHalted, NotConnected, StoreError, TransportError, Withheld
from waystation.jobs import Failed, Job, JobId, Modal, Nonce, Source
from waystation.midjourney.answers import edit_of, face_of
from waystation.midjourney.asking.plans import answer, generations, plan

__all__ = ["Asking", "Request"]

Request = Coroutine[Any, Any, None]
"""The sending of what is committed, until the verdict; it is run once."""


class Asking:
    """Asks for one account's jobs."""

    def __init__(
        self, owned: Owned, queue: Queue, turns: Turns, waits: Waits, verdicts: Verdicts
    ) -> None:
        self._owned = owned
        self._queue = queue
        self._turns = turns
        self._waits = waits
        self._verdicts = verdicts

    async def ask(self, place: Place) -> Request | None:
        """Commit the nonce of a job; return its request, None where it is not to be sent."""
        waiting, jobid = place.waiting, place.waiting.job.jobid
        action = waiting.action or plan(
            waiting.job.verb, waiting.job.params, uploads=place.uploads or ()
        )
        nonce = place.nonce or self._owned.adapters.new_nonce()
        recorded = await self._record(jobid, nonce, await self._faced(waiting.source))
        self._queue.drop(jobid)
        if recorded and not (place.again or place.recorded):
            self._tell_wait(waiting.job)
        return self._send(place, nonce, action) if recorded else None

    def _tell_wait(self, job: Job) -> None:
        """Trace how long a job has waited for its turn, in whatever process."""
        since = job.created_at + job.wall_ahead
        facts = spans.facts_of(job, self._owned.account.account_id)
        self._owned.adapters.traces.begin("job.wait", job.trace, since=since, **facts).end()

    async def _faced(self, source: Source | None) -> Source | None:
        """Return what is pressed with what it says now, where its edit is to answer (R21).

        That is what the newest job on the message shows, not what the pressed job does.
        """
        if source is None or edit_of(source.custom_id) is None:
            return source
        job = await self._owned.adapters.store.last_shown(source.message_id)
        return source if job is None else replace(source, face=face_of(job.embeds))

    async def _send(self, place: Place, nonce: Nonce, action: Action) -> None:
        asked = place.waiting.job
        try:
            outcome = await self._perform(asked, nonce, action)
        except (TransportError, StoreError) as error:
            # both are raised only before anything was sent
            await self._not_left(place.kept(nonce), error)
            return
        job = self._owned.current(asked.jobid)
        outdated = isinstance(outcome, Refused) and outcome.kind == "outdated"
        if outdated and not place.again and job is not None and not job.bound:
            await self._ask_again(place)
        else:
            await self._verdicts.judge(asked, outcome)

    async def _ask_again(self, place: Place) -> None:
        """Queue a job anew with a fresh command index: first in the row, with a new nonce (R13)."""
        owned, jobid = self._owned, place.waiting.job.jobid
        # it is in flight no longer, and others need not wait for the index
        await owned.step(lambda conversation, now: conversation.silent(jobid, now, refused=True))
        try:
            await owned.transport.refresh_commands(owned.account.channel, owned.account.guild_id)
        except TransportError as error:
            await self._verdicts.not_sent(jobid, error)
            return
        self._queue.put_back(place.afresh)
        owned.moved.ring()

    async def _not_left(self, place: Place, error: TransportError | StoreError) -> None:
        """Let a job whose request has not left wait for its turn again, or end it.

        Raises: StoreError: the next hold finds its place
        """
        job, waits = place.waiting.job, False
        try:
            if isinstance(error, StoreError):
                raise error
            if self._may_leave_later(error, place.nonce or ""):
                waits = await self._verdicts.not_left(job.jobid, error, job.deadline_at)
            else:
                await self._verdicts.not_sent(job.jobid, error)
        except StoreError:
            self._queue.put_back(place)
            raise
        if waits:
            self._queue.put_back(place)
            self._owned.moved.ring()

    def _may_leave_later(self, error: TransportError, nonce: str) -> bool:
        """Tell whether what could not be sent may be sent when the account's turn comes again."""
        later = isinstance(error, Withheld) and self._waits.standing() is not None
        if isinstance(error, NotConnected):
            # the news of it may still wait behind others
            self._owned.disconnected(error.message)
            later = True
        if later:
            self._turns.not_left(nonce)
        return later

    async def answer(self, jobid: JobId) -> Request | None:
        """Commit the nonce of the answer to what a job's press has opened; return its request."""
        job = self._owned.current(jobid)
        if job is None or job.modal is None:
            return None
        ancestors = await self._ancestors(job, generations(job, job.modal))
        action = answer(job, job.modal, ancestors, await self._mask(job))
        if action is None:
            await self._verdicts.end(jobid, Failed.by(sentences.NO_MASK))
            return None
        source = None
        if isinstance(action, Press):
            source = Source(action.message_id, custom_id=action.custom_id)
        nonce = self._owned.adapters.new_nonce()
        if not await self._record(jobid, nonce, source):
            return None
        return self._send_answer(job, job.modal, nonce, action)

    async def _mask(self, job: Job) -> bytes | None:
        """Return the mask of a job whose press has opened something, if it came with one."""
        known = self._queue.masks.get(job.jobid)
        if known is not None or job.modal is None or not job.modal.is_iframe:
            return known
        adapters = self._owned.adapters
        pictures = await read_pictures(adapters.store, adapters.sealer, job.jobid)
        return pictures[0].data if pictures else None

    async def _ancestors(self, job: Job, most: int) -> Sequence[Job]:
        """Return the jobs whose buttons led to a job, its parent first."""
        found: list[Job] = []
        jobid = job.parent_jobid
        while jobid is not None and len(found) < most:
            parent = await self._owned.adapters.store.get_job(jobid, None)
            if parent is None:
                break
            found.append(parent)
            jobid = parent.parent_jobid
        return found

    async def _send_answer(self, job: Job, modal: Modal, nonce: Nonce, action: Action) -> None:
        try:
            outcome = await self._perform(job, nonce, action)
        except TransportError as error:
            later = self._may_leave_later(error, nonce)
            if not (later and await self._verdicts.reopened(job.jobid, modal)):
                await self._verdicts.not_sent(job.jobid, error, opened=True)
            return
        self._queue.masks.pop(job.jobid, None)
        await self._verdicts.judge(job, outcome, opened=True)

    async def _record(self, jobid: JobId, nonce: Nonce, source: Source | None) -> bool:
        """Commit the nonce; the request leaves next (R12)."""
        owned = self._owned
        # a lease that has run out is noticed before the nonce is committed: nothing is lost then
        owned.request_timeout_s()
        try:
            recorded = await owned.step(
                lambda conversation, now: conversation.submitted(jobid, nonce, now, source),
                only_if_usable=True,
            )
        except AccountHalted:
            await self._verdicts.halted(jobid)
            return False
        if recorded:
            unbound, now = owned.in_flight == jobid, owned.adapters.clock.monotonic()
            self._turns.asked(now, self._waits.pacing_s(), unbound=unbound, nonce=nonce)
        return recorded

    async def _perform(self, job: Job, nonce: Nonce, action: Action) -> Outcome:
        """Send it. Raises: TransportError, StoreError: nothing was sent"""
        owned = self._owned
        account = owned.account
        facts = spans.facts_of(job, account.account_id)
        submission = Submission(nonce, account.channel, account.guild_id, action)
        with owned.adapters.traces.begin(
            "discord.interaction", job.trace, asks=True, **facts
        ) as span:
            span.note(nonce=nonce)
            outcome = await owned.transport.perform(submission, owned.request_timeout_s())
            span.note(outcome=type(outcome).__name__.lower())
            return outcome

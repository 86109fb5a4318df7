"""Take one account's accepted jobs in order: upload, record, then send, at most once.

How it works: the head of the queue uploads its picture while it waits for its turn. Its turn comes
when the conversation is caught up, nothing in the channel is unbound (R15), and the pacing allows
it (R16). The nonce is committed, and only then the request leaves (R12). An unclear outcome is
noted and left to the gateway, history and the deadline; only a definite "outdated" is asked again,
with a new nonce after a fresh command index (R13).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from waystation.actions import (
    Accepted,
    Action,
    AnswerModal,
    Paint,
    Press,
    React,
    Refused,
    Submission,
    Unknown,
    Upload,
    Uploaded,
)
from waystation.engine.feed import race
from waystation.errors import (
    AccountHalted,
    HumanCheckRequired,
    NotAuthorised,
    RequestRefused,
    TransportError,
)
from waystation.jobs import Failed, Job, JobEvent, JobId, JobStatus, Modal, Nonce, Source
from waystation.jobs import Refused as RefusedEvent
from waystation.midjourney.captions import drawn_prompt
from waystation.midjourney.commands import COMMANDS, MODES, action_for
from waystation.midjourney.matching import upload_stem
from waystation.midjourney.results import listed_prompt
from waystation.midjourney.steps import TOKEN_REJECTED
from waystation.ports import Fetched

if TYPE_CHECKING:
    from waystation.engine.owner import Owner

__all__ = ["Submitter", "Waiting", "refusal"]

log = structlog.get_logger("waystation.submitter")

_OUTDATED_TRIES = 2
"""R13: the first refusal as outdated is followed by one more try."""


_GENERATIONS = 20
"""How far back a prompt is looked for along presses of presses."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An accepted job with what it needs to be asked.

    `pictures` are in the order of its command's params. `action` and `source` are set where a
    message of an earlier job is pressed or reacted to.
    """

    job: Job
    pictures: Sequence[Fetched] = ()
    action: Press | React | None = None
    source: Source | None = None


class Submitter:
    """One account's queue of accepted jobs."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._queue: deque[Waiting] = deque()
        self._modals: asyncio.Queue[Job] = asyncio.Queue()
        self._masks: dict[JobId, bytes] = {}
        """What is to be painted, until the bot asks for it. Bounded by the jobs of the account."""
        self._not_before = 0.0
        """Monotonic seconds before which nothing is sent: pacing and Retry-After (R16)."""

    def enqueue(self, waiting: Waiting) -> None:
        """Add a job; `Owner.moved` must be rung after."""
        self._queue.append(waiting)

    @property
    def queued(self) -> Sequence[JobId]:
        """The jobs for which this process still has what they need."""
        return [waiting.job.jobid for waiting in self._queue]

    async def run(self) -> None:
        """Submit until cancelled. A job leaves the queue when its fate no longer depends on it."""
        while True:
            while not self._queue:
                await self._owner.moved.wait()
            await self._submit(self._queue[0])
            self._queue.popleft()

    def answer_modal(self, job: Job) -> None:
        """Take a job whose modal is committed and not answered."""
        self._modals.put_nowait(job)

    async def answer_modals(self) -> None:
        """Answer modals until cancelled: beside the queue, whose head may wait for such a job."""
        while True:
            job = await self._modals.get()
            modal = job.modal
            if modal is None or not await self._turn(job.jobid, for_modal=True):
                continue
            text = await self._prompt_of(job)
            answer = self._answer_to(job, modal, text)
            if answer is None:
                await self._end(job.jobid, Failed(502, _MASK_LOST))
                continue
            source = None
            if isinstance(answer, Press):
                source = Source(answer.message_id, custom_id=answer.custom_id)
            nonce = self._owner.adapters.ids.nonce(self._owner.adapters.clock.now())
            outcome = await self._perform(job, nonce, answer, source)
            if outcome is not None:
                await self._judge_answer(job, outcome)

    async def _judge_answer(self, job: Job, outcome: Accepted | Refused | Unknown) -> None:
        """Judge the answer to a modal: that its press was executed says nothing of the answer."""
        event, halt = refusal(outcome) if isinstance(outcome, Refused) else (None, None)
        current = self._owner.current(job.jobid)
        if not isinstance(event, RefusedEvent) or current is None or current.message_id:
            await self._judge(job, outcome)
            return
        await self._end(job.jobid, Failed(event.code, event.error, event.details), halt)

    def _answer_to(self, job: Job, modal: Modal, text: str) -> AnswerModal | Paint | Press | None:
        """Return the answer; None for an iframe whose mask went with an earlier process."""
        if modal.is_settings:
            return Press(modal.modal_id, modal.flags, modal.custom_id, modal.value)
        mode = MODES.get(str(job.params.get("mode")), "")
        if not modal.is_iframe:
            values = {one.custom_id: f"{text or one.value} {mode}".strip() for one in modal.inputs}
            return AnswerModal(modal.modal_id, modal.custom_id, values)
        mask = self._masks.pop(job.jobid, None)
        token = modal.custom_id.rpartition("::")[2]
        return None if mask is None else Paint(token, mask, f"{text} {mode}".strip())

    async def _own_pick(self, job: Job, offered: str) -> str:
        """Return what the parent lists under the pressed number, if the form has another prompt.

        The message may have been asked again meanwhile; the caller means what the parent shows.
        """
        if job.parent_jobid is None or job.button is None:
            return ""
        parent = await self._owner.adapters.store.get_job(job.parent_jobid, None)
        listed = None if parent is None else listed_prompt(parent.embeds, job.button)
        return "" if listed is None or offered.strip() in listed else listed

    async def _prompt_of(self, job: Job) -> str:
        """Return a job's prompt; for a press without one, that of the pressed picture."""
        prompt = job.params.get("prompt")
        if prompt or job.parent_jobid is None:
            return str(prompt or "")
        offered = [one.value for one in job.modal.inputs if one.value] if job.modal else []
        if offered:
            # the bot has filled in what it would draw: as it is
            return await self._own_pick(job, offered[0])
        ancestors = await self._ancestors(job)
        asked = [str(one.params["prompt"]) for one in ancestors if one.params.get("prompt")]
        return drawn_prompt(ancestors[0].content, asked) if ancestors else ""

    async def _ancestors(self, job: Job) -> Sequence[Job]:
        """Return the jobs whose buttons led to a job, its parent first."""
        found: list[Job] = []
        parent_jobid = job.parent_jobid
        while parent_jobid is not None and len(found) < _GENERATIONS:
            parent = await self._owner.adapters.store.get_job(parent_jobid, None)
            if parent is None:
                break
            found.append(parent)
            parent_jobid = parent.parent_jobid
        return found

    async def _submit(self, waiting: Waiting) -> None:
        jobid = waiting.job.jobid
        if waiting.action is not None and waiting.pictures:
            self._masks[jobid] = waiting.pictures[0].data
        for tries_left in reversed(range(_OUTDATED_TRIES)):
            again = tries_left < _OUTDATED_TRIES - 1
            nonce = self._owner.adapters.ids.nonce(self._owner.adapters.clock.now())
            uploads = await self._prepared(waiting, nonce, again)
            if uploads is None:
                return
            command = COMMANDS[waiting.job.verb]
            action = waiting.action or action_for(command, waiting.job.params, uploads)
            outcome = await self._perform(waiting.job, nonce, action, waiting.source)
            if outcome is None:
                return
            if not (isinstance(outcome, Refused) and outcome.kind == "outdated" and tries_left):
                await self._judge(waiting.job, outcome)
                return
            account = self._owner.account
            try:
                await self._owner.transport.refresh_commands(account.channel, account.guild_id)
            except TransportError as error:
                await self._end(jobid, *_transport_failure(error))
                return

    async def _prepared(
        self, waiting: Waiting, nonce: Nonce, again: bool
    ) -> Sequence[Uploaded] | None:
        """Upload and wait for the turn, side by side. None when the job has ended meanwhile."""
        jobid = waiting.job.jobid
        uploading = asyncio.ensure_future(self._upload(waiting, nonce))
        try:
            if not await self._turn(jobid, again):
                return None
            uploads = await uploading
            # the upload may have taken longer than the turn lasted
            return uploads if await self._turn(jobid, again) else None
        except TransportError as error:
            await self._end(jobid, *_transport_failure(error))
            return None
        finally:
            uploading.cancel()
            await asyncio.gather(uploading, return_exceptions=True)

    async def _upload(self, waiting: Waiting, nonce: Nonce) -> Sequence[Uploaded]:
        uploads: list[Uploaded] = []
        if waiting.action is not None:
            return uploads
        for index, picture in enumerate(waiting.pictures):
            stem = upload_stem(nonce) if index == 0 else f"{upload_stem(nonce)}-{index}"
            upload = Upload(f"{stem}.{picture.extension}", picture.content_type, picture.data)
            channel = self._owner.account.channel
            uploads.append(await self._owner.transport.upload(channel, upload))
        return uploads

    async def _turn(self, jobid: JobId, again: bool = False, for_modal: bool = False) -> bool:
        """Wait for the job's turn; False when it is over before that.

        Args: again: it was refused as outdated: the unbound job itself is asked again; for_modal:
        a modal is answered, so the bot knows the job already
        """
        owner, clock = self._owner, self._owner.adapters.clock
        expected = JobStatus.SUBMITTED if again else JobStatus.CREATED
        while True:
            job = owner.current(jobid)
            waits = job is not None and (
                job.modal is not None if for_modal else job.status is expected
            )
            if not waits:
                # R12: what was recorded as submitted is never sent again, whatever broke since
                return False
            if not owner.account.usable:
                # R34: no turn comes before a person has acted, and the connection may be gone
                await self._end(jobid, await self._halted())
                return False
            wait_s = self._not_before - clock.monotonic()
            free = again or for_modal or not (owner.unbound or owner.must_wait(jobid))
            if owner.caught_up and free and wait_s <= 0:
                return True
            moved = asyncio.ensure_future(owner.moved.wait())
            if wait_s > 0:
                await race(moved, asyncio.ensure_future(clock.sleep(wait_s)))
            else:
                await moved

    async def _perform(
        self, job: Job, nonce: Nonce, action: Action, source: Source | None = None
    ) -> Accepted | Refused | Unknown | None:
        owner = self._owner
        account = owner.account
        submission = Submission(nonce, account.channel, account.guild_id, action)
        # a lease that has run out is noticed before the nonce is committed: nothing is lost then
        owner.request_timeout_s()
        try:
            recorded = await owner.step(
                lambda conversation, now: conversation.submitted(job.jobid, nonce, now, source),
                only_if_usable=True,
            )
        except AccountHalted:
            await self._end(job.jobid, await self._halted())
            return None
        if not recorded:
            return None
        self._pace()
        try:
            return await owner.transport.perform(submission, owner.request_timeout_s())
        except TransportError as error:
            # perform raises only before anything was sent
            await self._end(job.jobid, *_transport_failure(error))
            return None

    async def _judge(self, job: Job, outcome: Accepted | Refused | Unknown) -> None:
        owner = self._owner
        match outcome:
            case Unknown(reason):
                await owner.step(
                    lambda conversation, now: conversation.unclear(job.jobid, reason, now)
                )
            case Refused():
                if outcome.retry_after_s is not None:
                    self._hold_back(outcome.retry_after_s)
                event, halt = refusal(outcome)
                if event is not None:
                    await self._end(job.jobid, event, halt)
            case Accepted() if COMMANDS[job.verb].reaction is not None:
                await owner.step(lambda conversation, now: conversation.reacted(job.jobid, now))
            case Accepted():
                pass

    async def _halted(self) -> Failed:
        """What a job that waited ends with when its account was halted or removed meanwhile."""
        account = await self._owner.adapters.store.get_account(self._owner.account.account_id)
        if account is None or account.halt is None:
            return Failed(502, "The account was removed before the job was sent to Discord")
        return Failed(596, "Pending mod message", account.halt)

    async def _end(self, jobid: JobId, event: JobEvent, halt: str | None = None) -> None:
        await self._owner.step(
            lambda conversation, now: conversation.ended(jobid, event, now, halt)
        )

    def _pace(self) -> None:
        limits = self._owner.limits
        if limits.pacing_s > 0:
            jitter = limits.pacing_jitter_s * (2 * self._owner.adapters.ids.fraction() - 1)
            self._hold_back(limits.pacing_s + jitter)

    def _hold_back(self, seconds: float) -> None:
        now = self._owner.adapters.clock.monotonic()
        self._not_before = max(self._not_before, now + seconds)


def refusal(refused: Refused) -> tuple[JobEvent | None, str | None]:
    """Return what a definite refusal of Discord means: the job's end and the halt's text (R6).

    An outdated command ends nothing yet; see `Submitter`.
    """
    status = refused.status
    error = f"Discord /interactions failed with HTTP status {status}"
    match refused.kind:
        case "rate_limited":
            return RefusedEvent(429, error, refused.body), None
        case "captcha":
            return RefusedEvent(596, _CAPTCHA, refused.body), _CAPTCHA
        case "unauthorized":
            return RefusedEvent(596, error, refused.body), TOKEN_REJECTED
        case "forbidden":
            text = f"{error}: {refused.body}"
            return RefusedEvent(596, error, refused.body), text
        case _:
            return RefusedEvent(502, error, refused.body), None


def _transport_failure(error: TransportError) -> tuple[Failed, str | None]:
    match error:
        case NotAuthorised() | HumanCheckRequired():
            text = TOKEN_REJECTED if isinstance(error, NotAuthorised) else error.message
            return Failed(596, error.message, error.details), text
        case RequestRefused(status=413):
            return Failed(400, "Discord refused the picture as too large", error.details), None
        case _:
            return Failed(502, error.message, error.details), None


_MASK_LOST = "Waystation was restarted before the mask was sent"
_CAPTCHA = "Discord asks for a human check (CAPTCHA)"

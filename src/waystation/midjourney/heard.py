"""Heard: what follows from one message of the bot for the job that it belongs to.

An error ends the job. A finished picture completes it, or is one of several. The settings are
opened for one option of them. Anything else is progress, if it says something new. What a job that
is final still hears is kept beside it and changes no status.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, cast

from waystation import sentences
from waystation.gateway_events import SeenAs
from waystation.ignored import Ignored
from waystation.jobs import (
    Acknowledged,
    Cancelled,
    Completed,
    Failed,
    InteractionSeen,
    Job,
    JobEvent,
    JobId,
    JobStatus,
    Late,
    MessageRole,
    ModalOpened,
    Moderated,
    Progressed,
    Shown,
)
from waystation.midjourney.answers import (
    cannot_be_off,
    edit_of,
    finishes,
    opened_settings,
    option_of,
    wanted,
)
from waystation.midjourney.buttons import button_row
from waystation.midjourney.deadlines import Limits, running_deadline
from waystation.midjourney.putting_back import instead
from waystation.midjourney.reading import Reading
from waystation.midjourney.refusals import Ending, Meaning
from waystation.midjourney.replies import ReplyKind
from waystation.midjourney.results import collected
from waystation.midjourney.steps import HaltSign, Step, ignore, take
from waystation.wire.message import Message
from waystation.wire.snowflake import is_newer, snowflake_time

__all__ = ["Heard", "halt_of", "late_ended"]

_PROGRESS_EVERY = timedelta(seconds=1)
"""R37."""

_FULL: Final = 429


@dataclass(frozen=True, slots=True)
class Heard:
    """One message, and the job it was found to belong to.

    `by` names the matcher that found it. `early`: a partial update arrived before the message was
    matched, so earlier content may be missing.
    """

    job: Job
    seen_as: SeenAs
    message: Message
    reading: Reading
    by: str
    now: datetime
    limits: Limits
    early: bool

    def decide(self) -> Step:
        """Return what follows from it for its job."""
        job, reading, by = self.job, self.reading, self.by
        if job.final:
            return self._late()
        if edit_of(job.pressed) is not None and by != "target" and reading.meaning is None:
            return ignore(Ignored.BEFORE_PRESS)
        if reading.meaning is not None:
            if self.limits.track_queued and reading.meaning.ending is Ending.QUEUED:
                return self._queued()
            return self._error(reading.meaning)
        if button_row(job.button).results > 1 and reading.kind is ReplyKind.PICTURE:
            return self._collect()
        if by == "several":
            return ignore(Ignored.PREVIEW)
        if reading.kind is ReplyKind.SETTINGS and "option" in job.params and not job.pressed:
            return self._choose()
        if finishes(job, reading.kind):
            return self._bound(Completed(reading.shown, by))
        message_id = reading.shown.message_id
        # R27: what was reported as deleted is there after all
        back = self.seen_as is SeenAs.HISTORY and job.vanished_at and job.message_id == message_id
        if not (_adds(job, reading.shown) or back):
            return ignore(Ignored.NOTHING_NEW)
        if self._is_rapid():
            return ignore(Ignored.TOO_SOON)
        look_back: frozenset[JobId] = frozenset()
        if job.message_id is None:
            deadline_at = running_deadline(job, self.limits)
            event: JobEvent = Acknowledged(reading.shown, deadline_at, by)
            if self.early:
                look_back = frozenset({job.jobid})
        else:
            event = Progressed(reading.shown, by)
        return replace(
            self._bound(event),
            look_back=look_back,
            unrecognised=_kept(reading, self.message),
        )

    def _choose(self) -> Step:
        """Open the settings for the press of the one option that the job is about."""
        job, shown, by = self.job, self.reading.shown, self.by
        option = option_of(job, shown.buttons or ())
        if option is None:
            there = ", ".join(one.label for one in shown.buttons or ())
            failed = Failed(400, sentences.NO_OPTION.text, f"The settings have: {there}", shown, by)
            return self._bound(failed)
        if cannot_be_off(job, option):
            failed = Failed(400, sentences.ONE_OF_SEVERAL.text, _ONE_OF_SEVERAL, shown, by)
            return self._bound(failed)
        if wanted(job, option):
            return self._bound(Completed(shown, by))
        if job.modal is not None:
            return ignore(Ignored.NOTHING_NEW)
        seen = Acknowledged(shown, running_deadline(job, self.limits), by)
        return self._bound(seen, ModalOpened(opened_settings(shown, option)))

    def _collect(self) -> Step:
        """Keep one of several results; the last one completes the job."""
        job, reading, by = self.job, self.reading, self.by
        is_kept = job.messages.get(reading.shown.message_id) is MessageRole.RESULT
        result = collected(job.result, reading.shown)
        if is_kept or not result:
            return ignore(Ignored.NOTHING_NEW)
        # which of the results a button would be of, its label does not say
        shown = replace(reading.shown, result=result, buttons=())
        if by == "several":
            shown = replace(shown, hash=None)
        last = len(cast(Sequence[object], result["attachments"])) >= button_row(job.button).results
        event: JobEvent = Completed(shown, by) if last else Progressed(shown, by, is_result=True)
        return self._bound(event)

    def _is_rapid(self) -> bool:
        """Tell whether it is progress so soon after the last that it need not be stored (R37)."""
        job, reading, shown = self.job, self.reading, self.reading.shown
        return (
            job.status is JobStatus.PROGRESS
            and reading.kind is ReplyKind.PROGRESS
            and shown.message_id == job.message_id
            and (shown.hash is None or shown.hash == job.hash)
            and self.now - job.updated_at < _PROGRESS_EVERY
        )

    def _late(self) -> Step:
        job, reading = self.job, self.reading
        halt = halt_of(reading)
        known: Job | Shown = job.late or job
        if late_ended(job):
            return Step(halt=halt, ignored=Ignored.OVER)
        if not _adds(known, reading.shown):
            return Step(halt=halt, ignored=Ignored.NOTHING_NEW)
        if reading.meaning is not None and reading.meaning.ending is Ending.QUEUED:
            # R31: it is still to be run: its slot is not free, and its start is to come (R20)
            return Step(halt=halt, ignored=Ignored.STILL_QUEUED)
        ended = finishes(job, reading.kind) or reading.meaning is not None
        return replace(self._take(Late(reading.shown, ended, self.by)), halt=halt)

    def _queued(self) -> Step:
        """Go on with a job that the bot starts later; of the notice, nothing is shown.

        Its start, which carries no nonce, is told as that of a job that has shown nothing (R20).
        """
        message_id, job = self.reading.shown.message_id, self.job
        if message_id in job.messages or MessageRole.PROGRESS in job.messages.values():
            return ignore(Ignored.NOTHING_NEW)
        notice = Shown(message_id, self.reading.shown.timestamp)
        deadline_at = running_deadline(job, self.limits)
        return self._bound(Acknowledged(notice, deadline_at, self.by, is_notice=True))

    def _error(self, meaning: Meaning) -> Step:
        shown, by = self.reading.shown, self.by
        match meaning.ending:
            case Ending.MODERATED:
                event: JobEvent = Moderated(meaning.error, meaning.details, shown, by)
            case Ending.STOPPED:
                event = Cancelled(ghost=False)
            case ending:
                ghost = ending is Ending.QUEUED
                event = Failed(meaning.code, meaning.error, meaning.details, shown, by, ghost)
                if meaning.code == _FULL:
                    # R13: Midjourney's own queue takes no more now, and nothing was begun
                    event = instead(self.job, event, self.now)
        return replace(self._bound(event), halt=halt_of(self.reading))

    def _bound(self, *events: JobEvent) -> Step:
        """Learn the interaction from its answer too, when the gateway did not tell it before."""
        elsewhere = self.by in ("reference", "target")
        interaction_id = self.reading.interaction_id
        if self.job.interaction_id is not None or interaction_id is None or elsewhere:
            return self._take(*events)
        return self._take(InteractionSeen(interaction_id), *events)

    def _take(self, *events: JobEvent) -> Step:
        return take(self.job, self.now, self.limits.slot_hold, *events)


def _adds(known: Job | Shown, shown: Shown) -> bool:
    """Tell whether a message shows anything that is not known yet (R36: twice is a no-op).

    What an older message says has been superseded; ids are ordered by time.
    """
    if known.message_id != shown.message_id:
        return known.message_id is None or is_newer(shown.message_id, known.message_id)
    return (
        (shown.content is not None and shown.content != known.content)
        or (bool(shown.embeds) and tuple(shown.embeds) != tuple(known.embeds))
        or (bool(shown.attachments) and tuple(shown.attachments) != tuple(known.attachments))
    )


def late_ended(job: Job) -> bool:
    """Tell whether a ghost's late result is in: the bot is done and nothing more can matter."""
    return job.late is not None and job.messages[job.late.message_id] is MessageRole.RESULT


def _kept(reading: Reading, message: Message) -> Message | None:
    """Return a message whose wording nobody knows yet, so that it can become a golden (R24)."""
    unknown = reading.kind is ReplyKind.UNRECOGNISED and reading.says_something
    return message if unknown else None


def halt_of(reading: Reading) -> HaltSign | None:
    """Return the halt that a message asks for, as old as the message (R34)."""
    meaning = reading.meaning
    if meaning is None or meaning.ending is not Ending.HALT:
        return None
    message_id = reading.shown.message_id
    text = meaning.details or meaning.error
    return HaltSign(text, snowflake_time(message_id), message_id)


_ONE_OF_SEVERAL = "It is one of several; turn another one on."

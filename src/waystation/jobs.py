"""Job: one durable ask, what can happen to it, and the word for where it is.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType, Self

import msgspec

from waystation.sentences import Sentence
from waystation.wire.message import Attachment, Embed

__all__ = [
    "FINAL",
    "PRESSED_ONCE",
    "Acknowledged",
    "Button",
    "CancelRequested",
    "Cancelled",
    "Child",
    "Completed",
    "Expired",
    "Failed",
    "Granted",
    "InteractionSeen",
    "Job",
    "JobEvent",
    "JobId",
    "JobStatus",
    "Late",
    "Lost",
    "MessageRole",
    "Modal",
    "ModalInput",
    "ModalOpened",
    "Moderated",
    "Nonce",
    "Progressed",
    "PutBack",
    "Reacted",
    "Refused",
    "Shown",
    "Silent",
    "SlotReleased",
    "Source",
    "Submitted",
    "Unclear",
    "Unsent",
    "Vanished",
]

JobId = NewType("JobId", str)
"""`job:<UTC yyyyMMddHHmmssSSS>-user:<id>-channel:<channel>-bot:midjourney` (R9)."""

Nonce = NewType("Nonce", str)
"""Our one-time id in an interaction; decimal, unique per account (R12)."""


class JobStatus(StrEnum):
    """Where a job is. `submitted` shows as `created` in v2's words."""

    CREATED = "created"
    SUBMITTED = "submitted"
    STARTED = "started"
    PROGRESS = "progress"
    COMPLETED = "completed"
    MODERATED = "moderated"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """True when this status can never change again (I9)."""
        return self in FINAL


FINAL = frozenset({JobStatus.COMPLETED, JobStatus.MODERATED, JobStatus.FAILED, JobStatus.CANCELLED})


_IFRAME = "MJ::iframe::"
_SETTINGS = "MJ::Settings::"
"""How custom_ids of an iframe and of an account's settings begin. Source: wire notes 3.4, 3.6."""

_PICKS = ("MJ::Job::PicReader", "MJ::Picread", "MJ::Job::PromptAnalyzer")
"""How custom_ids under described and shortened prompts begin. Source: wire notes 3.4."""

PRESSED_ONCE = frozenset({"U1", "U2", "U3", "U4"})
"""Buttons that work once per job (R38). Source: v2 notes 3 (409)."""


class MessageRole(StrEnum):
    """The part that a Discord message plays for a job (R21)."""

    PROGRESS = "progress"
    RESULT = "result"
    TARGET = "target"
    NOTICE = "notice"
    """It says that the bot starts the job later (R31); the start is another message."""


@dataclass(frozen=True, slots=True)
class Button:
    """A button of a bot message: named as in API v2, pressed by its custom_id."""

    label: str
    custom_id: str
    value: str | None = None
    """The value, where the button is an entry of a menu."""
    is_on: bool = False
    """True when it is a setting that is on now. Source: wire notes 5.4."""

    @property
    def picks_text(self) -> bool:
        """True when it stands under suggested prompts, not under a picture."""
        return self.custom_id.startswith(_PICKS)


@dataclass(frozen=True, slots=True)
class Child:
    """A job that a button of another job started."""

    button: str
    jobid: JobId
    message_id: str | None


@dataclass(frozen=True, slots=True)
class ModalInput:
    """One text input of a modal, with what it holds already."""

    custom_id: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Modal:
    """A form or iframe that the bot has opened; its ids are copied into the answer.

    A form, or an iframe, which has no inputs; or the settings, of which `custom_id` is to be
    pressed: then `modal_id` is their message, and `flags` and `value` belong to the press.
    """

    modal_id: str
    custom_id: str
    inputs: tuple[ModalInput, ...] = ()
    flags: int = 0
    value: str | None = None

    @property
    def is_iframe(self) -> bool:
        """True when it is the region editor, which is answered at its own host."""
        return self.custom_id.startswith(_IFRAME)

    @property
    def is_settings(self) -> bool:
        """True when it is a message of settings, which is answered by a press."""
        return self.custom_id.startswith(_SETTINGS)


@dataclass(frozen=True, slots=True)
class Source:
    """The message that is pressed or reacted to, and the uuid that it shows."""

    message_id: str
    hash: str | None = None
    custom_id: str | None = None
    """The custom_id that is pressed; None for a reaction."""
    face: str | None = None
    """The message's face by `answers.face_of`, where an edit of the message is to answer."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A job as a bot message shows it, in v2's words."""

    message_id: str
    timestamp: str | None = None
    """Discord's own ISO 8601 text, microseconds and offset."""
    content: str | None = None
    embeds: tuple[Embed, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    hash: str | None = None
    """Midjourney's job uuid, when the message names one."""
    progress: int | None = None
    """Percent, 0 to 100."""
    flags: int | None = None
    """Discord's message flags; None when a partial update does not say."""
    buttons: tuple[Button, ...] | None = None
    """Its buttons; None when a partial update does not show them."""
    result: Mapping[str, object] = field(default_factory=dict)
    """The meaning of the answer, under the job form's field names: `{"info": {…}}`."""


class Job(msgspec.Struct, frozen=True):
    """One durable ask. Set when accepted unless a field says otherwise."""

    jobid: JobId
    user_id: int
    """The user who asked; nobody else may read or cancel the job (R32)."""
    account_id: str
    """Empty while it waits in the queue."""
    channel: str
    """`0` while it waits for any account."""
    verb: str
    status: JobStatus
    created_at: datetime
    updated_at: datetime
    """Moved by every event that changes what a reader sees."""
    discord: str
    """The account's masked token at that time."""
    server: str | None = None
    """The guild of the channel; None in direct messages."""
    params: Mapping[str, object] = {}
    """The verb's own fields under their v2 names, as validated: `{"describeUrl": …}`."""
    max_jobs: int | None = None
    """The limit this job was accepted under; None for verbs without a slot."""
    reply_url: str | None = None
    """Where the final event is delivered; the caller's or the user's default."""
    reply_ref: str | None = None
    reply_progress: bool = False
    """True when what comes before the end is delivered too."""
    slot: bool = False
    """True when this row holds one of its channel's slots now (R31)."""
    slot_until: datetime | None = None
    """When a ghost's slot is given back without evidence; set when a ghost keeps it."""
    nonce: Nonce | None = None
    """Committed with Submitted, before the request leaves (R12)."""
    submitted_at: datetime | None = None
    deadline_at: datetime | None = None
    """The next moment at which silence is judged; moved by Submitted and Acknowledged."""
    interaction_id: str | None = None
    """Discord's id for our interaction, from INTERACTION_CREATE."""
    hash: str | None = None
    """Midjourney's job uuid; set once, never changed (R20)."""
    message_id: str | None = None
    """The bot message that shows this job now."""
    messages: Mapping[str, MessageRole] = {}
    """Every message bound to this job."""
    timestamp: str | None = None
    content: str | None = None
    embeds: tuple[Embed, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    progress: int | None = None
    flags: int = 0
    """Of the message `message_id`: a press repeats them."""
    buttons: tuple[Button, ...] = ()
    """The buttons of that message."""
    result: Mapping[str, object] = {}
    unclear: bool = False
    """Asked a while ago, and nothing has shown that Discord has it: no longer in flight (R15)."""
    source_hash: str | None = None
    """The uuid that the pressed message shows; never this job's own (R20)."""
    pressed: str | None = None
    """The custom_id that was pressed."""
    modal: Modal | None = None
    """The modal that was opened and not answered yet."""
    discord_user_id: str | None = None
    """The Discord user who asks; a press needs the same user (R32)."""
    cancel_requested_at: datetime | None = None
    vanished_at: datetime | None = None
    """When its only message was deleted without a result (R27); cleared when another shows."""
    finished_at: datetime | None = None
    """Set if and only if the status is final."""
    ghost: bool = False
    """Final here, but Midjourney may still be running it (R19)."""
    late: Shown | None = None
    """The result that arrived for a ghost; the status stays."""
    code: int = 200
    """v2's code for this job: 200, 400, 422, 429, 502, 504 or 596 (R3)."""
    error: str | None = None
    error_details: str | None = None
    version: int = 0
    """Grows by one with each stored event; optimistic lock."""
    asked_after: str | None = None
    """The newest Discord id that the session had seen when it was asked (R28)."""
    wall_ahead: timedelta = timedelta()
    """How far the wall clock was ahead of the service's time when it was accepted.

    What people read of a job's instants is this much later, for good.
    """
    post_until: datetime | None = None
    """Moment until which the POST that made it may tell its end; None: that POST is over."""
    queue_until: datetime | None = None
    """Moment until which it may wait to be sent; None: it is none of the queue."""
    trace: str | None = None
    """The `traceparent` of its POST's span; None: that was not traced."""

    @property
    def final(self) -> bool:
        """True when the status can never change again."""
        return self.status in FINAL

    @property
    def waiting(self) -> bool:
        """True while it waits in the queue: no account has it."""
        return not self.account_id and not self.final

    @property
    def trace_id(self) -> str | None:
        """The id of its trace. Source: W3C Trace Context, 3.2.2"""
        return None if self.trace is None else self.trace.split("-")[1]

    @property
    def parent_jobid(self) -> JobId | None:
        """The job whose button was pressed."""
        parent = self.params.get("parentJobId")
        return None if parent is None else JobId(str(parent))

    @property
    def button(self) -> str | None:
        """The label of the button that was pressed."""
        button = self.params.get("button")
        return None if button is None else str(button)

    @property
    def target(self) -> str | None:
        """The message whose button was pressed (R21)."""
        targets = (one for one, role in self.messages.items() if role is MessageRole.TARGET)
        return next(targets, None)

    @property
    def bound(self) -> bool:
        """True when Discord or the bot has shown something that is surely this job's (R15)."""
        return bool(self.interaction_id or self.message_id or self.hash)

    @property
    def in_flight(self) -> bool:
        """True when it was just asked and has shown nothing: one per channel at most (I2)."""
        return self.status is JobStatus.SUBMITTED and not (self.bound or self.unclear)


# ── Job events: what happened, as values. One is stored per row of `job_events`. ──


@dataclass(frozen=True, slots=True)
class Submitted:
    """The nonce is committed; the request leaves next.

    `deadline_at` is when silence becomes Lost.
    """

    nonce: Nonce
    deadline_at: datetime
    target: str | None = None
    """The message whose button is pressed."""
    source_hash: str | None = None
    """The uuid that this message shows."""
    pressed: str | None = None
    """The custom_id that is pressed on it."""
    after: str | None = None
    """The newest Discord id that the session has seen (R28)."""


@dataclass(frozen=True, slots=True)
class Granted:
    """An account has taken it from the queue; its owner sends it next."""

    channel: str


@dataclass(frozen=True, slots=True)
class PutBack:
    """It could not be sent, and waits in the queue again (R13).

    Nothing was executed: it was not asked, or definitely refused for the moment.
    """

    reason: str
    shown: Shown | None = None
    """The bot's message that refused it."""


@dataclass(frozen=True, slots=True)
class Unsent:
    """Its request could not leave: it waits for its turn again, and keeps its nonce (R13)."""

    reason: str
    deadline_at: datetime | None = None
    """How long it may wait, if its age does not say it."""


@dataclass(frozen=True, slots=True)
class Reacted:
    """Discord has put our emoji under the message: all that can be seen before the answer."""


@dataclass(frozen=True, slots=True)
class ModalOpened:
    """The bot opened something; it is answered with a nonce of its own."""

    modal: Modal


@dataclass(frozen=True, slots=True)
class InteractionSeen:
    """INTERACTION_CREATE named our nonce: the job is bound, not yet started (R25)."""

    interaction_id: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """Discord did not say whether the interaction was taken, or the bot was late (R12, R14)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Silent:
    """Nothing has shown within 5 s that Discord has it: it holds up only look-alikes now (R15)."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The bot's first message for this job."""

    shown: Shown
    deadline_at: datetime
    """When the job expires from here on (R28)."""
    matched_by: str = ""
    is_notice: bool = False
    """Set where the bot says that it starts the job later."""


@dataclass(frozen=True, slots=True)
class Progressed:
    """The bot showed more of a running job."""

    shown: Shown
    matched_by: str = ""
    is_result: bool = False
    """Set for one of several results: nothing is added to its message."""


@dataclass(frozen=True, slots=True)
class Completed:
    """The bot's final message."""

    shown: Shown
    matched_by: str = ""


@dataclass(frozen=True, slots=True)
class Moderated:
    """The bot's content rules refused it."""

    error: str
    details: str | None = None
    shown: Shown | None = None
    matched_by: str = ""
    code: int = 422


@dataclass(frozen=True, slots=True)
class Failed:
    """The bot, Discord or Waystation ended it without a result.

    `ghost` says that Midjourney may run it all the same (504 Job queued, 502 silence).
    """

    code: int
    error: str
    details: str | None = None
    shown: Shown | None = None
    matched_by: str = ""
    ghost: bool = False

    @classmethod
    def by(
        cls, sentence: Sentence, details: str | None = None, *, ghost: bool = False, **said: object
    ) -> Self:
        """Return the end with one of our own sentences, its fields filled in."""
        assert sentence.status is not None
        return cls(sentence.status, sentence.said(**said), details, ghost=ghost)


@dataclass(frozen=True, slots=True)
class Refused:
    """A definite refusal by Discord's HTTP answer: nothing was executed (R12).

    Code 429 makes no callback (R4).
    """

    code: int
    error: str
    details: str | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """Nothing was heard within the first-answer limit."""

    error: str


@dataclass(frozen=True, slots=True)
class Expired:
    """It ran longer than the job time-out."""

    error: str


@dataclass(frozen=True, slots=True)
class CancelRequested:
    """The caller asked to cancel (R26); `nonce` is that of the press of Cancel Job, if any."""

    nonce: Nonce | None = None


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Ended as cancelled; `ghost` when there was no evidence that the bot stopped."""

    ghost: bool


@dataclass(frozen=True, slots=True)
class Vanished:
    """Its only message was deleted without a result; judged after a grace (R27)."""


@dataclass(frozen=True, slots=True)
class Late:
    """Something arrived for a ghost: kept, the status stays (R19)."""

    shown: Shown
    ended: bool
    """True when it shows that the bot is done, so that the slot can be given back (R31)."""
    matched_by: str = ""


@dataclass(frozen=True, slots=True)
class SlotReleased:
    """A ghost's slot was given back without evidence (R31)."""


JobEvent = (
    Submitted
    | Granted
    | PutBack
    | Unsent
    | Reacted
    | ModalOpened
    | InteractionSeen
    | Unclear
    | Silent
    | Acknowledged
    | Progressed
    | Completed
    | Moderated
    | Failed
    | Refused
    | Lost
    | Expired
    | CancelRequested
    | Cancelled
    | Vanished
    | Late
    | SlotReleased
)

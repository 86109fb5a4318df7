"""Everything the bot can say instead of a result: one row per wording.

Source: wire notes 6.1 and 6.2. Descriptions that no source captured word for word are ours.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from waystation.simulator.bot.job import Ending, Job, Scene, Write
from waystation.simulator.bot.timeline import (
    Kind,
    Step,
    Timeline,
    before_acknowledgement,
    through_acknowledgement,
)
from waystation.simulator.discord.messages import Draft
from waystation.simulator.payload import Payload
from waystation.wire.message import ComponentType, MessageFlag

__all__ = [
    "BY_NAME",
    "DEFAULT_RED",
    "TITLES",
    "UNKNOWN_JOB",
    "Form",
    "Title",
    "echo",
    "refuse",
    "say",
]

DEFAULT_RED = 16711680
NEW_RED = 15548997
"""The red of 2026 captures; some wordings of that year have no colour at all."""
YELLOW = 16776960

FAILED = Ending.FAILED
MODERATED = Ending.MODERATED
HALTED = Ending.HALTED


class Form(StrEnum):
    """How the words arrive. Source: wire notes 6.1."""

    NONCE = "nonce"
    """An embed on the first message, with the nonce, seen by the asking user only."""
    UPDATE = "update"
    """An embed on an edit of the acknowledgement."""
    CONTENT = "content"
    """Plain content on the first message, with the nonce and without an embed."""
    REFERENCE = "reference"
    """An embed on a new message that refers to the acknowledgement, without a nonce."""
    STOPPED = "stopped"
    """Plain content on an edit of the acknowledgement."""


@dataclass(frozen=True, slots=True)
class Title:
    """One wording."""

    name: str
    """Also the name of the fault that brings it about."""
    title: str
    description: str = ""
    form: Form = Form.NONCE
    ends: Ending = FAILED
    color: int | None = DEFAULT_RED
    footer: str = ""
    """Empty: the command is echoed, as the bot mostly does."""
    buttons: tuple[tuple[str, str], ...] = ()
    """Label and custom_id; labels are the bot's, ids of moderation buttons are ours."""


_PENDING = (
    "You have a pending moderation message. Please acknowledge it before using the bot further."
)
_FILTERS = "Request cancelled due to image filters."
_RULES = "Our AI moderators feel your prompt might be against our community standards."

TITLES: tuple[Title, ...] = (
    Title("invalid_parameter", "Invalid parameter", "Unrecognized parameter(s): `--foo`"),
    Title(
        "invalid_parameter_content",
        "Invalid parameter",
        "Unrecognized parameter(s): use_raw",
        form=Form.CONTENT,
    ),
    Title("invalid_prompt", "Invalid prompt", "The prompt could not be read."),
    Title("empty_prompt", "Empty prompt", "Your prompt is empty."),
    Title("invalid_link", "Invalid link", "Could not fetch the image.", form=Form.REFERENCE),
    Title(
        "invalid_link_exclaimed", "Invalid link!", "Could not fetch the image.", form=Form.UPDATE
    ),
    Title("invalid_link_moderated", "Invalid link", _FILTERS, form=Form.UPDATE, ends=MODERATED),
    Title("invalid_request", "Invalid request", "The request could not be read."),
    Title("banned_prompt", "Banned prompt", "The word `fox` is banned.", ends=MODERATED),
    Title(
        "banned_prompt_detected",
        "Banned prompt detected",
        "Circumventing this filter may result in your access being revoked.",
        ends=MODERATED,
    ),
    Title("banned_image_prompt", "Banned image prompt", "The image is banned.", ends=MODERATED),
    Title(
        "action_needed",
        "Action needed to continue",
        _RULES,
        ends=MODERATED,
        buttons=(("Appeal", "MJ::Moderation::Appeal"), ("Dismiss", "MJ::Moderation::Dismiss")),
    ),
    Title("image_denied", "Image denied", _FILTERS, form=Form.REFERENCE, ends=MODERATED),
    Title(
        "image_filters",
        "Request cancelled due to image filters",
        "The input image was filtered.",
        form=Form.UPDATE,
        ends=MODERATED,
    ),
    Title(
        "output_filters",
        "Request cancelled due to output filters",
        "The result was filtered.",
        form=Form.REFERENCE,
        ends=MODERATED,
    ),
    Title(
        "something_went_wrong_declined",
        "Sorry, something went wrong",
        "The job encountered an error. Our team has been notified.",
        form=Form.REFERENCE,
        ends=MODERATED,
        color=None,
        footer="decline-revise-frolic",
    ),
    Title(
        "something_went_wrong",
        "Sorry, something went wrong",
        "The job encountered an error. Our team has been notified.",
        form=Form.REFERENCE,
        color=NEW_RED,
    ),
    Title(
        "could_not_complete",
        "Sorry! Could not complete the job!",
        "Please try again.",
        form=Form.REFERENCE,
    ),
    Title("internal_error", "Internal error", "Sorry, something went wrong on our side."),
    Title("internal_server_error", "Internal server error", "Sorry, something went wrong."),
    Title("failed_to_process", "Failed to process your command :c", form=Form.CONTENT),
    Title("error_processing", "There was an error processing your request.", form=Form.CONTENT),
    Title("bad_response", "Bad response", form=Form.CONTENT),
    Title(
        "queue_full",
        "Queue full",
        "Your job queue is full. Please wait for a job to finish first, then resubmit this one.",
    ),
    Title(
        "concurrent_job",
        "Queue full",
        "You reached the maximum of concurrent jobs. Please wait for a job to finish.",
        color=YELLOW,
    ),
    Title("slow_down", "Slow Down!", "You can request another upscale for this image <t:{soon}:R>"),
    Title(
        "duplicate_images",
        "Duplicate images detected",
        "All images must differ.",
        form=Form.UPDATE,
    ),
    Title("job_action_restricted", "Job action restricted", "Not allowed for this account."),
    Title("job_cancelled", "Job Cancelled", "The job was cancelled.", form=Form.UPDATE),
    Title("stopped", "(Stopped)", form=Form.STOPPED),
    Title(
        "pending_mod_message",
        "Pending mod message",
        _PENDING,
        ends=HALTED,
        buttons=(("Acknowledge", "MJ::Moderation::Acknowledge"),),
    ),
    Title(
        "blocked",
        "Blocked",
        "You have received a ban from using the bot until <t:{later}>.",
        ends=HALTED,
    ),
    Title("plan_cancelled", "Plan Cancelled", "Your plan was cancelled.", ends=HALTED),
    Title(
        "subscription_required",
        "Subscription required",
        "You need a plan: subscribing takes a minute. Manage billing with /subscribe.",
        ends=HALTED,
    ),
    Title(
        "subscription_paused",
        "Subscription paused",
        "Subscription is paused. Resume it on the website.",
        ends=HALTED,
    ),
    Title(
        "credits_exhausted",
        "Credits exhausted",
        "You have run out of hours. Switch to /relax or buy more.",
        ends=HALTED,
    ),
    Title(
        "tos_not_accepted",
        "Tos not accepted",
        "Please accept the terms of service.",
        ends=HALTED,
        buttons=(("Accept ToS", "MJ::Tos::Accept"),),
    ),
    Title(
        "action_required",
        "Action required to continue",
        "Please open the link and complete the check.",
        ends=HALTED,
    ),
    Title(
        "verify_human",
        "Please continue",
        "Please verify you're human by picking what the image shows.",
        ends=HALTED,
        color=YELLOW,
        buttons=(("Cat", "MJ::Captcha::cat"), ("Dog", "MJ::Captcha::dog")),
    ),
    Title(
        "captcha_component",
        "One moment",
        "Pick what the image shows.",
        ends=HALTED,
        color=None,
        buttons=(("Boat", "MJ::Captcha::boat"),),
    ),
    Title(
        "complete_the_task",
        "Please complete the task",
        "A short task is waiting for you.",
        ends=HALTED,
    ),
    Title(
        "not_allowed_to_dm",
        "You are not allowed to DM with slash commands",
        "Direct messages are for subscribers of another plan.",
        ends=HALTED,
    ),
    Title("unknown_wording", "The tea has gone cold", "No source has seen this title."),
    Title(
        "unknown_wording_colourless",
        "The tea is cold again",
        "No source has seen this title either.",
        form=Form.UPDATE,
        color=None,
    ),
)
"""One row per wording of table 6.2; "Job queued" is a timeline of its own (`timeline.queued`)."""


BY_NAME: Mapping[str, Title] = {title.name: title for title in TITLES}
"""The same rows by name."""

UNKNOWN_JOB = Title(
    "unknown_job", "Invalid job id", "Could not find a job with id {job_id}.", form=Form.UPDATE
)
"""The answer of /show for an unknown job, or another user's. Source: wire notes 4.9, 6.2."""

_MAX_FOOTER_CHARS = 2048
"""Source: Discord, embed limits."""


def refuse(timeline: Timeline, title: Title) -> Timeline:
    """Return a timeline that ends with these words instead of its result."""
    words = Step(Kind.CREATE, after_s=1.5, write=say(title), ends=title.ends)
    early = before_acknowledgement(timeline)
    if title.form in (Form.NONCE, Form.CONTENT):
        return (*early, replace(words, after_s=0.3, nonce=True))
    begun = through_acknowledgement(timeline)
    if title.form is Form.REFERENCE or begun[-1].ends is not None:
        # Where the first message is the result there is nothing to edit: the pressed one is named.
        kept = begun if begun[-1].ends is None else early
        return (*kept, replace(words, refers=True))
    return (*begun, replace(words, kind=Kind.UPDATE, after_s=1.0))


def say(title: Title) -> Write:
    """Return the writer of these words."""

    def write(job: Job, scene: Scene) -> Draft:
        first = title.form in (Form.NONCE, Form.CONTENT) or job.ephemeral
        flags = int(MessageFlag.EPHEMERAL) if first else 0
        if title.form is Form.STOPPED:
            words = job.prompt or job.ask.verb
            return Draft(f"**{words}** - <@{job.ask.user.id}> {title.title}", flags=flags)
        if title.form is Form.CONTENT:
            parts = (title.title, title.description, echo(job))
            return Draft("\n".join(filter(None, parts)), flags=flags)
        return Draft(embeds=(_embed(title, job, scene),), components=_row(title), flags=flags)

    return write


def echo(job: Job) -> str:
    """Return the command as the bot repeats it in footers. Source: wire notes 6.1."""
    ask = job.ask
    if ask.verb == "imagine" or ask.press is not None:
        prompt = job.prompt or ask.options.get("prompt", "")
        return f"/imagine {prompt}".strip()[:_MAX_FOOTER_CHARS]
    return f"/{ask.verb}"


def _embed(title: Title, job: Job, scene: Scene) -> Payload:
    moment = scene.now()
    soon, later = (int((moment + timedelta(hours=hours)).timestamp()) for hours in (1, 24))
    words = title.description.replace("{soon}", str(soon)).replace("{later}", str(later))
    embed: Payload = {
        "type": "rich",
        "title": title.title,
        "description": words,
        "footer": {"text": title.footer or echo(job)},
        "content_scan_version": 0,
    }
    return embed if title.color is None else embed | {"color": title.color}


def _row(title: Title) -> tuple[Payload, ...]:
    buttons = [
        {"type": int(ComponentType.BUTTON), "style": 2, "label": label, "custom_id": custom_id}
        for label, custom_id in title.buttons
    ]
    return ({"type": int(ComponentType.ACTION_ROW), "components": buttons},) if buttons else ()

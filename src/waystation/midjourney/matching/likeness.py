"""Likeness: by what two jobs look alike.

A picture without nonce, interaction or known uuid can only be told by its prompt, or by the message
that it replies to and the deed in its caption. The answer to a shorten shows the prompt, too. All
of them can be repeated by anyone, so a likeness names a job only when nobody else has it (R20,
R23).

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from enum import IntEnum

from waystation.jobs import Job, MessageRole
from waystation.midjourney.answers import finishes
from waystation.midjourney.buttons import button_row, is_known_deed, is_same_deed
from waystation.midjourney.captions import beginning_of, begins, prompt_key
from waystation.midjourney.commands import COMMANDS
from waystation.midjourney.matching.shortened import may_shorten
from waystation.midjourney.reading import Reading
from waystation.midjourney.replies import ReplyKind
from waystation.midjourney.results import shortened_from, unmarked
from waystation.wire.snowflake import NO_SNOWFLAKE, is_newer

__all__ = [
    "DRAWN",
    "ENDS",
    "Agreement",
    "Likeness",
    "agreement",
    "asked_after",
    "is_before",
    "likeness_of",
    "likenesses",
    "look_alike",
    "may_be_shortened",
    "places",
    "too_early",
]

Likeness = tuple[str, str, str]
"""Kind, and what is alike: `("prompt", key, "")`, `("shorten", key, "")`,
`("reply", message id, deed)`, `("press", parent, deed)` or `("seed", parent, "")`."""

DRAWN = frozenset({ReplyKind.PROGRESS, ReplyKind.PICTURE})

ENDS = frozenset({ReplyKind.PICTURE, ReplyKind.SHORTENED})
"""Answers that elimination may give to an ask by their likeness (R20)."""

_ANY_DEED = "*"


def likenesses(job: Job) -> Iterator[Likeness]:
    """Yield by what a job's messages may be known when nothing better is said."""
    prompt = job.params.get("prompt")
    if not COMMANDS[job.verb].shows_prompt:
        yield ("prompt", "", "")
    elif job.button is None and prompt is not None:
        yield _asked(job.verb, str(prompt))
    if COMMANDS[job.verb].reaction is not None and job.parent_jobid is not None:
        yield ("seed", job.parent_jobid, "")
    if job.button is not None:
        for deed in button_row(job.button).shows or (_ANY_DEED,):
            if job.parent_jobid is not None:
                # known before it is pressed: two that look alike wait for each other (R15)
                yield ("press", job.parent_jobid, deed)
            if job.target is not None and finishes(job, ReplyKind.PICTURE):
                yield ("reply", job.target, deed)


def _asked(verb: str, prompt: str) -> Likeness:
    if ReplyKind.SHORTENED in COMMANDS[verb].finished_by:
        return _shortened(prompt)
    return ("prompt", prompt_key(prompt), "")


def _shortened(prompt: str) -> Likeness:
    # no picture is ever drawn of it
    return ("shorten", prompt_key(unmarked(prompt)), "")


def likeness_of(reading: Reading) -> tuple[Likeness, ...]:
    """Return by what a message may be known, nothing when it shows no prompt that was asked."""
    if reading.kind is ReplyKind.SHORTENED:
        lines = (line for embed in reading.shown.embeds for line in shortened_from(embed))
        return tuple(_shortened(line) for line in lines)
    if reading.kind not in DRAWN or reading.caption is None:
        return ()
    prompt = ("prompt", prompt_key(reading.caption.prompt), "")
    if reading.reference_id is None:
        return (prompt,)
    reply = ("reply", reading.reference_id, reading.caption.deed)
    # a result that names no deed of a press may also reply to a progress that was never seen
    may_be_own = reading.kind is ReplyKind.PICTURE and not is_known_deed(reading.caption.deed)
    return (reply, prompt) if may_be_own else (reply,)


class Agreement(IntEnum):
    """How well a message agrees with an ask."""

    NOT = 0
    LOOSELY = 1
    """It names no deed, or one that nobody knows, which may be anybody's (R20)."""
    WHOLLY = 2
    """By its prompt or a long beginning of it, or by the known words of its deed."""


def agreement(shown: Iterable[Likeness], asked: Iterable[Likeness]) -> Agreement:
    """Return how well what a message shows agrees with what was asked."""
    known = tuple(asked)
    return max((_agree(one, other) for one in shown for other in known), default=Agreement.NOT)


def look_alike(one: Collection[Likeness], other: Collection[Likeness]) -> bool:
    """Tell whether two messages agree, of which the bot may have cut or reworded either."""
    return bool(agreement(one, other) or agreement(other, one))


def may_be_shortened(shown: Collection[Likeness], begun: Collection[Likeness]) -> bool:
    """Tell whether a picture's prompt may be another one that the bot has shortened since."""
    prompts = [value for kind, value, _ in shown if kind == "prompt"]
    longer = [value for kind, value, _ in begun if kind == "prompt"]
    return any(may_shorten(one, other) for one in prompts for other in longer)


def _agree(shown: Likeness, asked: Likeness) -> Agreement:
    if shown[0] != asked[0]:
        return Agreement.NOT
    if shown[0] == "shorten":
        return Agreement.WHOLLY if shown[1] == asked[1] else Agreement.NOT
    if shown[0] == "prompt":
        # one that was cut and one that was not are equals: the bot cuts as it likes
        agrees = shown[1] == asked[1] or begins(shown[1], asked[1])
        return Agreement.WHOLLY if agrees else Agreement.NOT
    return Agreement.NOT if shown[1] != asked[1] else _agree_in_deed(shown[2], asked[2])


def _agree_in_deed(shown: str, asked: str) -> Agreement:
    if not is_known_deed(shown):
        # no words, or new ones, may stand for any deed, that of the same words not more than others
        return Agreement.LOOSELY
    if asked == _ANY_DEED or is_same_deed(shown, asked):
        return Agreement.WHOLLY
    # a known one stands for itself, and for what began in words that nobody knows
    return Agreement.NOT if asked == "" or is_known_deed(asked) else Agreement.LOOSELY


def places(likeness: Likeness) -> Iterator[tuple[str, str]]:
    """Yield under what a likeness is found by all that may agree with it."""
    kind, value, _ = likeness
    yield kind, value
    if kind == "prompt" and (beginning := beginning_of(value)) is not None:
        yield "beginning", beginning


def asked_after(job: Job) -> str:
    """Return the newest id that was seen before a job was asked; NO_SNOWFLAKE if none was."""
    return job.asked_after or NO_SNOWFLAKE


def is_before(job: Job, message_id: str) -> bool:
    """Tell whether a message is older than the ask.

    By Discord's ids alone: our clock says nothing of when Discord did something (R28).
    """
    asked = job.interaction_id or asked_after(job)
    return job.submitted_at is None or not is_newer(message_id, asked)


def too_early(job: Job, reading: Reading) -> bool:
    """Tell whether a message is older than the ask, or than its first answer."""
    said = reading.shown.message_id
    if is_before(job, said):
        return True
    begun = (one for one, role in job.messages.items() if role is MessageRole.PROGRESS)
    return any(is_newer(one, said) for one in begun)

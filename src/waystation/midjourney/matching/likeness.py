"""Likeness: by what two jobs look alike, and who else in the channel does what we do.

A picture without nonce, interaction or known uuid can only be told by its prompt, or by the message
that it replies to and the deed in its caption. Both can be repeated by anyone, so a likeness names
a job only when nobody else has it (R20, R23).

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import islice

from waystation.jobs import Job, MessageRole
from waystation.midjourney.buttons import button_row, is_known_deed, is_same_deed
from waystation.midjourney.captions import beginning_of, begins, prompt_key
from waystation.midjourney.commands import COMMANDS
from waystation.midjourney.edits import finishes
from waystation.midjourney.matching.shortened import may_shorten
from waystation.midjourney.memory import STRANGERS, Memory, Plain
from waystation.midjourney.reading import Reading
from waystation.midjourney.replies import ReplyKind
from waystation.wire.snowflake import NO_SNOWFLAKE, is_newer, snowflake_order

__all__ = [
    "DRAWN",
    "Agreement",
    "Likeness",
    "Strangers",
    "agreement",
    "asked_after",
    "is_before",
    "is_nameless",
    "likeness_of",
    "likenesses",
    "places",
    "too_early",
]

Likeness = tuple[str, str, str]
"""Kind, and what is alike: `("prompt", key, "")`, `("reply", message id, deed)`,
`("press", parent, deed)` or `("seed", parent, "")`."""

DRAWN = frozenset({ReplyKind.PROGRESS, ReplyKind.PICTURE})

_ANY_DEED = "*"


def likenesses(job: Job) -> Iterator[Likeness]:
    """Yield by what a job's messages may be known when nothing better is said."""
    prompt = job.params.get("prompt")
    if job.verb == "blend":
        yield ("prompt", "", "")
    elif job.button is None and prompt is not None:
        yield ("prompt", prompt_key(str(prompt)), "")
    if COMMANDS[job.verb].reaction is not None and job.parent_jobid is not None:
        yield ("seed", job.parent_jobid, "")
    if job.button is not None:
        for deed in button_row(job.button).shows or (_ANY_DEED,):
            if job.parent_jobid is not None:
                # known before it is pressed: two that look alike wait for each other (R15)
                yield ("press", job.parent_jobid, deed)
            if job.target is not None and finishes(job, ReplyKind.PICTURE):
                yield ("reply", job.target, deed)


def likeness_of(reading: Reading) -> tuple[Likeness, ...]:
    """Return by what a message may be known, nothing when it is not about a picture."""
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


def _look_alike(one: Collection[Likeness], other: Collection[Likeness]) -> bool:
    """Tell whether two messages agree, of which the bot may have cut or reworded either."""
    return bool(agreement(one, other) or agreement(other, one))


def _may_be_shortened(shown: Collection[Likeness], begun: Collection[Likeness]) -> bool:
    """Tell whether a picture's prompt may be another one that the bot has shortened since."""
    prompts = [value for kind, value, _ in shown if kind == "prompt"]
    longer = [value for kind, value, _ in begun if kind == "prompt"]
    return any(may_shorten(one, other) for one in prompts for other in longer)


def _agree(shown: Likeness, asked: Likeness) -> Agreement:
    if shown[0] != asked[0]:
        return Agreement.NOT
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


_NAMELESS = "stranger "
"""Begins the name of somebody of whom only a message is known; the message's id follows."""


def is_nameless(ask: str) -> bool:
    """Tell whether an ask is that of somebody of whom only a message is known."""
    return ask.startswith(_NAMELESS)


@dataclass(frozen=True, slots=True)
class _Stranger:
    """One ask that is not ours, by its messages."""

    alike: frozenset[Likeness]
    hash: str | None
    over: bool
    unclaimed: bool
    """It may be a job of ours all the same: more than one could have begun so."""
    interaction_id: str | None = None
    orphan: bool = False
    """It resembles no ask and says nothing of who asked: it may be anybody's, ours too (R20)."""
    finished: bool = False
    """The message shows a finished picture: what replies to it answers a press on it."""
    read_back: bool = False
    """History has shown it, and nothing before: pictures may have come since it was asked for."""


class Strangers:
    """Pictures in the channel, addressed to us, that no job of ours asked for. Bounded."""

    def __init__(self, memory: Memory | None = None) -> None:
        self._seen = (memory or Memory()).table(STRANGERS, Plain(_Stranger))

    def note(
        self,
        reading: Reading,
        *,
        unclaimed: bool = False,
        orphan: bool = False,
        read_back: bool = False,
    ) -> None:
        """Remember an unmatched message, with its uuid as soon as it shows one."""
        alike = frozenset(likeness_of(reading))
        if not (alike or orphan) and reading.shown.message_id not in self._seen:
            return
        hash_, over = reading.shown.hash, _is_over(reading)
        if over:
            # its progress was another message
            self._end(hash_, reading.reference_id)
        message_id, interaction_id = reading.shown.message_id, reading.interaction_id
        finished = reading.kind is ReplyKind.PICTURE
        known = self._seen.get(message_id)
        if known is not None:
            finished = finished or known.finished
            hash_, over, alike = hash_ or known.hash, over or known.over, alike | known.alike
            interaction_id, orphan = interaction_id or known.interaction_id, orphan and known.orphan
            read_back = known.read_back
        self._seen[message_id] = _Stranger(
            alike, hash_, over, unclaimed, interaction_id, orphan, finished, read_back
        )

    def is_finished(self, message_id: str) -> bool:
        """Tell whether a message is a finished picture that no job of ours has got."""
        return message_id in self._seen and self._seen[message_id].finished

    def is_over(self, message_id: str) -> bool:
        """Tell whether the ask that began with a message has ended."""
        return message_id in self._seen and self._seen[message_id].over

    def has_orphan_since(self, job: Job) -> bool:
        """Tell whether anything was seen since a job was asked that may be its, for all it says."""
        return any(one.orphan and not is_before(job, seen) for seen, one in self._seen.items())

    def interactions_since(self, job: Job) -> Iterator[str]:
        """Yield the interactions younger than an ask that began something of nobody's."""
        after = asked_after(job)
        told = (one.interaction_id for one in self._seen.values())
        return (one for one in told if one is not None and is_newer(one, after))

    def _end(self, hash_: str | None, replied: str | None) -> None:
        for message_id, one in list(self._seen.items()):
            if message_id == replied or (hash_ is not None and one.hash == hash_):
                self._seen[message_id] = replace(one, over=True)

    def forget(self, message_ids: Iterable[str]) -> None:
        """Take out messages that are a job's after all."""
        for message_id in message_ids:
            self._seen.pop(message_id, None)

    def finish(self, message_id: str, reading: Reading) -> None:
        """Take a picture for the result of the stranger with that progress message."""
        if message_id in self._seen:
            hash_ = reading.shown.hash
            self._seen[message_id] = replace(self._seen[message_id], hash=hash_, over=True)
        self._claim(one for one in self._owners(reading))

    def close(self, reading: Reading, message_ids: Iterable[str]) -> None:
        """Remember that all who could own a picture are done, whichever was theirs."""
        alike = likeness_of(reading)
        self._claim(
            message_id
            for message_id, one in self._seen.items()
            if message_id in message_ids or (one.unclaimed and _look_alike(alike, one.alike))
        )

    def claim(
        self, likenesses: Iterable[Likeness], message_id: str, hash_: str | None, *, silent: bool
    ) -> None:
        """Take away the progress of a job that has got its picture.

        Args: silent: the job has shown no progress of its own: one that shows no uuid was its
        """
        mine = [one for one, seen in self._seen.items() if seen.unclaimed and seen.hash == hash_]
        self._claim(mine or (self._begun(likenesses, message_id) if silent else ()))

    def take(self, reading: Reading) -> None:
        """Give a picture that no job can own to whoever may have begun it."""
        owners = list(self._owners(reading))
        if not owners:
            owners = self._begun(likeness_of(reading), reading.shown.message_id)
        self._claim(owners)

    def _begun(self, likenesses: Iterable[Likeness], message_id: str) -> list[str]:
        """Return the first progress without uuid from which a picture may have come."""
        alike = tuple(likenesses)
        found = (
            one
            for one, seen in self._seen.items()
            if seen.unclaimed
            and seen.hash is None
            and not is_newer(one, message_id)
            and _look_alike(alike, seen.alike)
        )
        return list(islice(found, 1))

    def _claim(self, message_ids: Iterable[str]) -> None:
        for message_id in list(message_ids):
            self._seen[message_id] = replace(self._seen[message_id], over=True, unclaimed=False)

    def owns(self, reading: Reading) -> bool:
        """Tell whether a message is a stranger's: by its id, its uuid, or what it replies to."""
        return any(not self._seen[one].unclaimed for one in self._owners(reading))

    def draws(self, reading: Reading) -> bool:
        """Tell whether a progress of somebody else has shown a picture's uuid."""
        hash_ = reading.shown.hash
        return hash_ is not None and any(
            one.hash == hash_ and not (one.unclaimed or one.finished) for one in self._seen.values()
        )

    def is_read_back(self, message_id: str) -> bool:
        """Tell whether somebody was first heard of by history."""
        return message_id in self._seen and self._seen[message_id].read_back

    def names(self, reading: Reading) -> bool:
        """Tell whether a message is that of somebody of whom it is known that we are not he."""
        owners = [self._seen[one] for one in self._owners(reading)]
        return any(not (one.unclaimed or one.orphan) for one in owners)

    def interaction_of(self, reading: Reading) -> str | None:
        """Return to what interaction a message answers, by itself or by what it goes on with."""
        told = (self._seen[one].interaction_id for one in self._owners(reading))
        return reading.interaction_id or next(filter(None, told), None)

    def is_unclaimed(self, reading: Reading) -> bool:
        """Tell whether a message goes on with what nobody could claim."""
        return any(self._seen[one].unclaimed for one in self._owners(reading))

    def has_unclaimed(self, likenesses: Iterable[Likeness]) -> bool:
        """Tell whether there is a progress that looks so and that nobody could claim."""
        alike = tuple(likenesses)
        return any(one.unclaimed and agreement(one.alike, alike) for one in self._seen.values())

    def nameless(self, reading: Reading, silent: int, others: int = 0) -> frozenset[str]:
        """Return names for strangers of whom only a progress is known that may be a job's as well.

        A progress with another uuid is not the picture's, but it may be a silent job's: then the
        picture is the work of somebody else. A stranger has one name for all that look like his
        picture, and no name is that of strangers whose pictures look otherwise.

        Args: silent: how many jobs look so and have shown no progress; each explains one work;
        others: how many look so and have shown theirs
        """
        works, beside = self._works(reading)
        if silent and beside:
            own = () if works or others else (reading.shown.message_id,)
            works = [*works, *beside, *own]
        explained = sorted(works, key=snowflake_order)[silent:]
        return frozenset(f"{_NAMELESS}{one}" for one in explained)

    def hold(self, reading: Reading, asks: Iterable[str]) -> None:
        """Remember a picture that waits as a work of its own, if it may be that of a stranger."""
        works, _ = self._works(reading)
        if not works and any(is_nameless(one) for one in asks):
            self.note(reading, unclaimed=True)

    def _works(self, reading: Reading) -> tuple[list[str], list[str]]:
        """Return what looks so and nobody could claim: what may be this picture's, and the rest."""
        alike, hash_ = likeness_of(reading), reading.shown.hash
        goes_on = self.is_unclaimed(reading)
        its: list[str] = []
        beside: list[str] = []
        for message_id, one in self._seen.items():
            if one.unclaimed and _look_alike(alike, one.alike):
                begun = one.over or not is_newer(message_id, reading.shown.message_id)
                if begun and (goes_on or one.hash in (None, hash_)):
                    its.append(message_id)
                elif not one.over:
                    beside.append(message_id)
        return its, beside

    def _owners(self, reading: Reading) -> Iterator[str]:
        hash_ = reading.shown.hash
        for message_id, one in self._seen.items():
            replies = message_id == reading.reference_id and not one.over
            is_same = hash_ is not None and hash_ == one.hash
            if message_id == reading.shown.message_id or replies or is_same:
                yield message_id

    def open_alike(self, reading: Reading, *, shortened: bool = False) -> frozenset[str]:
        """Return the strangers, by their messages, whose picture this one could be.

        Args: shortened: count those, too, from whose prompt its may have been shortened
        """
        alike = likeness_of(reading)
        return frozenset(
            message_id
            for message_id, one in self._seen.items()
            if one.hash is None
            and not (one.over or one.unclaimed)
            and (
                _look_alike(alike, one.alike) or (shortened and _may_be_shortened(alike, one.alike))
            )
        )


def _is_over(reading: Reading) -> bool:
    stopped = reading.caption is not None and reading.caption.stopped
    return stopped or reading.kind is ReplyKind.PICTURE

"""EVIDENCE: by what a message is known to be a job's, one row per kind, strongest first.

A row says how strong it is, who can bring the same about, where that is known from, what of a
message is looked up under it, and what of a job is known under it. What no row knows is told by its
likeness, which anybody can repeat (likeness.py). The examples are on the page of the folder.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from waystation.jobs import Job, MessageRole
from waystation.midjourney.buttons import button_row
from waystation.midjourney.commands import COMMANDS, SHOWN_AGAIN
from waystation.midjourney.matching.likeness import DRAWN
from waystation.midjourney.reading import Reading
from waystation.midjourney.replies import ReplyKind

__all__ = [
    "EVIDENCE",
    "FOR_ANY",
    "Evidence",
    "Key",
    "Strength",
    "keys_of",
    "known_hash",
    "progress_of",
    "upload_stem",
]

Key = tuple[str, str]
"""A kind of key and its value, by which a job is found."""


class Strength(StrEnum):
    """How far a kind of evidence is trusted."""

    PROVES = "proves"
    """No person can repeat it."""
    NAMES = "names"
    """The account's owner can repeat it: it counts where nothing speaks against it (R23)."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One kind of evidence."""

    name: str
    strength: Strength
    copied_by: str
    """The way in which a person can repeat it; empty where nobody can."""
    source: str
    of_message: Callable[[Reading], str | None]
    """The value that a message carries."""
    of_job: Callable[[Job], Sequence[str | None]]
    """The values under which a job is known."""
    key: str = ""
    """The kind of its keys as it is stored, where that is not its name."""
    for_any: bool = False
    """True where one answer is right for each job that asked: one that waits may have it."""

    @property
    def kind(self) -> str:
        """The kind of its keys."""
        return self.key or self.name


def known_hash(job: Job) -> str | None:
    """Return a job's uuid; that of a ghost is known from what came late."""
    return job.hash or (None if job.late is None else job.late.hash)


def progress_of(job: Job) -> Sequence[str]:
    """Return the messages that have shown a job's progress."""
    return [one for one, role in job.messages.items() if role is MessageRole.PROGRESS]


def upload_stem(nonce: str) -> str:
    """Return the name, without extension, under which a job's picture is uploaded.

    The bot shows the picture again under its own file name (wire notes 5.1), and the nonce is ours
    alone: even from history, without a nonce, the answer names its job.
    """
    return f"picture-{nonce}"


def _upload(job: Job) -> Sequence[str]:
    return () if job.nonce is None else (upload_stem(job.nonce),)


def _seed(job: Job) -> Sequence[str | None]:
    return () if COMMANDS[job.verb].reaction is None else (job.source_hash,)


def _messages(job: Job) -> Sequence[str]:
    return [one for one, role in job.messages.items() if role is not MessageRole.TARGET]


def _replied(job: Job) -> Sequence[str]:
    """Return what a message of the job may reply to.

    What replies to a pressed message is told by its likeness; what replies to one of several
    results answers a press on it (R23).
    """
    if not job.messages:
        return ()
    several = button_row(job.button).results > 1
    shown = {MessageRole.PROGRESS, MessageRole.NOTICE}
    if not several:
        shown.add(MessageRole.RESULT)
    return [one for one, role in job.messages.items() if role in shown]


_REPLYING = DRAWN | {ReplyKind.ERROR}

EVIDENCE: Sequence[Evidence] = (
    Evidence(
        "nonce",
        Strength.PROVES,
        "",
        "wire notes 1.2: ours alone, told once, and not in history",
        lambda reading: reading.nonce,
        lambda job: (job.nonce,),
    ),
    Evidence(
        "message",
        Strength.PROVES,
        "",
        "wire notes 4.11: an edit is that of the same message",
        lambda reading: reading.shown.message_id,
        _messages,
    ),
    Evidence(
        "interaction",
        Strength.PROVES,
        "",
        "wire notes 4.11: interaction_metadata names it",
        lambda reading: reading.interaction_id,
        lambda job: (job.interaction_id,),
    ),
    Evidence(
        "hash",
        Strength.PROVES,
        "",
        "wire notes 4.11: a progress shows the uuid of its final",
        # a job shown again is another job's picture
        lambda reading: None if reading.command in SHOWN_AGAIN else reading.shown.hash,
        lambda job: (known_hash(job),),
    ),
    Evidence(
        "seed",
        Strength.PROVES,
        "",
        "wire notes 4.10: a direct message with the uuid",
        lambda reading: reading.seed_hash,
        _seed,
        for_any=True,
    ),
    Evidence(
        "upload",
        Strength.NAMES,
        "with the very same file",
        "wire notes 5.1: the picture is shown under its own file name",
        lambda reading: (reading.upload_name or "").rpartition(".")[0],
        _upload,
    ),
    Evidence(
        "reference",
        Strength.NAMES,
        "by a press on it",
        "wire notes 6.1, 4.4: late errors and films reply to the message of their job",
        lambda reading: reading.reference_id if reading.kind in _REPLYING else None,
        _replied,
        key="replied",
    ),
)
"""Strongest first."""


FOR_ANY: Final = frozenset(row.kind for row in EVIDENCE if row.for_any)
"""Kinds of keys that a job which waits takes over from one that has ended."""


def keys_of(job: Job) -> Iterator[Key]:
    """Yield the keys under which a job is known by now."""
    for row in EVIDENCE:
        for value in row.of_job(job):
            if value is not None:
                yield row.kind, value

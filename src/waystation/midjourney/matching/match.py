"""Decide which job a reading concerns.

Each row of EVIDENCE is asked. One job: matched, by the first row that knew it. Two jobs:
`Ambiguous`, which is looked up and never guessed, because a wrong picture to a wrong caller is the
worst fault there is (R20). A foreign user or another bot has ids that no candidate knows, and so
matches nothing. What no row knows is told by its likeness, the weak way (candidates.py): a finished
picture, or the answer to a shorten, is `Undecided` between all who could own it, until elimination
has its say (elimination.py). Unmatched progress is ignored until elimination decides: a wrong
preview is as bad as a wrong result.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from waystation.ignored import Ignored
from waystation.jobs import JobId
from waystation.midjourney.matching.candidates import Candidates
from waystation.midjourney.matching.evidence import EVIDENCE, Strength
from waystation.midjourney.matching.likeness import ENDS, likeness_of, too_early
from waystation.midjourney.reading import Reading
from waystation.midjourney.replies import ReplyKind

__all__ = ["Ambiguous", "Matched", "Undecided", "match", "match_by_sign", "why_nobodys"]


@dataclass(frozen=True, slots=True)
class Matched:
    """The one job that a reading concerns."""

    jobid: JobId
    by: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Matchers named different jobs."""

    jobids: frozenset[JobId]


@dataclass(frozen=True, slots=True)
class Undecided:
    """A picture that says nothing of whose it is, and who could own it.

    `asks` are jobids, and the messages by which strangers are known.
    """

    asks: frozenset[str]


def match(reading: Reading, candidates: Candidates) -> Matched | Ambiguous | Undecided | None:
    """Return whose message it is, None for nobody's."""
    return match_by_sign(reading, candidates) or _match_weakly(reading, candidates)


def match_by_sign(reading: Reading, candidates: Candidates) -> Matched | Ambiguous | None:
    """Return whose message it is by what it says of it, None where it says nothing."""
    found: Sequence[tuple[str, JobId]] = [
        (row.name, jobid)
        for row in EVIDENCE
        if (jobid := candidates.index.find(row.kind, row.of_message(reading))) is not None
        and not (row.strength is Strength.NAMES and candidates.contradicts(jobid, reading))
        and not candidates.impossible(jobid, reading)
    ]
    if not found:
        return None
    jobids = frozenset(jobid for _, jobid in found)
    if len(jobids) > 1:
        return Ambiguous(jobids)
    by, jobid = found[0]
    return Matched(jobid, by)


def _match_weakly(reading: Reading, candidates: Candidates) -> Undecided | None:
    if candidates.others.owns(reading):
        return None
    # a progress can wait: whose it was is told by whose its picture is
    asks = candidates.asks(reading) if reading.kind in ENDS else frozenset()
    return Undecided(asks) if asks else None


def why_nobodys(reading: Reading, candidates: Candidates) -> Ignored:
    """Return the reason why a message that no job was found for is nobody's of ours."""
    reasons = (reason for reason, fits in _NOBODYS if fits(reading, candidates))
    return next(reasons, Ignored.NO_ASK)


def _is_by_hand(reading: Reading, candidates: Candidates) -> bool:
    others, index = candidates.others, candidates.index
    is_not_ours = reading.nonce is not None and index.find("nonce", reading.nonce) is None
    return is_not_ours or others.is_disowned(reading.shown.message_id, reading.interaction_id)


def _contradicts(reading: Reading, candidates: Candidates) -> bool:
    named = (candidates.index.find(row.kind, row.of_message(reading)) for row in EVIDENCE)
    return any(one is not None for one in named) or any(
        candidates.contradicts(one, reading) for one in candidates.index.alike(likeness_of(reading))
    )


def _is_a_strangers(reading: Reading, candidates: Candidates) -> bool:
    strangers = candidates.others.strangers
    goes_on = reading.kind is ReplyKind.PICTURE and bool(strangers.begun_as(reading))
    return goes_on or strangers.owns(reading)


def _is_before(reading: Reading, candidates: Candidates) -> bool:
    index = candidates.index
    return any(too_early(index[one], reading) for one in index.alike(likeness_of(reading)))


def _is_unclaimed(reading: Reading, candidates: Candidates) -> bool:
    return reading.kind is ReplyKind.PROGRESS and bool(candidates.look_alikes(reading))


_NOBODYS: Sequence[tuple[Ignored, Callable[[Reading, Candidates], bool]]] = (
    (Ignored.SETTLED, lambda reading, candidates: candidates.others.is_settled(reading)),
    (Ignored.BY_HAND, _is_by_hand),
    (Ignored.STRANGERS, _is_a_strangers),
    (Ignored.CONTRADICTED, _contradicts),
    (Ignored.UNCLAIMED, _is_unclaimed),
    (Ignored.BEFORE_ASK, _is_before),
    (Ignored.UNKNOWN_WORDS, lambda reading, _: reading.kind is ReplyKind.UNRECOGNISED),
)
"""The first that fits is told."""

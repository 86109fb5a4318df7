"""Evidence: each sign of a result's owner that was sent, and the jobs that nothing tells apart.

A result is tied to its job when it names the job's nonce or interaction, or when it follows from a
start that does so and from a uuid, a reference or a message id that start and result share. Of two
jobs that look alike and ran at the same time, one may be found by elimination if the other is tied;
if neither is, no reader can know, and the book marks both. A result whose words resemble no ask
and that nothing ties could be anybody's: the book says so. A job runs from the first that was said
of it: a result that came before that is not its own. One of which nothing is said before its end
runs from its ask. A uuid that was shown before another was asked is not the other's.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import combinations

from waystation.simulator.bot.buttons import uuid_in
from waystation.simulator.bot.job import Job
from waystation.simulator.bot.prompts import is_part, resembles
from waystation.simulator.bot.timeline import Step
from waystation.simulator.payload import Payload

__all__ = ["ANYBODY", "Fact", "facts_of", "is_tied", "mark_twins"]


class Fact(StrEnum):
    """One thing that was sent to the asking user, in the words of the book."""

    INTERACTION = "interaction id with nonce"
    START_NONCE = "nonce on start"
    START_METADATA = "interaction on start"
    PROGRESS_UUID = "uuid on progress"
    RESULT_NONCE = "nonce on result"
    RESULT_METADATA = "interaction on result"
    RESULT_REFERENCE = "result replies to start"
    SAME_MESSAGE = "result is the start's message"
    UUID_IN_TEXT = "uuid in the text"
    """Only the message with a seed says it so."""


ANYBODY = "anybody"
"""Stands in the book for whoever may have asked for a result that resembles no ask."""

_NEW_WORDS = "unknown_wording_of_caption"
"""Under this hazard a caption does not say what was done."""


def facts_of(step: Step, event: Payload, job: Job, *, is_first: bool) -> Iterator[Fact]:
    """Tell what one message event of a job says about whose it is."""
    own_id = job.acknowledgement["id"] if job.acknowledgement is not None else None
    names_interaction = "interaction_metadata" in event
    if is_first and "nonce" in event:
        yield Fact.START_NONCE
    if event["id"] == own_id and names_interaction:
        yield Fact.START_METADATA
    if step.ends is None:
        if event["id"] == own_id and _shows_uuid(event, job.uuid):
            yield Fact.PROGRESS_UUID
        return
    if "nonce" in event:
        yield Fact.RESULT_NONCE
    if names_interaction:
        yield Fact.RESULT_METADATA
    if event["id"] == own_id:
        yield Fact.SAME_MESSAGE
    if event.get("message_reference", {}).get("message_id") == own_id and own_id is not None:
        yield Fact.RESULT_REFERENCE


def _shows_uuid(event: Payload, uuid: str) -> bool:
    names = (attachment["filename"] for attachment in event.get("attachments", ()))
    return uuid_in({"components": event.get("components", ())}) == uuid or any(
        uuid in name for name in names
    )


def is_tied(page: Payload, *others: Payload) -> bool:
    """Tell whether what was sent ties a job's result, or its end, to the job.

    Args: others: whom it is to be told apart from: who knows their interactions knows another
    """
    facts = set(page["evidence"])
    knows_interaction = any(Fact.INTERACTION in one["evidence"] for one in (page, *others))
    started = Fact.START_NONCE in facts or (knows_interaction and Fact.START_METADATA in facts)
    linked = facts & {Fact.PROGRESS_UUID, Fact.RESULT_REFERENCE, Fact.SAME_MESSAGE}
    named = Fact.RESULT_NONCE in facts or (knows_interaction and Fact.RESULT_METADATA in facts)
    return named or Fact.UUID_IN_TEXT in facts or (started and bool(linked))


def mark_twins(pages: Iterable[Payload]) -> None:
    """Write into each page which other jobs nothing ever tells it apart from."""
    groups: dict[tuple[str, ...], list[Payload]] = defaultdict(list)
    for page in pages:
        page["indistinguishable_from"] = []
        if page["prompt"] is not None and not is_tied(page):
            groups[page["user_id"], page["channel_id"], str(page["source_id"])].append(page)
            if page["source_id"] is None and not resembles(page["prompt"], page["asked"]):
                page["indistinguishable_from"].append(ANYBODY)
    for group in groups.values():
        for one, other in combinations(group, 2):
            if is_tied(one, other) or is_tied(other, one):
                continue
            if _is_shown_before(one, other) or _is_shown_before(other, one):
                continue
            if _look_alike(one, other) and _overlap(one, other):
                one["indistinguishable_from"].append(other["interaction_id"])
                other["indistinguishable_from"].append(one["interaction_id"])


def _is_shown_before(one: Payload, other: Payload) -> bool:
    """Tell whether a progress had shown a job's uuid when another was asked."""
    return one["uuid_at_s"] is not None and bool(one["uuid_at_s"] < other["accepted_at_s"])


def _look_alike(one: Payload, other: Payload) -> bool:
    new_words = any(_NEW_WORDS in page.get("faults", ()) for page in (one, other))
    if one["wording"] != other["wording"] and not new_words:
        return False
    return (
        one["asked"] == other["asked"]
        or resembles(one["prompt"], other["asked"])
        or resembles(other["prompt"], one["asked"])
        or is_part(one["prompt"], other["asked"])
        or is_part(other["prompt"], one["asked"])
    )


def _overlap(one: Payload, other: Payload) -> bool:
    """Tell whether each began before the other was over; what never ended is never over."""
    return _begins_within(one, other) and _begins_within(other, one)


def _begins_within(one: Payload, other: Payload) -> bool:
    begin, end = one["said_at_s"], other["final_at_s"]
    if begin is None:
        begin = one["accepted_at_s"]
    return end is None or bool(begin <= end)

"""docs/state/*.md: pictures of two machines, drawn from their tables.

An arrow stands for events that change the state. An event that keeps it stands in a list beside
the picture: arrows that lead back to where they begin would hide the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from waystation.discord import session_rules
from waystation.discord.session_rules import CLOSE_POLICY, DROPPED, Phase
from waystation.jobs import (
    Acknowledged,
    Cancelled,
    CancelRequested,
    Completed,
    Expired,
    Failed,
    Granted,
    InteractionSeen,
    JobStatus,
    Late,
    Lost,
    ModalOpened,
    Moderated,
    Progressed,
    PutBack,
    Reacted,
    Refused,
    Silent,
    SlotReleased,
    Submitted,
    Unclear,
    Unsent,
    Vanished,
)
from waystation.midjourney import machine

__all__ = ["CHANGES", "KEEPS", "Arrow", "arrows_of", "job_page", "session_page"]

CHANGES: Mapping[type, str] = {
    Submitted: "Waystation has stored the job's nonce and sends the request to Discord next.",
    Reacted: "Discord shows the account's emoji under the picture. The bot answers with the seed.",
    Acknowledged: "The bot has shown its first message for the job.",
    Progressed: "The bot has shown a percentage or an unfinished picture.",
    Completed: "The bot has shown the result.",
    Moderated: "Midjourney refused the job by its content rules, or the bot deleted its message.",
    Refused: "Discord refused the request, so the bot did not see the job.",
    Failed: "The bot, Discord or Waystation ended the job without a result.",
    PutBack: "The job was not sent, or refused for the moment. It waits in the queue again.",
    Unsent: "The request could not leave. The job waits for its turn again, and keeps its nonce.",
    Lost: "The bot showed nothing within the time for its first answer.",
    Expired: "The job ran longer than a job may run.",
    Cancelled: "The caller cancelled the job, or somebody stopped it in Discord.",
}
"""Event → what it tells, where it changes the status."""

KEEPS: Mapping[type, str] = {
    Granted: "An account has taken the job from the queue. It is sent next.",
    PutBack: "The job could not be sent. It waits in the queue again.",
    Submitted: "Waystation answers a form that the bot has opened, under a new nonce.",
    Reacted: "Discord shows the account's emoji. The job has started already.",
    ModalOpened: "The bot has opened a form. The job keeps it until it is answered.",
    InteractionSeen: "Discord has named the job's nonce. The job keeps the id of the interaction.",
    Unclear: "Discord did not say whether it took the request. The job waits for the bot.",
    Silent: "Nothing has been seen of the job for 5 seconds. Other jobs may be sent now.",
    Acknowledged: "The bot has shown another first message. The job keeps it.",
    Progressed: "The bot has shown more of the job. The job keeps the newest picture.",
    Refused: "The bot has shown the job already, so the refusal is ignored.",
    Vanished: "The job's message was deleted. The job waits a while for another one.",
    CancelRequested: "The caller asked to cancel. The job waits until the bot stops.",
    Late: "The bot showed something after the end. The job keeps it beside its result.",
    SlotReleased: "The job gives its slot back, a set time after its end (`slot_hold_s`).",
}
"""Event → what it does, where the status stays."""

_JOB = """\
# Job

Made from the table of `src/waystation/midjourney/machine.py` by `make docs`; do not edit.

A job has one of eight statuses. Callers see seven: to them a `submitted` job is `created`.

## The way to the bot

{way}

## The end

A box with several names stands for each of these statuses.

{ends}

## Events that change the status

| event | from | to | meaning |
| --- | --- | --- | --- |
{changes}

## Events that keep the status

| event | in | effect |
| --- | --- | --- |
{keeps}

An event that has no row for a status is a fault of Waystation. The job stays as it is.
"""

_SESSION = """\
# Gateway session

Made from the tables of `src/waystation/discord/session_rules.py` by `make docs`; do not edit.

Each account holds one connection to Discord's gateway. A box with several names stands for each of
these phases.

{chart}

- `lost`: the connection has ended, and the session can be resumed.
- `forgotten`: the connection has ended, and the next one begins a new session.
- `rejected`: Discord will not take the account until a person has acted.

Happenings that keep the phase:

{keeps}

A happening that has no row for a phase is out of turn and changes nothing.

## How a connection ends

The wait before the next connection is at least the number of the table. A random part is added, and
it grows while connections keep failing ([limits](../limits.md)).

| close code | taken as | wait at least (s) | meaning |
| --- | --- | --- | --- |
{codes}
"""


class Arrow(NamedTuple):
    """Events that lead from each of some states to one other."""

    before: Sequence[str]
    after: str
    events: Sequence[str]


def arrows_of(steps: Iterable[tuple[str, str, str]], order: Sequence[str]) -> Sequence[Arrow]:
    """Return the fewest arrows for steps that change the state.

    Args: steps: (state, event, following state); order: of the states
    """
    sources: dict[tuple[str, str], list[str]] = {}
    for before, event, after in steps:
        if before != after:
            sources.setdefault((event, after), []).append(before)
    events: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for (event, after), befores in sources.items():
        key = tuple(sorted(befores, key=order.index)), after
        events.setdefault(key, []).append(event)
    return [Arrow(before, after, told) for (before, after), told in events.items()]


def _picture(arrows: Sequence[Arrow], first: str = "", last: Sequence[str] = ()) -> str:
    lines = ["```mermaid", "stateDiagram-v2", "    direction LR"]
    boxes = {arrow.before: f"box{number}" for number, arrow in enumerate(arrows)}
    lines += [f"    {name}: {_listed(before)}" for before, name in boxes.items() if len(before) > 1]
    lines += [f"    [*] --> {first}"] if first else []
    for arrow in arrows:
        before = boxes[arrow.before] if len(arrow.before) > 1 else arrow.before[0]
        lines.append(f"    {before} --> {arrow.after}: {', '.join(arrow.events)}")
    return "\n".join((*lines, *(f"    {state} --> [*]" for state in last), "```"))


def _listed(names: Sequence[str], joint: str = "or") -> str:
    *first, last = names
    return f"{', '.join(first)} {joint} {last}" if first else last


def job_page() -> str:
    """Return docs/state/job.md."""
    steps = list(_job_steps())
    order = list(JobStatus)
    named = [(before, event.__name__, after) for before, event, after in steps]
    way = [step for step in named if not JobStatus(step[2]).final]
    ends = [step for step in named if JobStatus(step[2]).final]
    flat = [Arrow((before,), after, told) for before, after, told in _by_pair(way)]
    return _JOB.format(
        way=_picture(flat, JobStatus.CREATED),
        ends=_picture(arrows_of(ends, order)),
        changes="\n".join(_job_changes(steps)),
        keeps="\n".join(_job_keeps(steps)),
    )


def _job_steps() -> Iterator[tuple[JobStatus, type, JobStatus]]:
    for before, row in machine.TRANSITIONS.items():
        for event, after in row.items():
            yield before, event, after


def _by_pair(steps: Iterable[tuple[str, str, str]]) -> Iterator[tuple[str, str, Sequence[str]]]:
    pairs: dict[tuple[str, str], list[str]] = {}
    for before, event, after in steps:
        if before != after:
            pairs.setdefault((before, after), []).append(event)
    for (before, after), events in pairs.items():
        yield before, after, events


def _job_changes(steps: Sequence[tuple[JobStatus, type, JobStatus]]) -> Iterator[str]:
    for event, meaning in CHANGES.items():
        by_end: dict[str, list[str]] = {}
        for before, one, after in steps:
            if one is event and before != after:
                by_end.setdefault(after, []).append(before)
        for end, befores in by_end.items():
            yield f"| {event.__name__} | {_listed(befores)} | {end} | {meaning} |"


def _job_keeps(steps: Sequence[tuple[JobStatus, type, JobStatus]]) -> Iterator[str]:
    for event, effect in KEEPS.items():
        kept = [before for before, one, after in steps if one is event and before == after]
        yield f"| {event.__name__} | {_listed(kept)} | {effect} |"


def session_page() -> str:
    """Return docs/state/session.md."""
    steps = [(before, what, after) for (before, what), after in session_rules.TRANSITIONS.items()]
    kept = [f"- `{what}` in `{before}`" for before, what, after in steps if before == after]
    endings = [(f"{code:d}", ending) for code, ending in CLOSE_POLICY.items()]
    codes = (
        f"| {code} | {ending.happening} | {ending.floor_s:g} | {ending.meaning} |"
        for code, ending in (*endings, ("any other, none", DROPPED))
    )
    return _SESSION.format(
        chart=_picture(arrows_of(steps, list(Phase)), Phase.OFFLINE, [Phase.STOPPED]),
        keeps="\n".join(kept),
        codes="\n".join(codes),
    )

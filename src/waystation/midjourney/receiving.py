"""Receiving: what follows from one gateway event, or from one message read back from history.

A message is read (reading.py) and matched (matching). What is a job's changes it (heard.py); what
is nobody's is remembered, and halts the account where somebody must look at it.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from waystation import sentences
from waystation.gateway_events import (
    GatewayEvent,
    HumanCheckSeen,
    IframeSeen,
    InteractionTold,
    MessageGone,
    MessageSeen,
    ModalSeen,
    SeenAs,
    ToldAs,
)
from waystation.ignored import Ignored
from waystation.jobs import (
    Failed,
    InteractionSeen,
    Job,
    JobEvent,
    JobId,
    JobStatus,
    MessageRole,
    Modal,
    ModalInput,
    ModalOpened,
    Shown,
    Unclear,
    Vanished,
)
from waystation.midjourney.answers import edit_of, is_edit
from waystation.midjourney.buttons import all_components
from waystation.midjourney.commands import COMMANDS
from waystation.midjourney.heard import halt_of
from waystation.midjourney.matching.held import HeldPicture
from waystation.midjourney.matching.match import (
    Ambiguous,
    Matched,
    Undecided,
    match,
    match_by_sign,
    why_nobodys,
)
from waystation.midjourney.reading import Reading, read
from waystation.midjourney.refusals import HUMAN_CHECK, is_human_check
from waystation.midjourney.replies import ReplyKind
from waystation.midjourney.state import State
from waystation.midjourney.steps import NOTHING, HaltSign, Step, ignore, join
from waystation.midjourney.weighing import matched
from waystation.wire.interaction import IframeModalCreated, ModalCreated
from waystation.wire.message import ComponentType, Message
from waystation.wire.snowflake import snowflake_time

__all__ = ["receive", "receive_all"]


def receive(state: State, event: GatewayEvent, now: datetime) -> Step:
    """Return what follows from a gateway event or a message read back from history."""
    state.torn = frozenset()
    return state.learnt(_received(state, event, now))


def receive_all(state: State, events: Iterable[GatewayEvent], now: datetime) -> Sequence[Step]:
    """Return what follows from the first of several events, each after the one before (R36).

    The last of them is the first after which somebody else has a say: a person, or those who weigh
    the pictures that wait. What is to be known from all of them on stands in the last step.
    """
    state.begin()
    state.torn = frozenset()
    steps: list[Step] = []
    for event in events:
        step = _received(state, event, now)
        state.learn(step)
        state.presume(step)
        state.lookups.want(step.look_back, is_due=False)
        steps.append(step)
        if step.halt is not None or state.held:
            break
    if steps:
        steps[-1] = state.with_seen(steps[-1])
    return steps


def _received(state: State, event: GatewayEvent, now: datetime) -> Step:
    match event:
        case MessageSeen(seen_as, message):
            state.seen(message.id)
            return _message(state, seen_as, message, now)
        case InteractionTold(told_as, interaction_id, nonce):
            state.seen(interaction_id)
            return _interaction(state, told_as, interaction_id, nonce, now)
        case MessageGone(message_id):
            return _gone(state, message_id, now)
        case ModalSeen(modal):
            return _modal(state, modal, now)
        case IframeSeen(iframe) if is_human_check(iframe):
            return _human_check(state, iframe, now)
        case IframeSeen(iframe):
            return _opened(state, Modal(iframe.id, iframe.custom_id), iframe.nonce, now)
        case HumanCheckSeen(text, token_rejected=token_rejected):
            return Step(halt=HaltSign(text, now, token_rejected=token_rejected))
        case _:
            return NOTHING


def _message(state: State, seen_as: SeenAs, message: Message, now: datetime) -> Step:
    elsewhere = message.channel_id != state.channel
    if elsewhere and not state.candidates.index.awaits_seed:
        return ignore(Ignored.OTHER_CHANNEL)
    reading = read(message)
    if reading.from_bot is False:
        return ignore(Ignored.OTHER_AUTHOR)
    if elsewhere and reading.kind is not ReplyKind.SEED:
        return ignore(Ignored.OTHER_CHANNEL)
    if reading.from_bot is None and not state.candidates.index.find("message", message.id):
        state.early.add(message.id)
        look_back = _answerless(state) if reading.kind is ReplyKind.PICTURE else frozenset()
        return Step(look_back=look_back, ignored=Ignored.AUTHORLESS)
    if reading.addressee not in (None, state.discord_user_id):
        return ignore(Ignored.OTHER_USER)
    found: Matched | Ambiguous | Undecided | None = None
    if seen_as is SeenAs.UPDATED:
        found = _edited(state, reading)
    if isinstance(found, Matched) and _may_be_pressed_by_hand(state, message.id):
        return _give_up(state, frozenset({found.jobid}), message, now)
    if found is None:
        if seen_as is SeenAs.UPDATED and _answers_by_hand(state, reading):
            state.candidates.others.by_hand.answered_by_edit(message.id)
        if is_edit(reading.kind):
            state.faces.end(message.id)
        # the face of an answer is taken over with the answer
        state.faces.see(reading.shown)
    if seen_as is SeenAs.UPDATED and found is None and _is_echo(state, reading):
        return ignore(Ignored.ECHO)
    if (several := state.candidates.one_of_several(reading)) is not None:
        found = Matched(several, "several")
    found = found or match(reading, state.candidates)
    if isinstance(found, Ambiguous):
        return _ambiguous(state, found.jobids, message, now)
    if isinstance(found, Undecided):
        state.held.hold(HeldPicture(seen_as, message, reading, found.asks))
        if seen_as is not SeenAs.HISTORY:
            state.doubtful.came(message.id, now)
        return ignore(Ignored.UNDECIDED)
    if isinstance(found, Matched):
        return matched(state, state.jobs[found.jobid], seen_as, message, reading, found.by, now)
    return _unmatched(state, seen_as, message, reading)


def _answerless(state: State) -> frozenset[JobId]:
    """Return the jobs that have no message yet: one that nobody knows may be theirs."""
    return frozenset(
        job.jobid
        for job in state.candidates.index.unanswered
        if COMMANDS[job.verb].reply_in_history
    )


def _edited(state: State, reading: Reading) -> Matched | None:
    """Return the job whose press is answered by this edit of what it pressed (R21)."""
    pressed = state.candidates.index.pressing(reading.shown.message_id)
    if not pressed:
        return None
    echo = state.faces.is_seen(reading.shown)
    waiting = [
        job.jobid
        for job in pressed
        if not job.final
        and edit_of(job.pressed) is reading.kind
        and ((job.interaction_id is not None and not echo) or _changed(job, reading.shown))
    ]
    return Matched(waiting[0], "target") if len(waiting) == 1 else None


def _answers_by_hand(state: State, reading: Reading) -> bool:
    """Tell whether an edit answers a press that no job of ours has made (R23)."""
    message_id = reading.shown.message_id
    if not (is_edit(reading.kind) and state.faces.may_be_pressed(message_id)):
        return False
    if state.faces.is_seen(reading.shown):
        return False
    pressed = state.candidates.index.pressing(message_id)
    # of one that was not told apart an edit came already
    ours = any(
        edit_of(job.pressed) is reading.kind and job.error != sentences.NOT_TOLD_APART.text
        for job in pressed
    )
    is_result = match_by_sign(reading, state.candidates) is not None
    return not (ours or is_result)


def _may_be_pressed_by_hand(state: State, message_id: str) -> bool:
    """Tell whether an edit may answer a press by hand, of which nothing is known yet (R23)."""
    return bool(state.candidates.others.by_hand.may_press(message_id, state.newest))


def _is_echo(state: State, reading: Reading) -> bool:
    """Tell whether it is a pressed message that only changes its colours (R21)."""
    message_id = reading.shown.message_id
    return state.candidates.index.find("message", message_id) is None and bool(
        state.candidates.index.pressing(message_id)
    )


def _ambiguous(state: State, jobids: frozenset[JobId], message: Message, now: datetime) -> Step:
    """Look once more; what stays ambiguous fails, with the message kept (R20)."""
    if not jobids <= state.ambiguous:
        return replace(state.look_again(jobids), ignored=Ignored.TWO_OWNERS)
    if state.lookups.under_way(jobids):
        return ignore(Ignored.TWO_OWNERS)
    return _give_up(state, jobids, message, now)


def _give_up(state: State, jobids: frozenset[JobId], message: Message, now: datetime) -> Step:
    """Give up jobs whose answer nothing tells apart, with the message kept (R20)."""
    ends = join(
        state.step(jobid, now, Failed.by(sentences.NOT_TOLD_APART, ghost=True))
        for jobid in sorted(jobids)
    )
    # those that have ended already cannot be given up
    ignored = None if ends.job_steps else Ignored.TWO_OWNERS
    return replace(ends, unrecognised=message, ignored=ignored)


def _unmatched(state: State, seen_as: SeenAs, message: Message, reading: Reading) -> Step:
    ignored = why_nobodys(reading, state.candidates)
    if reading.kind is ReplyKind.ACKNOWLEDGED:
        state.faces.begin(message.id)
    state.candidates.others.hear(reading)
    if reading.nonce is not None:
        # R23: asked by hand. Later messages of this ask carry no nonce; do not match them to our
        # jobs
        state.candidates.others.disown(message.id, reading.interaction_id)
    is_settled = state.candidates.others.is_settled(reading)
    orphan = not is_settled and state.candidates.note_stranger(reading)
    ours = reading.addressee is not None or reading.ephemeral
    if seen_as is SeenAs.HISTORY or not ours:
        return ignore(ignored)
    # R34: somebody must look at the account, whoever's job it was
    halt = halt_of(reading)
    unknown = reading.kind is ReplyKind.UNRECOGNISED and reading.says_something
    kept = message if unknown or orphan else None
    return Step(halt=halt, unrecognised=kept, ignored=ignored)


def _interaction(
    state: State, told_as: ToldAs, interaction_id: str, nonce: str | None, now: datetime
) -> Step:
    jobid = state.candidates.index.find("nonce", nonce)
    if jobid is None:
        if nonce is not None:
            state.candidates.others.asked_by_hand(interaction_id, nonce)
        return NOTHING
    job = state.jobs[jobid]
    events: list[JobEvent] = []
    if job.interaction_id is None or (nonce == job.nonce and job.interaction_id != interaction_id):
        # an answered modal is an interaction of its own
        events.append(InteractionSeen(interaction_id))
    if told_as is ToldAs.FAILED and jobid not in state.unclear:
        # R14: the bot may still answer; the deadline judges
        events.append(Unclear("the bot did not answer Discord in time"))
    return state.step(jobid, now, *events)


def _modal(state: State, created: ModalCreated, now: datetime) -> Step:
    inputs = tuple(
        ModalInput(one.custom_id, one.value or "")
        for one in all_components(created.components)
        if one.type == ComponentType.TEXT_INPUT and one.custom_id
    )
    return _opened(state, Modal(created.id, created.custom_id, inputs), created.nonce, now)


def _opened(state: State, modal: Modal, nonce: str | int | None, now: datetime) -> Step:
    """Keep what our press opened; it is answered next."""
    nonce = None if nonce is None else str(nonce)
    jobid = state.candidates.index.find("nonce", nonce)
    job = None if jobid is None else state.jobs[jobid]
    if job is None:
        # what it is filled in with is another interaction
        state.candidates.others.by_hand.answered(modal.modal_id, nonce)
    if job is None or job.status is not JobStatus.SUBMITTED or job.modal is not None:
        return NOTHING
    if nonce != job.nonce or job.target is None:
        # only the press that is waited for opens something
        return NOTHING
    events: list[JobEvent] = []
    if job.interaction_id is None:
        events.append(InteractionSeen(modal.modal_id))
    return state.step(job.jobid, now, *events, ModalOpened(modal))


def _gone(state: State, message_id: str, now: datetime) -> Step:
    jobid = state.candidates.index.find("message", message_id)
    job = None if jobid is None else state.jobs[jobid]
    if jobid is None and state.unread.may_hide(message_id):
        state.doubtful.deleted(now, state.unread.gap_end)
    if job is None or job.message_id != message_id or job.vanished_at:
        return NOTHING
    if job.messages[message_id] is MessageRole.NOTICE:
        # its start is another message, and is to come
        return NOTHING
    return state.step(job.jobid, now, Vanished())


def _human_check(state: State, iframe: IframeModalCreated, now: datetime) -> Step:
    halt = HaltSign(iframe.title or HUMAN_CHECK, snowflake_time(iframe.id), iframe.id)
    jobid = state.candidates.index.find("nonce", str(iframe.nonce))
    step = NOTHING if jobid is None else state.step(jobid, now, Failed(596, halt.text))
    return replace(step, halt=halt)


def _changed(job: Job, shown: Shown) -> bool:
    """Tell whether the message that a job shows has other buttons now."""
    return job.message_id == shown.message_id and shown.buttons not in (None, job.buttons)

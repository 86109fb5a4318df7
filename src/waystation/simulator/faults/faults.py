"""FAULTS: every misbehaviour that can be switched on, one row each.

A row says where it applies (`Place`), which parameters it has with their defaults, and what it
does: answer a request in the route's place (`http`) or bend the job's timeline (`script`). Rows of
the other places only carry parameters; the module of that place acts on them. Seconds are real
seconds, `speed` does not divide them. `switches` decides for whom and how often a fault happens.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from waystation.simulator.bot import wording
from waystation.simulator.bot.gallery import forgery
from waystation.simulator.bot.job import Ending
from waystation.simulator.bot.timeline import (
    At,
    Kind,
    Step,
    Timeline,
    Who,
    before_acknowledgement,
    duplicated,
    insert,
    late_result,
    queued,
    through_acknowledgement,
    without_result,
)
from waystation.simulator.bot.titles import TITLES, Form, Title, refuse
from waystation.simulator.discord.sessions import Disturbance
from waystation.simulator.faults.fault import Fault, FaultError, Place, read_params, scripted
from waystation.simulator.faults.request_faults import REQUEST_FAULTS
from waystation.simulator.payload import Payload

__all__ = ["FAULTS", "Fault", "FaultError", "Place", "read_params"]


def _title(row: Title) -> Fault:
    params: Payload = {
        "title": row.title,
        "description": row.description,
        "form": row.form.value,
        "color": -1 if row.color is None else row.color,
    }
    return Fault(row.name, f"The bot says: {row.title}", params, script=partial(_say, row))


def _say(row: Title, params: Payload, timeline: Timeline) -> Timeline:
    spoken = replace(
        row,
        title=params["title"],
        description=params["description"],
        form=Form(params["form"]),
        color=None if params["color"] < 0 else params["color"],
    )
    return refuse(timeline, spoken)


# Faults of the bot's timeline.


def _no_answer(params: Payload, timeline: Timeline) -> Timeline:
    kept = before_acknowledgement(timeline)
    if not params["failure_event"]:
        return kept
    silent = tuple(step for step in kept if step.kind is not Kind.INTERACTION_SUCCESS)
    return (*silent, Step(Kind.INTERACTION_FAILURE, wait_s=params["after_s"]))


def _slow_answer(params: Payload, timeline: Timeline) -> Timeline:
    return tuple(
        replace(step, wait_s=params["seconds"]) if step.first else step for step in timeline
    )


def _interaction_failure(params: Payload, timeline: Timeline) -> Timeline:
    return tuple(
        replace(step, kind=Kind.INTERACTION_FAILURE)
        if step.kind is Kind.INTERACTION_SUCCESS
        else step
        for step in timeline
    )


def _no_interaction_events(params: Payload, timeline: Timeline) -> Timeline:
    told = (Kind.INTERACTION_CREATE, Kind.INTERACTION_SUCCESS)
    return tuple(step for step in timeline if step.kind not in told)


def _job_queued(params: Payload, timeline: Timeline) -> Timeline:
    return queued(timeline, wording.job_queued, params["start_after_s"])


def _human_check_frame(params: Payload, timeline: Timeline) -> Timeline:
    frame = Step(
        Kind.EVENT,
        after_s=0.3,
        event=("INTERACTION_IFRAME_MODAL_CREATE", wording.captcha_frame),
        ends=Ending.HALTED,
    )
    return (*before_acknowledgement(timeline), frame)


def _required_action_update(params: Payload, timeline: Timeline) -> Timeline:
    action = params["action"]
    event = ("USER_REQUIRED_ACTION_UPDATE", lambda job: {"required_action": action})
    return insert(timeline, At(params["at"]), Step(Kind.EVENT, event=event))


def _vanished(params: Payload, timeline: Timeline) -> Timeline:
    gone = Step(Kind.DELETE, after_s=1.0, ends=Ending.VANISHED)
    return (*through_acknowledgement(timeline), gone)


def _deleted(params: Payload, timeline: Timeline) -> Timeline:
    return insert(timeline, At.FINAL, Step(Kind.WITHDRAW, wait_s=params["seconds"]))


def _partial(params: Payload, timeline: Timeline) -> Timeline:
    edits = (Kind.UPDATE, Kind.REVISE)
    return tuple(replace(step, partial=True) if step.kind in edits else step for step in timeline)


def _reordered(params: Payload, timeline: Timeline) -> Timeline:
    silent = tuple(replace(step, published=False) if step.first else step for step in timeline)
    edits = [index for index, step in enumerate(silent) if step.kind is Kind.UPDATE]
    after = edits[0] + 1 if edits else len(silent)
    return (*silent[:after], Step(Kind.ANNOUNCE), *silent[after:])


def _missing_create(params: Payload, timeline: Timeline) -> Timeline:
    return tuple(replace(step, published=False) if step.first else step for step in timeline)


def _missing_result(params: Payload, timeline: Timeline) -> Timeline:
    return tuple(replace(step, published=False) if step.ends else step for step in timeline)


def _expired_links(params: Payload, timeline: Timeline) -> Timeline:
    life_s = params["life_s"]
    return tuple(replace(step, link_life_s=life_s) if step.write else step for step in timeline)


def _gateway(how: Disturbance, params: Payload, timeline: Timeline) -> Timeline:
    step = Step(Kind.GATEWAY, disturb=(how, params.get("code", 4000)))
    return insert(timeline, At(params["at"]), step)


def _impostor(params: Payload, timeline: Timeline) -> Timeline:
    act = Step(
        Kind.CREATE,
        write=wording.look_alike,
        paint=forgery,
        nonce=params["nonce"],
        who=Who.IMPOSTOR,
    )
    return insert(timeline, At(params["at"]), act)


def _bystander(who: Who, params: Payload, timeline: Timeline) -> Timeline:
    moments = {
        "before": (At.RECEIVED,),
        "during": (At.ACKNOWLEDGED,),
        "after": (At.FINAL,),
        "around": (At.RECEIVED, At.ACKNOWLEDGED, At.FINAL),
    }[params["when"]]
    ask = Step(Kind.BYSTANDER, who=who, alike=params.get("alike", False))
    for moment in reversed(moments):
        # Who asks before is also answered before; the pause covers the bot's first message.
        lead = (Step(Kind.PAUSE, after_s=1.0),) if moment is At.RECEIVED else ()
        timeline = insert(timeline, moment, ask, *lead)
    return timeline


_SCRIPTED: tuple[Fault, ...] = (
    scripted(
        "no_answer",
        "The bot never answers; with failure_event Discord says so after after_s.",
        _no_answer,
        failure_event=False,
        after_s=0.0,
    ),
    scripted("slow_answer", "The first message comes late.", _slow_answer, seconds=2.0),
    scripted(
        "no_result",
        "The bot answers and never finishes.",
        lambda params, timeline: without_result(timeline),
    ),
    scripted(
        "late_message",
        "The result comes late.",
        lambda params, timeline: late_result(timeline, params["seconds"]),
        seconds=2.0,
    ),
    scripted(
        "interaction_failure",
        "INTERACTION_FAILURE in place of _SUCCESS; the bot answers all the same.",
        _interaction_failure,
    ),
    scripted(
        "no_interaction_events",
        "No INTERACTION_CREATE and no INTERACTION_SUCCESS.",
        _no_interaction_events,
    ),
    scripted(
        "job_queued",
        "Job queued, with the nonce; later a start without it and the normal result.",
        _job_queued,
        start_after_s=1.0,
    ),
    scripted("human_check_frame", "A human check opens in an iframe.", _human_check_frame),
    scripted(
        "required_action_update",
        "Discord asks the user for an action while a job runs.",
        _required_action_update,
        action="REQUIRE_VERIFIED_PHONE",
        at="received",
    ),
    scripted("vanished", "The first message is deleted and no result comes.", _vanished),
    scripted("deleted_message", "The result is deleted again.", _deleted, seconds=0.0),
    scripted(
        "duplicate_message",
        "Every message event comes several times.",
        lambda params, timeline: duplicated(timeline, params["times"]),
        times=2,
    ),
    scripted("partial_update", "Updates carry only what changed, no author.", _partial),
    scripted("reordered", "The update comes before the create.", _reordered),
    scripted("missing_create", "The create event is never sent.", _missing_create),
    scripted("missing_result", "The result is in history only.", _missing_result),
    scripted("expired_links", "Links of the result have expired.", _expired_links, life_s=-60.0),
    scripted(
        "impostor_bot",
        "Another bot of the same name posts a look-alike answer (guild channels only).",
        _impostor,
        at="acknowledged",
        nonce=True,
    ),
    scripted(
        "foreign_user",
        "Another user asks for the same with the same picture (guild channels only).",
        partial(_bystander, Who.FOREIGNER),
        when="around",
    ),
    scripted(
        "owner_by_hand",
        "The account's owner types the same command with the same picture in the same channel;"
        " alike: and is answered under the same hazards.",
        partial(_bystander, Who.OWNER),
        when="around",
        alike=False,
    ),
    scripted(
        "gateway_drop",
        "The connection breaks; the session can be resumed.",
        partial(_gateway, Disturbance.DROP),
        at="acknowledged",
    ),
    scripted(
        "gateway_drop_lost",
        "The connection breaks and the session is forgotten.",
        partial(_gateway, Disturbance.LOSE),
        at="acknowledged",
    ),
    scripted(
        "gateway_close",
        "The server closes with a code.",
        partial(_gateway, Disturbance.CLOSE),
        code=4000,
        at="acknowledged",
    ),
    scripted(
        "gateway_reconnect",
        "The server asks to reconnect (opcode 7).",
        partial(_gateway, Disturbance.RECONNECT),
        at="acknowledged",
    ),
    scripted(
        "gateway_invalid_session",
        "The session becomes invalid (opcode 9 false).",
        partial(_gateway, Disturbance.INVALID),
        at="acknowledged",
    ),
    scripted(
        "gateway_invalid_resumable",
        "The session must be resumed (opcode 9 true).",
        partial(_gateway, Disturbance.INVALID_RESUMABLE),
        at="acknowledged",
    ),
)

_ELSEWHERE: tuple[Fault, ...] = (
    Fault(
        "stale_version",
        "The commands change: older versions are refused until the index is read again.",
        {"announce": False},
        Place.VERSION,
    ),
    Fault("identify_refused", "IDENTIFY is closed with a code.", {"code": 4004}, Place.IDENTIFY),
    Fault("resume_refused", "RESUME gets opcode 9 false.", {}, Place.RESUME),
    Fault("missed_heartbeats", "Heartbeats are not acknowledged.", {}, Place.HEARTBEAT),
    Fault(
        "required_action",
        "READY asks the user for an action.",
        {"action": "REQUIRE_VERIFIED_PHONE"},
        Place.READY,
    ),
)

FAULTS: Mapping[str, Fault] = {
    fault.name: fault for fault in (*map(_title, TITLES), *_SCRIPTED, *REQUEST_FAULTS, *_ELSEWHERE)
}
"""Every fault by its name."""

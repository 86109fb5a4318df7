"""FAULTS: every misbehaviour that can be switched on, one row each.

A row says where it applies (`Place`), which parameters it has with their defaults, and what it
does: answer a request in the route's place (`http`) or bend the job's timeline (`script`). Rows of
the other places only carry parameters; the module of that place acts on them. Seconds are real
seconds, `speed` does not divide them. `switches` decides for whom and how often a fault happens.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial

from waystation.simulator import wording
from waystation.simulator.job import Ending
from waystation.simulator.payload import Payload, encode
from waystation.simulator.refusals import (
    HTML,
    Effect,
    cloudflare_page,
    error_effect,
    rate_limited,
    server_error,
)
from waystation.simulator.timeline import (
    At,
    Disturbance,
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
from waystation.simulator.titles import TITLES, Form, Title, refuse

__all__ = ["FAULTS", "Fault", "FaultError", "Place", "read_params"]


class FaultError(ValueError):
    """A fault was named or parametrised wrongly."""


class Place(Enum):
    """Where a fault applies."""

    HTTP = "a request"
    SCRIPT = "an interaction that the bot executes"
    VERSION = "the version of a command"
    IDENTIFY = "an IDENTIFY frame"
    RESUME = "a RESUME frame"
    HEARTBEAT = "a heartbeat"
    READY = "the READY event"


@dataclass(frozen=True, slots=True)
class Fault:
    """One row."""

    name: str
    about: str
    params: Payload = field(default_factory=dict)
    """Names and defaults; a default's type is the parameter's type."""
    place: Place = Place.SCRIPT
    http: Callable[[Payload], Effect] | None = None
    script: Callable[[Payload, Timeline], Timeline] | None = None

    def with_params(self, given: Mapping[str, object]) -> Payload:
        """Return all parameters, the given ones in place of the defaults.

        Raises: FaultError: no such parameter
        """
        unknown = sorted(set(given) - set(self.params))
        if unknown:
            known = ", ".join(self.params) or "none"
            raise FaultError(f"{self.name} has no parameter {unknown[0]!r} (it has: {known})")
        return {**self.params, **given}


def read_params(fault: Fault, given: Mapping[str, str]) -> Payload:
    """Turn texts of the command line into values of the parameters' types.

    Raises: FaultError: no such parameter, or not a number where one is needed
    """
    fault.with_params(given)
    return {key: _read(key, fault.params[key], text) for key, text in given.items()}


def _read(name: str, default: object, text: str) -> object:
    if isinstance(default, bool):
        return text.lower() in ("1", "true", "yes", "on")
    if not isinstance(default, int | float):
        return text
    try:
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        raise FaultError(f"{name} needs a number, not {text!r}") from None


def _http(name: str, about: str, http: Callable[[Payload], Effect], **params: object) -> Fault:
    return Fault(name, about, {**params, "route": "interactions"}, Place.HTTP, http=http)


def _script(
    name: str, about: str, script: Callable[[Payload, Timeline], Timeline], **params: object
) -> Fault:
    return Fault(name, about, params, Place.SCRIPT, script=script)


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
    return insert(timeline, At.FINAL, Step(Kind.DELETE, wait_s=params["seconds"]))


def _partial(params: Payload, timeline: Timeline) -> Timeline:
    return tuple(
        replace(step, partial=True) if step.kind is Kind.UPDATE else step for step in timeline
    )


def _reordered(params: Payload, timeline: Timeline) -> Timeline:
    silent = tuple(replace(step, published=False) if step.first else step for step in timeline)
    return insert(silent, At.FINAL, Step(Kind.ANNOUNCE))


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
    act = Step(Kind.CREATE, write=wording.look_alike, nonce=params["nonce"], who=Who.IMPOSTOR)
    return insert(timeline, At(params["at"]), act)


def _bystander(who: Who, params: Payload, timeline: Timeline) -> Timeline:
    moments = {
        "before": (At.RECEIVED,),
        "during": (At.ACKNOWLEDGED,),
        "after": (At.FINAL,),
        "around": (At.RECEIVED, At.ACKNOWLEDGED, At.FINAL),
    }[params["when"]]
    ask = Step(Kind.BYSTANDER, who=who)
    for moment in reversed(moments):
        # Who asks before is also answered before; the pause covers the bot's first message.
        lead = (Step(Kind.PAUSE, after_s=1.0),) if moment is At.RECEIVED else ()
        timeline = insert(timeline, moment, ask, *lead)
    return timeline


# Faults of requests.


def _captcha(params: Payload) -> Effect:
    body = {
        "captcha_key": ["captcha-required"],
        "captcha_sitekey": "00000000-0000-0000-0000-000000000000",
        "captcha_service": "hcaptcha",
        "captcha_session_id": "simulated",
        "captcha_rqdata": "simulated",
        "captcha_rqtoken": "simulated",
        "should_serve_invisible": False,
    }
    return Effect(400, encode(body))


_SCRIPTED: tuple[Fault, ...] = (
    _script(
        "no_answer",
        "The bot never answers; with failure_event Discord says so after after_s.",
        _no_answer,
        failure_event=False,
        after_s=0.0,
    ),
    _script("slow_answer", "The first message comes late.", _slow_answer, seconds=2.0),
    _script(
        "no_result",
        "The bot answers and never finishes.",
        lambda params, timeline: without_result(timeline),
    ),
    _script(
        "late_message",
        "The result comes late.",
        lambda params, timeline: late_result(timeline, params["seconds"]),
        seconds=2.0,
    ),
    _script(
        "interaction_failure",
        "INTERACTION_FAILURE in place of _SUCCESS; the bot answers all the same.",
        _interaction_failure,
    ),
    _script(
        "no_interaction_events",
        "No INTERACTION_CREATE and no INTERACTION_SUCCESS.",
        _no_interaction_events,
    ),
    _script(
        "job_queued",
        "Job queued, with the nonce; later a start without it and the normal result.",
        _job_queued,
        start_after_s=1.0,
    ),
    _script("human_check_frame", "A human check opens in an iframe.", _human_check_frame),
    _script(
        "required_action_update",
        "Discord asks the user for an action while a job runs.",
        _required_action_update,
        action="REQUIRE_VERIFIED_PHONE",
        at="received",
    ),
    _script("vanished", "The first message is deleted and no result comes.", _vanished),
    _script("deleted_message", "The result is deleted again.", _deleted, seconds=0.0),
    _script(
        "duplicate_message",
        "Every message event comes several times.",
        lambda params, timeline: duplicated(timeline, params["times"]),
        times=2,
    ),
    _script("partial_update", "Updates carry only what changed, no author.", _partial),
    _script("reordered", "The update comes before the create.", _reordered),
    _script("missing_create", "The create event is never sent.", _missing_create),
    _script("missing_result", "The result is in history only.", _missing_result),
    _script("expired_links", "Links of the result have expired.", _expired_links, life_s=-60.0),
    _script(
        "impostor_bot",
        "Another bot of the same name posts a look-alike answer (guild channels only).",
        _impostor,
        at="acknowledged",
        nonce=True,
    ),
    _script(
        "foreign_user",
        "Another user asks for the same with the same picture (guild channels only).",
        partial(_bystander, Who.FOREIGNER),
        when="around",
    ),
    _script(
        "owner_by_hand",
        "The account's owner types the same command with the same picture in the same channel.",
        partial(_bystander, Who.OWNER),
        when="around",
    ),
    _script(
        "gateway_drop",
        "The connection breaks; the session can be resumed.",
        partial(_gateway, Disturbance.DROP),
        at="acknowledged",
    ),
    _script(
        "gateway_drop_lost",
        "The connection breaks and the session is forgotten.",
        partial(_gateway, Disturbance.LOSE),
        at="acknowledged",
    ),
    _script(
        "gateway_close",
        "The server closes with a code.",
        partial(_gateway, Disturbance.CLOSE),
        code=4000,
        at="acknowledged",
    ),
    _script(
        "gateway_reconnect",
        "The server asks to reconnect (opcode 7).",
        partial(_gateway, Disturbance.RECONNECT),
        at="acknowledged",
    ),
    _script(
        "gateway_invalid_session",
        "The session becomes invalid (opcode 9 false).",
        partial(_gateway, Disturbance.INVALID),
        at="acknowledged",
    ),
    _script(
        "gateway_invalid_resumable",
        "The session must be resumed (opcode 9 true).",
        partial(_gateway, Disturbance.INVALID_RESUMABLE),
        at="acknowledged",
    ),
)

_REQUESTS: tuple[Fault, ...] = (
    _http(
        "rate_limited_bucket",
        "429 of the route's bucket.",
        lambda params: rate_limited(params["retry_after"], is_global=False),
        retry_after=1.337,
    ),
    _http(
        "rate_limited_global",
        "429 of the whole token.",
        lambda params: rate_limited(params["retry_after"], is_global=True),
        retry_after=10,
    ),
    _http(
        "rate_limited_proxy",
        "429 from the proxy in front of Discord: a page, not JSON.",
        lambda params: Effect(429, cloudflare_page(429), HTML),
    ),
    _http(
        "server_error_before",
        "5xx; the request was not executed.",
        lambda params: server_error(params["status"], executes=False),
        status=502,
    ),
    _http(
        "server_error_after",
        "5xx; the request was executed all the same.",
        lambda params: server_error(params["status"], executes=True),
        status=502,
    ),
    _http(
        "reset_before",
        "The connection is reset; the request was not executed.",
        lambda params: Effect(reset=True),
    ),
    _http(
        "reset_after",
        "The connection is reset; the request was executed all the same.",
        lambda params: Effect(reset=True, executes=True),
    ),
    _http(
        "hang_before",
        "No answer for so long, then 504; the request was not executed.",
        lambda params: replace(server_error(504, executes=False), hang_s=params["seconds"]),
        seconds=30.0,
    ),
    _http(
        "hang_after",
        "The request is executed, then no answer for so long, then 504.",
        lambda params: replace(server_error(504, executes=True), hang_s=params["seconds"]),
        seconds=30.0,
    ),
    _http("captcha_400", "Discord wants a human check before it goes on.", _captcha),
    _http("unauthorized_401", "The token is refused.", lambda params: error_effect("unauthorized")),
    _http("missing_access_403", "403, code 50001.", lambda params: error_effect("missing_access")),
    _http(
        "missing_permissions_403",
        "403, code 50013.",
        lambda params: error_effect("missing_permissions"),
    ),
    _http(
        "abuse_block_403",
        "403, code 10008: the block against abuse in the clothes of Unknown Message.",
        lambda params: error_effect("abuse_block"),
    ),
    _http("verify_account_403", "403, code 40002.", lambda params: error_effect("verify_account")),
    _http(
        "unknown_channel_400",
        "400, code 10003, although the channel is right.",
        lambda params: error_effect("unknown_channel"),
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
    fault.name: fault for fault in (*map(_title, TITLES), *_SCRIPTED, *_REQUESTS, *_ELSEWHERE)
}
"""Every fault by its name."""

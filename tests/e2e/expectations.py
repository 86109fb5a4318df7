"""The expected outcome of each row of FAULTS, written down from the rules and the v2 notes.

A title's row says when the bot says it and what that means (R6); everything else of a case follows
from these two. Cases of other faults are spelled out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from tests.e2e.outcome import Outcome
from waystation.discord_refusals import TOKEN_REJECTED

__all__ = ["CASES", "Case"]

Body = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One fault, how it is brought about, and what follows."""

    fault: str
    outcome: Outcome
    verb: str = "describe"
    note: str = ""
    """Tells cases of one fault apart."""
    params: Mapping[str, Any] = field(default_factory=dict)
    beside: Sequence[tuple[str, Mapping[str, Any]]] = ()
    """Other faults that make this one show."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    sim_options: Mapping[str, Any] = field(default_factory=dict)
    at_start: bool = False
    """The fault hits the first connection; the job is asked for once it has."""
    hears: bool = True
    """True when the account is still connected at the end."""

    @property
    def id(self) -> str:
        return "-".join(filter(None, (self.fault, self.verb, self.note)))


# ── forms of the answers ──


def job_form(verb: str, status: str, code: int, **shown: Any) -> Body:
    """Return the whole job form (contract, section 8)."""
    own = {"describeUrl": "<picture>", "maxJobs": 3} if verb == "describe" else {}
    form = {
        "jobid": "<jobid>",
        "verb": verb,
        "status": status,
        "created": "<instant>",
        "updated": "<instant>",
        "discord": "<masked>",
        "channel": "<channel>",
        "server": "<server>",
        "replyUrl": "<callback>",
        "replyRef": "ref",
        "code": code,
    }
    return form | own | shown


def shows(message: int, content: str = "", **more: Any) -> Body:
    """Return the fields of a job that shows a bot message."""
    return {
        "messageId": f"<message {message}>",
        "content": content,
        "timestamp": "<timestamp>",
    } | more


STARTED = (200, job_form("describe", "started", 200, **shows(1)))
"""POST describe answers when the bot's first message is seen (R2)."""


INFO: Body = {
    "plan": "Pro",
    "subscription": "Active yearly",
    "renewsAt": "2030-03-17T17:46:40.000Z",
    "mode": "fast",
    "visibility": "public",
    "fastHoursLeft": 29.58,
    "fastHoursTotal": 30.0,
    "lifetime": {"images": 102, "hours": 1.77},
    "relaxed": {"images": 19, "hours": 0.29},
    "queuedFast": 0,
    "queuedRelax": 0,
    "running": 0,
}
"""The simulated account's /info, read."""


def result(verb: str) -> Body:
    """Return the form of a job that has its own result."""
    embeds: Mapping[str, Body] = {
        "describe": {
            "type": "rich",
            "description": "<prompts>",
            "image": {"url": "<link>", "proxy_url": "<link>", "width": 320, "height": 480},
            "content_scan_version": 0,
        },
        "info": {
            "type": "rich",
            "title": "Your info - tester0",
            "description": "<info>",
            "color": 0,
            "content_scan_version": 0,
        },
    }
    # v2's sample of /info (v2 notes 6.6) says the same in `content` as in the embed
    content = "<info>" if verb == "info" else "<prompts>"
    read: Mapping[str, Body] = {
        "describe": {"labels": ["1️⃣", "2️⃣", "3️⃣", "4️⃣", "🔄", "Imagine all 🎉"]},
        "info": {"info": INFO},
    }
    shown = shows(1, content, embeds=[embeds[verb]])
    return job_form(verb, "completed", 200, **shown, **read[verb])


def completed(verb: str = "describe", **more: Any) -> Outcome:
    """The job ends with its own result, as if nothing had happened."""
    post = STARTED if verb == "describe" else (200, result(verb))
    return Outcome(**{"post": post, "job": result(verb)} | more)


def short(code: int, error: str, details: str | None = None, status: str = "failed") -> Body:
    """Return the short form of an end (seed, responses)."""
    told = {} if details is None or code == 504 else {"errorDetails": details}
    named = {} if code == 429 else {"jobid": "<jobid>", "status": status}
    return {"error": error, **told, **named, "code": code}


def failed(
    code: int, error: str, details: str | None = None, verb: str = "describe", **more: Any
) -> Outcome:
    """The job ends without any message of the bot."""
    told = {"error": error} | ({} if details is None else {"errorDetails": details})
    form = job_form(verb, "failed", code, **told)
    post = (code, form if code == 596 else short(code, error, details))
    return Outcome(**{"post": post, "job": form} | more)


def expired(error: str, verb: str = "describe", **more: Any) -> Outcome:
    """The job ends after the bot's first message, without another."""
    form = job_form(verb, "failed", 502, **shows(1), error=error)
    post = STARTED if verb == "describe" else (502, short(502, error))
    return Outcome(**{"post": post, "job": form} | more)


# ── what the bot says ──


class When(Enum):
    """How the bot's words arrive; the number of the message that carries them."""

    FIRST = 1
    """On its first message: the POST answers with the end itself."""
    CONTENT = 2
    """The same, as plain content."""
    REPLY = 3
    """On a second message that refers to the first, which is empty: the POST waits for it."""
    EDIT = 4
    """On an edit of the first message, which is empty: the POST waits for it (R2)."""


FIRST, CONTENT, REPLY, EDIT = When
RED, NEW_RED, YELLOW, NO_COLOUR = 16711680, 15548997, 16776960, None
FILTERS = "Request cancelled due to image filters."
OUR_TEAM = "The job encountered an error. Our team has been notified."
PENDING = (
    "You have a pending moderation message. Please acknowledge it before using the bot further."
)

# fault, when, code, title, description, colour, footer
TITLES: Sequence[tuple[Any, ...]] = (
    ("invalid_parameter", FIRST, 400, "Invalid parameter",
     "Unrecognized parameter(s): `--foo`"),
    ("invalid_parameter_content", CONTENT, 400, "Invalid parameter",
     "Unrecognized parameter(s): use_raw"),
    ("invalid_prompt", FIRST, 400, "Invalid prompt", "The prompt could not be read."),
    ("empty_prompt", FIRST, 400, "Empty prompt", "Your prompt is empty."),
    ("invalid_link", REPLY, 400, "Invalid link", "Could not fetch the image."),
    ("invalid_link_exclaimed", EDIT, 400, "Invalid link!", "Could not fetch the image."),
    ("invalid_link_moderated", EDIT, 422, "Invalid link", FILTERS),
    ("invalid_request", FIRST, 400, "Invalid request", "The request could not be read."),
    ("banned_prompt", FIRST, 422, "Banned prompt", "The word `fox` is banned."),
    ("banned_prompt_detected", FIRST, 422, "Banned prompt detected",
     "Circumventing this filter may result in your access being revoked."),
    ("banned_image_prompt", FIRST, 422, "Banned image prompt", "The image is banned."),
    ("action_needed", FIRST, 422, "Action needed to continue",
     "Our AI moderators feel your prompt might be against our community standards."),
    ("image_denied", REPLY, 422, "Image denied", FILTERS),
    ("image_filters", EDIT, 422, "Request cancelled due to image filters",
     "The input image was filtered."),
    ("output_filters", REPLY, 422, "Request cancelled due to output filters",
     "The result was filtered."),
    ("something_went_wrong_declined", REPLY, 422, "Sorry, something went wrong", OUR_TEAM,
     NO_COLOUR, "decline-revise-frolic"),
    ("something_went_wrong", REPLY, 502, "Sorry, something went wrong", OUR_TEAM, NEW_RED),
    ("could_not_complete", REPLY, 502, "Sorry! Could not complete the job!",
     "Please try again."),
    ("internal_error", FIRST, 502, "Internal error", "Sorry, something went wrong on our side."),
    ("internal_server_error", FIRST, 502, "Internal server error",
     "Sorry, something went wrong."),
    ("failed_to_process", CONTENT, 502, "Failed to process your command :c", None),
    ("error_processing", CONTENT, 502, "There was an error processing your request.", None),
    ("bad_response", CONTENT, 502, "Bad response", None),
    ("queue_full", FIRST, 429, "Queue full",
     "Your job queue is full. Please wait for a job to finish first, then resubmit this one."),
    ("concurrent_job", FIRST, 429, "Queue full",
     "You reached the maximum of concurrent jobs. Please wait for a job to finish.", YELLOW),
    ("slow_down", FIRST, 429, "Slow Down!",
     "You can request another upscale for this image <t:…:R>"),
    ("duplicate_images", EDIT, 400, "Duplicate images detected", "All images must differ."),
    ("job_action_restricted", FIRST, 400, "Job action restricted",
     "Not allowed for this account."),
    ("pending_mod_message", FIRST, 596, "Pending mod message", PENDING),
    ("blocked", FIRST, 596, "Blocked",
     "You have received a ban from using the bot until <t:…>."),
    ("plan_cancelled", FIRST, 596, "Plan Cancelled", "Your plan was cancelled."),
    ("subscription_required", FIRST, 596, "Subscription required",
     "You need a plan: subscribing takes a minute. Manage billing with /subscribe."),
    ("subscription_paused", FIRST, 596, "Subscription paused",
     "Subscription is paused. Resume it on the website."),
    ("credits_exhausted", FIRST, 596, "Credits exhausted",
     "You have run out of hours. Switch to /relax or buy more."),
    ("tos_not_accepted", FIRST, 596, "Tos not accepted", "Please accept the terms of service."),
    ("action_required", FIRST, 596, "Action required to continue",
     "Please open the link and complete the check."),
    ("verify_human", FIRST, 596, "Please continue",
     "Please verify you're human by picking what the image shows.", YELLOW),
    ("captcha_component", FIRST, 596, "One moment", "Pick what the image shows.", NO_COLOUR),
    ("complete_the_task", FIRST, 596, "Please complete the task",
     "A short task is waiting for you."),
    ("not_allowed_to_dm", FIRST, 596, "You are not allowed to DM with slash commands",
     "Direct messages are for subscribers of another plan."),
    ("unknown_wording", FIRST, 502, "The tea has gone cold", "No source has seen this title."),
    ("unknown_wording_colourless", EDIT, 502, "The tea is cold again",
     "No source has seen this title either.", NO_COLOUR),
)  # fmt: skip


def spoken(
    fault: str,
    when: When,
    code: int,
    title: str,
    description: str | None,
    color: int | None = RED,
    footer: str | None = None,
    *,
    verb: str = "describe",
) -> Case:
    """Return the case of a title."""
    details, said = description, {}
    if when is CONTENT:
        details = "\n".join(filter(None, (description, f"/{verb}")))
        content = f"{title}\n{details}"
    else:
        content, tint = "", {} if color is None else {"color": color}
        embed: dict[str, Any] = {
            "type": "rich",
            "title": title,
            "description": description,
            "footer": {"text": footer or f"/{verb}"},
            "content_scan_version": 0,
        }
        said = {"embeds": [embed | tint]}
    status = "moderated" if code == 422 else "failed"
    shown = shows(2 if when is REPLY else 1, content, **said, error=title, errorDetails=details)
    form = job_form(verb, status, code, **shown)
    post = (code, form if code == 596 else short(code, title, details, status))
    outcome = Outcome(
        post=post,
        job=form,
        # R4: the bot's 429 is told by the POST alone
        retry_after="10" if code == 429 else None,
        delivered=code != 429,
        halt=details if code == 596 else None,
    )
    return Case(fault, outcome, verb)


def stopped() -> Iterator[Case]:
    """Somebody stopped it: cancelled, with what it showed before."""
    form = job_form("describe", "cancelled", 200, **shows(1))
    for fault in ("job_cancelled", "stopped"):
        yield Case(fault, Outcome(post=STARTED, job=form))


# ── what Discord and the bot do ──

SILENT = {"first_answer_s": 1.5, "first_edit_s": 0.1}
"""For cases in which nothing comes: long enough to submit on a busy machine."""
NO_REPLY = "Midjourney bot did not reply within 1.5 seconds"
SHORT = {"job_timeout_s": 1.5, "first_edit_s": 0.1}
NOT_DONE = "Job did not finish within 1.5 seconds"
REPLY_LOST = "Discord was disconnected when the bot answered, and this answer cannot be read back"
CAPTCHA = (
    '{"captcha_key":["captcha-required"],"captcha_sitekey":"00000000-0000-0000-0000-000000000000",'
    '"captcha_service":"hcaptcha","captcha_session_id":"simulated","captcha_rqdata":"simulated",'
    '"captcha_rqtoken":"simulated","should_serve_invisible":false}'
)
QUEUED = "Your job is queued and will start when one of your jobs has finished."
ASKS_TO_ACT = "Discord asks the account's owner to act: REQUIRE_VERIFIED_PHONE"
BLOCKED_ANSWER = {
    "error": "Your Discord account has received a pending moderation message from Midjourney. "
    "Please address this issue and POST account/midjourney/{channel}/reset "
    "before making any new API calls.",
    "code": 596,
}
"""v2's short form of 596 (v2 notes 6.3); `{channel}` is the channel's id."""

REJECTED = "Discord rejected the account's token (close code 4004)"
REJECTED_ANSWER = {
    "error": "Discord rejected the token of your Discord account. Please POST "
    "account/midjourney/{channel} with a new token before making any new API calls.",
    "errorDetails": REJECTED,
    "code": 596,
}
"""The short form where a new token is the mend (R33)."""


def queued(verb: str) -> Outcome:
    """504; the late result stays with the job and goes nowhere else (R19)."""
    embed = {
        "type": "rich",
        "title": "Job queued",
        "description": QUEUED,
        "color": RED,
        "footer": {"text": f"/{verb}"},
        "content_scan_version": 0,
    }
    shown = shows(1, embeds=[embed], error="Job queued", errorDetails=QUEUED)
    return Outcome(
        post=(504, short(504, "Job queued")),
        job=job_form(verb, "failed", 504, **shown),
        late="<message 2>",
    )


def vanished(verb: str) -> Outcome:
    """R27: the message went and no result came."""
    told = ("Job was removed by the bot", "The bot deleted its message without a result")
    shown = shows(1, error=told[0], errorDetails=told[1])
    post = (422, short(422, *told, status="moderated"))
    return Outcome(post=post, job=job_form(verb, "moderated", 422, **shown))


def limited(details: str, retry_after: str, verb: str = "describe") -> Outcome:
    """429 (b) of v2 notes 3: the text that Discord sent, and no callback (R4)."""
    error = "Discord /interactions failed with HTTP status 429"
    return failed(429, error, details, verb, retry_after=retry_after, delivered=False, sent=(429,))


def forbidden(status: int, message: str, code: int) -> Outcome:
    """401 and 403 stop the account (R6); a new token is the mend of a 401 (R33)."""
    error = f"Discord /interactions failed with HTTP status {status}"
    body = f'{{"message":"{message}","code":{code}}}'
    halt = TOKEN_REJECTED if status == 401 else f"{error}: {body}"
    return failed(596, error, body, halt=halt, sent=(status,))


def refused(code: int, status: int, message: str, discords_code: int) -> Outcome:
    """The job alone fails, with Discord's text (R51)."""
    error = f"Discord /interactions failed with HTTP status {status}"
    body = f'{{"message":"{message}","code":{discords_code}}}'
    return failed(code, error, body, sent=(status,))


def blocked(halt: str) -> Outcome:
    """The account was stopped before anything was asked."""
    return Outcome(post=(596, BLOCKED_ANSWER), job=None, delivered=False, halt=halt, sent=())


def misbehaviours() -> Iterator[Case]:
    """The bot keeps silent, is late, or says things twice, partly, in the wrong order."""
    for verb in ("describe", "info"):
        lost = failed(502, NO_REPLY, verb=verb)
        yield Case("no_answer", lost, verb, settings=SILENT)
        yield Case("slow_answer", completed(verb), verb, params={"seconds": 0.4})
        yield Case("interaction_failure", completed(verb), verb)
        yield Case("no_interaction_events", completed(verb), verb)
        yield Case("job_queued", queued(verb), verb, params={"start_after_s": 0.3})
        yield Case("vanished", vanished(verb), verb)
        yield Case("deleted_message", completed(verb), verb)
        yield Case("duplicate_message", completed(verb), verb, params={"times": 3})
        yield Case("partial_update", completed(verb), verb)
        for fault in ("reordered", "missing_create"):
            # the first thing that is seen is the result
            yield Case(fault, completed(verb), verb)
    failure = {"failure_event": True, "after_s": 0.1}
    yield Case("no_answer", failed(502, NO_REPLY), note="told", params=failure, settings=SILENT)
    yield Case(
        "slow_answer",
        failed(502, NO_REPLY, late="<message 1>"),
        note="too-slow",
        params={"seconds": 2.2},
        settings=SILENT,
    )
    yield Case("late_message", completed(), params={"seconds": 0.4})
    yield Case(
        "late_message",
        expired(NOT_DONE, late="<message 1>"),
        note="too-late",
        params={"seconds": 2.2},
        settings=SHORT,
    )
    # R31: what may still run keeps its slot for a while
    yield Case("no_result", expired(NOT_DONE, slot=True), settings=SHORT)
    not_done = expired("Job did not finish within 1.5 seconds", "info")
    yield Case("no_result", not_done, "info", settings=SILENT)
    # R28: history is read before a verdict; what is ephemeral is not in it
    yield Case("missing_result", completed(), settings=SHORT)
    yield Case("missing_result", not_done, "info", settings=SILENT)
    yield Case("expired_links", completed())


def bystanders() -> Iterator[Case]:
    """R23: nothing that others do changes a job of ours."""
    for verb in ("describe", "info"):
        yield Case("impostor_bot", completed(verb), verb)
        for fault in ("foreign_user", "owner_by_hand"):
            yield Case(fault, completed(verb), verb)
    for when in ("before", "during", "after"):
        yield Case("owner_by_hand", completed(), note=when, params={"when": when})
        yield Case("foreign_user", completed(), note=when, params={"when": when})
    for at in ("received", "before_final"):
        yield Case("impostor_bot", completed(), note=at, params={"at": at})


def checks() -> Iterator[Case]:
    """Somebody asks for a person."""
    title = "Action required to continue"
    for verb in ("describe", "info"):
        yield Case("human_check_frame", failed(596, title, verb=verb, halt=title), verb)
        yield Case("required_action_update", completed(verb, halt=ASKS_TO_ACT), verb)
    yield Case("required_action", blocked(ASKS_TO_ACT), at_start=True)
    rejected = Outcome(
        post=(596, REJECTED_ANSWER), job=None, delivered=False, halt=REJECTED, sent=()
    )
    yield Case("identify_refused", rejected, at_start=True, hears=False)


def connections() -> Iterator[Case]:
    """The gateway breaks while the bot works."""
    reply_lost = failed(502, "reply lost", REPLY_LOST, "info")
    slowly = (("late_message", {"seconds": 0.3}),)
    early = {"at": "received"}
    for fault in (
        "gateway_drop", "gateway_close", "gateway_reconnect", "gateway_invalid_resumable",
    ):  # fmt: skip
        yield Case(fault, completed(), beside=slowly)
        yield Case(fault, completed("info"), "info")
    for fault in ("gateway_drop_lost", "gateway_invalid_session"):
        # R29, R30: a describe is read back from history, an ephemeral answer is gone
        yield Case(fault, completed(), params=early)
        yield Case(fault, reply_lost, "info", params=early)
    yield Case("resume_refused", completed(), beside=(("gateway_drop", early),))
    # the second silence is noticed while the bot is at work, and the session resumed
    yield Case(
        "missed_heartbeats",
        completed(),
        beside=(("late_message", {"seconds": 2.2}),),
        sim_options={"heartbeat_interval_ms": 1000},
    )


def answers() -> Iterator[Case]:
    """Discord answers the request itself with something else."""
    brief = {"request_timeout_s": 0.5} | SILENT
    bucket = '{"global":false,"message":"You are being rate limited.","retry_after":1.337}'
    every = '{"global":true,"message":"You are being rate limited.","retry_after":10}'
    page = "<html><head><title>429</title></head><body>429</body></html>"
    yield Case("rate_limited_bucket", limited(bucket, "2"))
    yield Case("rate_limited_global", limited(every, "10"))
    yield Case("rate_limited_global", limited(every, "10", "info"), "info")
    yield Case("rate_limited_proxy", limited(page, "300"))
    # R12: what may have been executed is never sent again
    yield Case("server_error_before", failed(502, NO_REPLY, sent=(502,)), settings=SILENT)
    yield Case("server_error_after", completed(sent=(502,)))
    yield Case("reset_before", failed(502, NO_REPLY, sent=(0,)), settings=SILENT)
    yield Case("reset_after", completed(sent=(0,)))
    hang = {"seconds": 1.0}
    yield Case("hang_before", failed(502, NO_REPLY, sent=(504,)), params=hang, settings=brief)
    yield Case("hang_after", completed(sent=(504,)), params=hang, settings=brief)
    text = "Discord asks for a human check (CAPTCHA)"
    yield Case("captcha_400", failed(596, text, CAPTCHA, halt=text, sent=(400,)))
    yield Case("unauthorized_401", forbidden(401, "401: Unauthorized", 0))
    # R51: no reset mends it, so nothing is halted
    yield Case("missing_access_403", refused(502, 403, "Missing Access", 50001))
    yield Case("missing_permissions_403", refused(502, 403, "Missing Permissions", 50013))
    yield Case("abuse_block_403", forbidden(403, "Unknown Message", 10008))
    verify = "You need to verify your account in order to perform this action."
    yield Case("verify_account_403", forbidden(403, verify, 40002))
    yield Case("unknown_channel_400", refused(502, 400, "Unknown Channel", 10003))
    yield Case("unknown_channel_404", refused(502, 404, "Unknown Channel", 10003))
    yield Case("unknown_message_404", refused(400, 404, "Unknown Message", 10008))
    # R13: only a definite "outdated" is asked again, once, with a new nonce, in any language
    yield Case("outdated_400", completed(sent=(400, 204)), params={"locale": "zh-CN"})
    yield Case("unknown_command_404", completed(sent=(404, 204)))
    yield Case("stale_version", completed(sent=(400, 204)))
    yield Case("stale_version", completed("info", sent=(400, 204)), "info")


def uploads() -> Iterator[Case]:
    """Discord answers the upload with something else; nothing was asked of the bot yet."""
    upload = {"route": "attachments"}
    # uploads and reads may be repeated
    yield Case("server_error_before", completed(), note="upload", params=upload)
    yield Case("reset_before", completed(), note="upload", params=upload)
    yield Case(
        "rate_limited_bucket", completed(), note="upload", params=upload | {"retry_after": 0.2}
    )
    yield Case("server_error_before", completed(), note="index", params={"route": "index"})
    refused = '{"message":"401: Unauthorized","code":0}'
    dead = "Discord rejected the account's token."
    yield Case(
        "unauthorized_401",
        failed(596, dead, refused, halt=TOKEN_REJECTED, sent=()),
        note="upload",
        params=upload,
    )
    person = "Discord wants a person to look at the account."
    yield Case(
        "captcha_400",
        failed(596, person, CAPTCHA, halt=person, sent=()),
        note="upload",
        params=upload,
    )


CASES: Sequence[Case] = (
    *(spoken(*row) for row in TITLES),
    # where the answer to /info differs: no POST is answered before the end
    *(spoken(*row, verb="info") for row in TITLES if row[1] in (REPLY, EDIT)),
    *stopped(),
    *misbehaviours(),
    *bystanders(),
    *checks(),
    *connections(),
    *answers(),
    *uploads(),
)
"""Every fault has at least one."""

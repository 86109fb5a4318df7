"""Commits: what is owed to the caller, to the owner of the account and to the operator."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from tests.build import START, account, replace
from tests.harness.play import new_job
from waystation.engine.account.commits import (
    halt_with_mail,
    job_changes,
    sidelined_mail,
    unrecognised,
)
from waystation.jobs import (
    Acknowledged,
    Completed,
    Failed,
    InteractionSeen,
    Job,
    JobEvent,
    JobStatus,
    Late,
    Modal,
    Nonce,
    Progressed,
    Reacted,
    Refused,
    Shown,
    Silent,
    SlotReleased,
    Submitted,
    Unsent,
)
from waystation.midjourney.steps import HaltSign, JobStep, Step
from waystation.ports import Account, HaltCause, JobChange
from waystation.secret import Secret
from waystation.sidelining import Cause, Trouble
from waystation.wire.message import Message

SHOWN = Shown("900")
SERVER = replace(account(), channel="3333")
DIRECT = replace(SERVER, guild_id=None)


def _job(status: JobStatus = JobStatus.PROGRESS, **fields: object) -> Job:
    asked = {"status": status, "reply_url": "https://example.org/hook", **fields}
    return replace(new_job("a"), **asked)


def _change(
    before: Job | None, step: JobStep, new_id: Callable[[], str] = lambda: "id"
) -> JobChange:
    (change,) = job_changes(lambda jobid: before, [step], new_id, START)
    return change


def _owed(job: Job, *events: JobEvent, before: Job | None = None) -> int:
    """Return how many callbacks a change owes; each has the next id."""
    drawn = iter("123")
    change = _change(before, JobStep(job, events), lambda: next(drawn))
    assert (change.job, change.events) == (job, events)
    assert [one.callback_id for one in change.callbacks] == [*"123"][: len(change.callbacks)]
    # an id is drawn only where it is used
    assert next(drawn) == "123"[len(change.callbacks)]
    return len(change.callbacks)


def test_an_end_owes_a_callback_to_one_who_gave_a_url() -> None:
    ended = _job(JobStatus.COMPLETED)
    assert _owed(ended, Completed(SHOWN)) == 1
    assert _owed(replace(ended, reply_url=None), Completed(SHOWN)) == 0


@pytest.mark.parametrize(
    "event", [Acknowledged(SHOWN, START), Progressed(SHOWN), Reacted()], ids=lambda one: type(one)
)
def test_progress_owes_a_callback_only_to_one_who_asked_for_it(event: JobEvent) -> None:
    assert _owed(_job(reply_progress=True), event) == 1
    assert _owed(_job(reply_progress=False), event) == 0


def test_a_step_that_shows_nothing_owes_no_callback() -> None:
    submitted = _job(JobStatus.SUBMITTED, reply_progress=True)
    assert _owed(submitted, Submitted(Nonce("1"), START)) == 0


@pytest.mark.parametrize("event", [Late(SHOWN, ended=True), SlotReleased()], ids=type)
def test_the_news_of_a_ghost_owes_no_second_callback(event: JobEvent) -> None:
    assert _owed(_job(JobStatus.FAILED, reply_progress=True), event) == 0


@pytest.mark.parametrize(
    ("before", "callbacks"),
    [
        (None, 0),
        (JobStatus.CREATED, 0),
        (JobStatus.SUBMITTED, 0),
        (JobStatus.STARTED, 1),
        (JobStatus.PROGRESS, 1),
    ],
)
def test_a_rate_limit_owes_a_callback_once_the_post_was_answered(
    before: JobStatus | None, callbacks: int
) -> None:
    """R4: until then the answer of the POST says so itself."""
    limited = _job(JobStatus.FAILED, code=429, post_until=START)
    earlier = None if before is None else _job(before)
    assert _owed(limited, Refused(429, "limited"), before=earlier) == callbacks
    assert _owed(replace(limited, code=502), Failed(502, "no"), before=earlier) == 1


@pytest.mark.parametrize("until", [None, START - timedelta(microseconds=1)])
@pytest.mark.parametrize("before", [JobStatus.CREATED, JobStatus.SUBMITTED])
def test_a_rate_limit_owes_a_callback_to_one_whose_post_is_over(
    before: JobStatus, until: datetime | None
) -> None:
    """It preferred not to wait, or its service has ended: nothing else tells it."""
    limited = _job(JobStatus.FAILED, code=429, post_until=until)
    assert _owed(limited, Refused(429, "limited"), before=_job(before)) == 1


# ── mails ──


@pytest.mark.parametrize(
    ("rejected", "of", "cause", "mend"),
    [
        (False, DIRECT, None, "waystation accounts reset 3333"),
        (True, DIRECT, HaltCause.TOKEN, "waystation accounts add"),
        (True, SERVER, HaltCause.TOKEN, "POST /v2/account/midjourney/3333\n"),
    ],
    ids=["check", "token", "token in a server"],
)
def test_the_mail_of_a_halt_names_the_mend(
    rejected: bool, of: Account, cause: HaltCause | None, mend: str
) -> None:
    sign = HaltSign("Please read it.", START, said="900", token_rejected=rejected)
    halt = halt_with_mail(sign, of, "owner@example.org", "m1", START)
    assert (halt.text, halt.triggered_at, halt.said) == ("Please read it.", START, "900")
    assert halt.cause is cause
    assert (halt.mail.mail_id, halt.mail.to) == ("m1", "owner@example.org")
    assert "Please read it." in halt.mail.body
    assert mend in halt.mail.body


def test_the_mail_of_a_sidelined_account_names_cause_answer_and_minutes() -> None:
    trouble = Trouble(Cause(403, "50001", "Missing Access"), 3, START, timedelta(minutes=20))
    mail = sidelined_mail(trouble, SERVER, "owner@example.org", "m1", START)
    assert (mail.mail_id, mail.to, mail.created_at) == ("m1", "owner@example.org", START)
    assert "HTTP status 403 with code 50001. Its answer:\n\nMissing Access\n" in mail.body
    assert "In 20 minutes" in mail.body


# ── messages for the operator ──


def test_messages_are_kept_for_the_operator_without_secrets() -> None:
    secret = Secret("a-very-secret-token-of-the-tests")
    step = Step(
        unrecognised=Message("1", "3333", content=f"unheard of: {secret.reveal()}"),
        untold=(Message("2", "3333"),),
    )
    kept = unrecognised(step)
    assert [one.message_id for one in kept] == ["1", "2"]
    assert b"unheard of" in kept[0].payload
    assert b"a-very-secret" not in kept[0].payload


def test_a_step_that_everybody_understands_keeps_no_message() -> None:
    assert unrecognised(Step()) == ()


SUBMITTED = Submitted(Nonce("1"), START)
REGION = replace(new_job("a", "button"), params={"button": "Vary (Region)"})
QUEUED = replace(new_job("a"), queue_until=START + timedelta(hours=24))
OPEN = replace(REGION, modal=Modal("1", "MJ::iframe::token"))


ASKED = replace(new_job("a"), status=JobStatus.SUBMITTED)
SEEN = InteractionSeen("700")
STARTED = Acknowledged(SHOWN, START)


@pytest.mark.parametrize(
    ("before", "after", "event", "asked"),
    [
        (new_job("a"), ASKED, SUBMITTED, False),
        (ASKED, replace(ASKED, interaction_id="700"), SEEN, True),
        (ASKED, replace(ASKED, unclear=True), Silent(), False),
        (ASKED, replace(ASKED, status=JobStatus.STARTED), Reacted(), True),
        (replace(ASKED, interaction_id="700"), replace(ASKED, interaction_id="700"), SEEN, False),
        (ASKED, new_job("a"), Unsent("gone"), False),
        (REGION, replace(REGION, status=JobStatus.SUBMITTED, interaction_id="7"), SEEN, False),
        (OPEN, replace(REGION, status=JobStatus.STARTED), STARTED, True),
        # R13: one of the queue may be sent again until it shows progress
        (QUEUED, replace(QUEUED, status=JobStatus.STARTED), STARTED, False),
        (QUEUED, replace(QUEUED, status=JobStatus.PROGRESS), STARTED, True),
    ],
    ids=[
        "a nonce is committed",
        "its interaction",
        "nothing in time",
        "a reaction",
        "once",
        "its request could not leave",
        "a press with a mask",
        "the bot has the mask",
        "of the queue",
        "its progress",
    ],
)
def test_inputs_are_needed_until_all_of_them_has_surely_left(
    before: Job, after: Job, event: JobEvent, asked: bool
) -> None:
    assert _change(before, JobStep(after, (event,))).asked is asked


def test_inputs_are_done_with_where_a_callback_is_owed_too() -> None:
    job = replace(new_job("a"), reply_url="https://example.org/callback", reply_progress=True)
    shown = Reacted()
    after = replace(job, status=JobStatus.STARTED)
    change = _change(job, JobStep(after, (SUBMITTED, shown)))
    assert change.asked and len(change.callbacks) == 1


def test_a_step_is_told_by_the_step_before_it_where_both_are_committed_together() -> None:
    refused = Refused(429, "Too many")
    waits = replace(
        new_job("a"), post_until=START + timedelta(minutes=1), reply_url="https://e.org"
    )
    ended = replace(waits, status=JobStatus.FAILED, code=429, finished_at=START)
    shown = replace(waits, status=JobStatus.STARTED)
    last = JobStep(ended, (refused,))
    # R4: the POST still waits and has seen nothing of it
    assert not _change(waits, last).callbacks
    seen = JobStep(shown, (Acknowledged(SHOWN, START),))
    together = job_changes(lambda jobid: waits, [seen, last], lambda: "id", START)
    assert [len(change.callbacks) for change in together] == [0, 1]

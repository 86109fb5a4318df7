"""Rows of the database and the dataclasses they stand for, both ways.

How it works: column tuples name the order once; the queries splice them in, and readers unpack in
the same order. Times are whole microseconds since 1970 UTC. Structured fields are JSON, and null
when empty, so that the common row costs no decoding.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar, cast, get_args

import msgspec

from waystation.deliveries import Delivery, DeliveryStatus
from waystation.jobs import (
    PRESSED_ONCE,
    Acknowledged,
    Button,
    Completed,
    Failed,
    Job,
    JobEvent,
    JobStatus,
    Late,
    MessageRole,
    Modal,
    ModalOpened,
    Moderated,
    Progressed,
    Shown,
)
from waystation.ports import Account, AccountSetup, HaltCause, Mail, User, UserChanges
from waystation.sidelining import Trouble
from waystation.wire.message import Attachment, Embed

__all__ = [
    "ACCOUNT_COLUMNS",
    "DELIVERY_COLUMNS",
    "JOB_COLUMNS",
    "USER_COLUMNS",
    "Row",
    "Values",
    "account_of",
    "delivery_of",
    "delivery_values",
    "event_of",
    "event_values",
    "instant",
    "instant_or_none",
    "job_of",
    "job_values",
    "mail_of",
    "mail_values",
    "micros",
    "micros_or_none",
    "once_key",
    "setup_values",
    "substitutions",
    "trouble_value",
    "user_changes",
    "user_of",
]

Row = tuple[Any, ...]
"""One row as the driver gives it."""

Values = dict[str, int | float | str | bytes | None]
"""Named values to bind."""

USER_COLUMNS = (
    "user_id", "email", "created_at", "token_hash", "name", "reply_url", "expires_at",
    "revoked_at", "updated_at", "is_admin",
)  # fmt: skip

_USER_CHANGES = tuple(name for name in USER_COLUMNS if name in UserChanges.__annotations__)

ACCOUNT_COLUMNS = (
    "account_id", "user_id", "discord_user_id", "channel", "guild_id", "max_jobs", "sealed_token",
    "masked_token", "created_at", "halt", "halted_at", "halt_cause", "reset_at", "removed_at",
    "epoch", "trouble",
)  # fmt: skip

JOB_COLUMNS = (
    "jobid", "user_id", "account_id", "channel", "verb", "status", "created_at", "updated_at",
    "discord", "params", "max_jobs", "reply_url", "reply_ref", "slot", "slot_until", "nonce",
    "submitted_at", "deadline_at", "interaction_id", "hash", "message_id", "messages",
    "timestamp", "content", "embeds", "attachments", "progress", "cancel_requested_at",
    "vanished_at", "finished_at", "ghost", "late", "code", "error", "error_details", "version",
    "result_message_id", "flags", "buttons", "result", "source_hash", "modal", "discord_user_id",
    "parent_jobid", "once", "pressed", "reply_progress", "server", "asked_after", "wall_ahead",
    "unclear",
)  # fmt: skip

DELIVERY_COLUMNS = (
    "delivery_id", "jobid", "user_id", "url", "body", "created_at", "next_attempt_at", "attempts",
    "status", "is_final",
)  # fmt: skip

_ACCEPTED_ONCE = frozenset(
    {
        "jobid", "user_id", "account_id", "channel", "verb", "created_at", "discord", "params",
        "max_jobs", "reply_url", "reply_ref", "discord_user_id", "parent_jobid", "reply_progress",
        "server", "wall_ahead",
    }
)  # fmt: skip
"""Columns of a job that never change, so that an update need not write them."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_T = TypeVar("_T")
_encode = msgspec.json.Encoder().encode
_decode_params = msgspec.json.Decoder(dict[str, Any]).decode
_decode_messages = msgspec.json.Decoder(dict[str, MessageRole]).decode
_decode_embeds = msgspec.json.Decoder(tuple[Embed, ...]).decode
_decode_attachments = msgspec.json.Decoder(tuple[Attachment, ...]).decode
_decode_buttons = msgspec.json.Decoder(tuple[Button, ...]).decode
_decode_modal = msgspec.json.Decoder(Modal).decode
_decode_trouble = msgspec.json.Decoder(Trouble).decode
_decode_shown = msgspec.json.Decoder(Shown).decode

_EVENT_DECODERS: Mapping[str, Callable[[str], JobEvent]] = {
    kind.__name__: msgspec.json.Decoder(kind).decode for kind in get_args(JobEvent)
}


def substitutions() -> Mapping[str, str]:
    """Return what stands for the `{…}` marks of the query file."""
    changing = [name for name in JOB_COLUMNS if name not in _ACCEPTED_ONCE]
    return {
        "{user_columns}": ", ".join(USER_COLUMNS),
        "{user_changes}": ", ".join(
            f"{name} = iif(:writes_{name}, :{name}, {name})" for name in _USER_CHANGES
        ),
        "{account_columns}": ", ".join(ACCOUNT_COLUMNS),
        "{delivery_columns}": ", ".join(DELIVERY_COLUMNS),
        "{delivery_values}": ", ".join(f":{name}" for name in DELIVERY_COLUMNS),
        "{job_columns}": ", ".join(JOB_COLUMNS),
        "{job_values}": ", ".join(f":{name}" for name in JOB_COLUMNS),
        "{job_changes}": ", ".join(f"{name} = :{name}" for name in changing),
    }


def micros(moment: datetime) -> int:
    """Return whole microseconds since 1970 UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def micros_or_none(moment: datetime | None) -> int | None:
    """Return whole microseconds since 1970 UTC, None for None."""
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND


def instant(value: int) -> datetime:
    """Return the aware UTC instant, exact to the microsecond."""
    return _EPOCH + timedelta(microseconds=value)


def instant_or_none(value: int | None) -> datetime | None:
    """Return the aware UTC instant, None for None."""
    return None if value is None else _EPOCH + timedelta(microseconds=value)


@lru_cache(maxsize=1_000)
def user_of(row: Row) -> User:
    """Read a row of USER_COLUMNS. Remembered, because every request reads the same few."""
    (user_id, email, created, token_hash, name, reply_url, expires, revoked, updated, admin) = row
    return User(
        user_id,
        email,
        instant(created),
        token_hash,
        name,
        reply_url,
        instant_or_none(expires),
        instant_or_none(revoked),
        instant_or_none(updated),
        bool(admin),
    )


def user_changes(changes: UserChanges) -> Values:
    """Return the values of a change of some columns, and which columns it writes."""
    values: Values = {}
    for name in _USER_CHANGES:
        value = cast("datetime | int | str | bytes | None", changes.get(name))
        values[f"writes_{name}"] = int(name in changes)
        values[name] = micros(value) if isinstance(value, datetime) else value
    return values


def account_of(row: Row) -> Account:
    """Read a row of ACCOUNT_COLUMNS."""
    (
        account_id, user_id, discord_user_id, channel, guild_id, max_jobs, sealed_token,
        masked_token, created, halt, halted, halt_cause, reset, removed, epoch, trouble,
    ) = row  # fmt: skip
    return Account(
        account_id=account_id,
        user_id=user_id,
        discord_user_id=discord_user_id,
        channel=channel,
        guild_id=guild_id,
        max_jobs=max_jobs,
        sealed_token=sealed_token,
        masked_token=masked_token,
        created_at=instant(created),
        halt=halt,
        halted_at=instant_or_none(halted),
        halt_cause=None if halt_cause is None else HaltCause(halt_cause),
        reset_at=instant_or_none(reset),
        removed_at=instant_or_none(removed),
        epoch=epoch,
        trouble=None if trouble is None else _decode_trouble(trouble),
    )


def setup_values(setup: AccountSetup) -> Values:
    """Return what a caller sets of an account, by column."""
    return {
        "account_id": setup.account_id,
        "user_id": setup.user_id,
        "discord_user_id": setup.discord_user_id,
        "channel": setup.channel,
        "guild_id": setup.guild_id,
        "max_jobs": setup.max_jobs,
        "sealed_token": setup.sealed_token,
        "masked_token": setup.masked_token,
        "at": micros(setup.at),
    }


def job_of(row: Row) -> Job:
    """Read a row of JOB_COLUMNS."""
    (
        jobid, user_id, account_id, channel, verb, status, created, updated, discord, params,
        max_jobs, reply_url, reply_ref, slot, slot_until, nonce, submitted, deadline,
        interaction_id, hash_, message_id, messages, timestamp, content, embeds, attachments,
        progress, cancel_requested, vanished, finished, ghost, late, code, error, error_details,
        version, _, flags, buttons, result, source_hash, modal, discord_user_id, _, _, pressed,
        reply_progress, server, asked_after, wall_ahead, unclear,
    ) = row  # fmt: skip
    return Job(
        jobid=jobid,
        user_id=user_id,
        account_id=account_id,
        channel=channel,
        verb=verb,
        status=JobStatus(status),
        created_at=instant(created),
        updated_at=instant(updated),
        discord=discord,
        server=server,
        params=_decode_params(params) if params else {},
        max_jobs=max_jobs,
        reply_url=reply_url,
        reply_ref=reply_ref,
        slot=bool(slot),
        slot_until=instant_or_none(slot_until),
        nonce=nonce,
        submitted_at=instant_or_none(submitted),
        deadline_at=instant_or_none(deadline),
        interaction_id=interaction_id,
        hash=hash_,
        message_id=message_id,
        messages=_decode_messages(messages) if messages else {},
        timestamp=timestamp,
        content=content,
        embeds=_decode_embeds(embeds) if embeds else (),
        attachments=_decode_attachments(attachments) if attachments else (),
        progress=progress,
        cancel_requested_at=instant_or_none(cancel_requested),
        vanished_at=instant_or_none(vanished),
        finished_at=instant_or_none(finished),
        ghost=bool(ghost),
        late=_settled(_decode_shown(late)) if late else None,
        code=code,
        error=error,
        error_details=error_details,
        version=version,
        flags=flags,
        buttons=_decode_buttons(buttons) if buttons else (),
        result=_decode_params(result) if result else {},
        source_hash=source_hash,
        modal=_whole(_decode_modal(modal)) if modal else None,
        discord_user_id=discord_user_id,
        pressed=pressed,
        reply_progress=bool(reply_progress),
        asked_after=asked_after,
        wall_ahead=timedelta(microseconds=wall_ahead),
        unclear=bool(unclear),
    )


def job_values(job: Job) -> Values:
    """Return a job's values by column."""
    return {
        "jobid": job.jobid,
        "user_id": job.user_id,
        "account_id": job.account_id,
        "channel": job.channel,
        "verb": job.verb,
        "status": job.status.value,
        "created_at": micros(job.created_at),
        "updated_at": micros(job.updated_at),
        "discord": job.discord,
        "server": job.server,
        "params": _json_or_none(job.params),
        "max_jobs": job.max_jobs,
        "reply_url": job.reply_url,
        "reply_ref": job.reply_ref,
        "slot": int(job.slot),
        "slot_until": micros_or_none(job.slot_until),
        "nonce": job.nonce,
        "submitted_at": micros_or_none(job.submitted_at),
        "deadline_at": micros_or_none(job.deadline_at),
        "interaction_id": job.interaction_id,
        "hash": job.hash,
        "message_id": job.message_id,
        "messages": _json_or_none(job.messages),
        "timestamp": job.timestamp,
        "content": job.content,
        "embeds": _json_or_none(job.embeds),
        "attachments": _json_or_none(job.attachments),
        "progress": job.progress,
        "cancel_requested_at": micros_or_none(job.cancel_requested_at),
        "vanished_at": micros_or_none(job.vanished_at),
        "finished_at": micros_or_none(job.finished_at),
        "ghost": int(job.ghost),
        "late": _json_or_none(job.late),
        "code": job.code,
        "error": job.error,
        "error_details": job.error_details,
        "version": job.version,
        "result_message_id": _result_message(job),
        "flags": job.flags,
        "buttons": _json_or_none(job.buttons),
        "result": _json_or_none(job.result),
        "source_hash": job.source_hash,
        "modal": _json_or_none(job.modal),
        "discord_user_id": job.discord_user_id,
        "parent_jobid": job.parent_jobid,
        "once": once_key(job),
        "pressed": job.pressed,
        "reply_progress": int(job.reply_progress),
        "asked_after": job.asked_after,
        "wall_ahead": job.wall_ahead // _MICROSECOND,
        "unclear": int(job.unclear),
    }


def event_of(kind: str, body: str) -> JobEvent:
    """Read an event. Raises: KeyError: no such kind."""
    event = _EVENT_DECODERS[kind](body)
    match event:
        case Acknowledged() | Progressed() | Completed() | Late():
            return replace(event, shown=_settled(event.shown))
        case Moderated(shown=Shown() as shown) | Failed(shown=Shown() as shown):
            return replace(event, shown=_settled(shown))
        case ModalOpened(modal):
            return ModalOpened(_whole(modal))
        case _:
            return event


def event_values(event: JobEvent) -> Values:
    """Return an event's kind and body."""
    return {"kind": type(event).__name__, "body": _encode(event).decode()}


def delivery_of(row: Row) -> Delivery:
    """Read a row of DELIVERY_COLUMNS."""
    delivery_id, jobid, user_id, url, body, created, next_attempt, attempts, status, final = row
    return Delivery(
        delivery_id,
        jobid,
        user_id,
        url,
        body,
        instant(created),
        instant(next_attempt),
        attempts,
        DeliveryStatus(status),
        bool(final),
    )


def delivery_values(delivery: Delivery) -> Values:
    """Return a delivery's values by column."""
    return {
        "delivery_id": delivery.delivery_id,
        "jobid": delivery.jobid,
        "user_id": delivery.user_id,
        "url": delivery.url,
        "body": delivery.body,
        "created_at": micros(delivery.created_at),
        "next_attempt_at": micros(delivery.next_attempt_at),
        "attempts": delivery.attempts,
        "status": delivery.status.value,
        "is_final": int(delivery.is_final),
    }


def mail_of(row: Row) -> Mail:
    """Read a mail as `claim_mails` returns it."""
    mail_id, to, subject, body, created, next_attempt, attempts = row
    return Mail(mail_id, to, subject, body, instant(created), instant(next_attempt), attempts)


def trouble_value(trouble: Trouble | None) -> str | None:
    """Return what Discord refused lately as its column holds it: the same text for the same."""
    return None if trouble is None else _encode(trouble).decode()


def mail_values(mail: Mail) -> Values:
    """Return a mail's values by column."""
    return {
        "mail_id": mail.mail_id,
        "to": mail.to,
        "subject": mail.subject,
        "body": mail.body,
        "created_at": micros(mail.created_at),
        "next_attempt_at": micros(mail.next_attempt_at),
        "attempts": mail.attempts,
    }


def _json_or_none(value: object) -> str | None:
    return _encode(value).decode() if value else None


def _settled(shown: Shown) -> Shown:
    """Give sequences back as the tuples they were; JSON knows lists only."""
    return replace(
        shown,
        embeds=tuple(shown.embeds),
        attachments=tuple(shown.attachments),
        buttons=None if shown.buttons is None else tuple(shown.buttons),
    )


def _whole(modal: Modal) -> Modal:
    return replace(modal, inputs=tuple(modal.inputs))


def once_key(job: Job) -> str | None:
    """Return what no two jobs may share: parent and button of a press that is made once (R38).

    What failed and runs nowhere has made nothing, so it does not count; what was cancelled does.
    """
    if job.button not in PRESSED_ONCE:
        return None
    if job.status is JobStatus.FAILED and not job.ghost:
        return None
    return f"{job.parent_jobid}/{job.button}"


def _result_message(job: Job) -> str | None:
    for message_id, role in job.messages.items():
        if role is MessageRole.RESULT:
            return message_id
    return None

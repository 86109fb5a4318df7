"""The paths of deliveries: the caller's callbacks, and the secret that signs them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from waystation import sentences
from waystation.api.answer import NO_CONTENT, Answer, json_answer
from waystation.api.body import Body
from waystation.api.call import Call
from waystation.api.fields.user import ping_url, replay_since
from waystation.callbacks import CallbackStatus
from waystation.contract import instant
from waystation.engine.service import Service
from waystation.errors import InvalidRequest
from waystation.ports import Delivery, LoggedAttempt, Place, SigningSecret, User

__all__ = [
    "MOST_LISTED",
    "AttemptForm",
    "Deliveries",
    "DeliveryForm",
    "DeliveryPage",
    "NewSecretForm",
    "ReceiverForm",
    "ReceiverPage",
    "ReplayForm",
    "SigningForm",
]

MOST_LISTED: Final = 100
"""Callbacks of one page (R48)."""
LISTED: Final = 50

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_PLACE: Final = re.compile(r"([0-9]{1,17})\.([\w-]{1,64})", re.ASCII)


class AttemptForm(msgspec.Struct, omit_defaults=True):
    """One attempt of a callback."""

    number: int
    at: str
    seconds: Annotated[float, Meta(description="until the answer, or until it was given up")]
    status: Annotated[int | None, Meta(description="the receiver's HTTP status, if any")] = None
    reason: Annotated[
        str | None,
        Meta(
            description="why it was not taken; `taken, not followed` of a redirect that says the "
            "receiver ran"
        ),
    ] = None


class DeliveryForm(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """A callback, without its body."""

    id: Annotated[str, Meta(description="its header `webhook-id`")]
    jobid: Annotated[str | None, Meta(description="missing on a ping")] = None
    reply_url: str
    state: Annotated[
        str,
        Meta(
            description="`pending`, `delivered`, `given_up`, `superseded` (progress that a newer "
            "callback replaced) or `disabled` (its receiver was disabled)"
        ),
    ]
    final: Annotated[bool, Meta(description="`true`: it tells the end of the job")]
    sequence: Annotated[int, Meta(description="its header `waystation-sequence`")]
    created: str
    attempted: Annotated[int, Meta(description="how many attempts there were")]
    next_attempt: Annotated[
        str | None, Meta(description="pending: when it is tried next, if it is not just now")
    ] = None
    attempts: Annotated[
        Sequence[AttemptForm],
        Meta(description="the newest hundred; of one callback, not in a list"),
    ] = ()


class DeliveryPage(msgspec.Struct, omit_defaults=True):
    """Some callbacks, newest first."""

    deliveries: Sequence[DeliveryForm]
    next: Annotated[str | None, Meta(description="for `before` of the next page")] = None


class ReplayForm(msgspec.Struct):
    """A replay that has begun."""

    replayed: Annotated[int, Meta(description="callbacks that are due again now")]
    more: Annotated[bool, Meta(description="`true`: ask again with the same `since`")]


class ReceiverForm(msgspec.Struct, omit_defaults=True, rename="camel"):
    """A receiver that has failed since it took a callback last."""

    receiver: Annotated[
        str, Meta(description="scheme, host and port; or the URL that has answered 410")
    ]
    failing_since: str
    failed: Annotated[str, Meta(description="when it failed last")]
    reason: Annotated[str, Meta(description="why the last attempt was not taken")]
    mails: Annotated[int, Meta(description="mails that have told of it")]
    disabled: Annotated[
        str | None, Meta(description="since then nothing is sent to it but pings")
    ] = None


class ReceiverPage(msgspec.Struct):
    """Receivers that fail, the last failure first."""

    receivers: Annotated[Sequence[ReceiverForm], Meta(description="a hundred at most")]


class SigningForm(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """The caller's signing secret, without the secret."""

    signs: Annotated[bool, Meta(description="`false`: callbacks of the caller are not signed")]
    created: Annotated[str | None, Meta(description="when the newest secret was made")] = None
    former_until: Annotated[
        str | None, Meta(description="until then a secret that was replaced signs, too")
    ] = None


class NewSecretForm(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """A new signing secret."""

    secret: Annotated[str, Meta(description="`whsec_` and base64; it is never shown again")]
    created: str
    former_until: Annotated[
        str | None, Meta(description="until then a secret that was replaced signs, too")
    ] = None


class Deliveries:
    """The calls for callbacks."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._deliveries = service.deliveries

    async def page(self, call: Call, user: User) -> Answer:
        """Answer some of the caller's callbacks, newest first."""
        limit = _limit(call.query(b"limit"))
        found = await self._deliveries.page(
            user,
            jobid=call.query(b"jobid") or None,
            status=_status(call.query(b"state")),
            before=_place(call.query(b"before")),
            limit=limit,
        )
        shown = [self._form(one) for one in found[:limit]]
        more = _text_of(found[limit - 1]) if len(found) > limit else None
        return json_answer(DeliveryPage(shown, more))

    async def read(self, call: Call, user: User) -> Answer:
        """Answer one callback with its attempts."""
        delivery, attempts = await self._deliveries.find(user, call.path("id"))
        return json_answer(self._form(delivery, attempts))

    async def redeliver(self, call: Call, user: User) -> Answer:
        """Send the end of a job again."""
        return json_answer(self._form(await self._deliveries.redeliver(user, call.path("id"))))

    async def replay(self, call: Call, user: User, body: Body) -> Answer:
        """Send again what was not taken since a moment."""
        replayed, more = await self._deliveries.replay(user, replay_since(body))
        return json_answer(ReplayForm(replayed, more))

    async def ping(self, call: Call, user: User, body: Body) -> Answer:
        """Send a test to a receiver."""
        url = ping_url(body) or user.reply_url
        if not url:
            raise InvalidRequest(sentences.NO_URL_TO_PING.text)
        self._service.check_reply_url(url)
        return json_answer(self._form(await self._deliveries.ping(user, url)))

    async def receivers(self, call: Call, user: User) -> Answer:
        """Answer the caller's receivers that fail."""
        found = await self._deliveries.receivers(user)
        forms = [
            ReceiverForm(
                receiver=one.place,
                failing_since=self._text(one.failing_since),
                failed=self._text(one.failed_at),
                reason=one.reason,
                mails=one.told,
                disabled=None if one.disabled_at is None else self._text(one.disabled_at),
            )
            for one in found
        ]
        return json_answer(ReceiverPage(forms))

    async def enable(self, call: Call, user: User, body: Body) -> Answer:
        """Let callbacks be sent to a receiver again."""
        url = ping_url(body)
        if not url:
            raise InvalidRequest(sentences.MISSING.said(field="replyUrl"))
        await self._deliveries.enable(user, url)
        return NO_CONTENT

    async def read_signing(self, call: Call, user: User) -> Answer:
        """Answer since when callbacks are signed."""
        created, former_until = await self._signing(user)
        form = SigningForm(signs=created is not None, created=created, former_until=former_until)
        return json_answer(form)

    async def new_secret(self, call: Call, user: User) -> Answer:
        """Make a signing secret and show it."""
        secret = await self._deliveries.new_secret(user)
        created, former_until = await self._signing(user)
        form = NewSecretForm(
            secret=secret.reveal(), created=created or "", former_until=former_until
        )
        return json_answer(form, 201)

    def _form(self, one: Delivery, attempts: Sequence[LoggedAttempt] = ()) -> DeliveryForm:
        waits = one.status is CallbackStatus.PENDING
        return DeliveryForm(
            id=one.callback_id,
            jobid=one.jobid,
            reply_url=one.url,
            state=one.status.value,
            final=one.is_final,
            sequence=one.sequence,
            created=self._text(one.created_at),
            attempted=one.attempts,
            next_attempt=self._text(one.next_attempt_at) if waits else None,
            attempts=tuple(
                AttemptForm(
                    each.number,
                    self._text(each.at),
                    round(each.ended.duration_s, 3),
                    each.ended.status,
                    each.ended.reason,
                )
                for each in attempts
            ),
        )

    async def _signing(self, user: User) -> tuple[str | None, str | None]:
        """Return when the newest secret was made, and until when another one signs, too."""
        secrets: Sequence[SigningSecret] = await self._deliveries.secrets(user)
        created = self._text(secrets[0].made_at) if secrets else None
        ends = [one.ends_at for one in secrets if one.ends_at is not None]
        return created, self._text(max(ends)) if ends else None

    def _text(self, moment: datetime) -> str:
        return instant(self._deliveries.shown(moment))


def _limit(text: str | None) -> int:
    if not text:
        return LISTED
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= MOST_LISTED):
        raise InvalidRequest(sentences.NO_LIMIT.said(most=MOST_LISTED))
    return int(text)


def _status(text: str | None) -> CallbackStatus | None:
    if not text:
        return None
    try:
        return CallbackStatus(text)
    except ValueError:
        choices = ", ".join(CallbackStatus)
        raise InvalidRequest(sentences.NO_CHOICE.said(field="state", choices=choices)) from None


def _place(text: str | None) -> Place | None:
    """Read what `_text_of` wrote: microseconds since 1970 and an id."""
    if not text:
        return None
    found = _PLACE.fullmatch(text)
    if found is None:
        raise InvalidRequest(sentences.NO_PLACE.text)
    return Place(_EPOCH + int(found[1]) * _MICROSECOND, found[2])


def _text_of(one: Delivery) -> str:
    return f"{(one.created_at - _EPOCH) // _MICROSECOND}.{one.callback_id}"

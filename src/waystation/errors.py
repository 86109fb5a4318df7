"""Every error of Waystation, on one screen.

WaystationError
├─ InvalidRequest
│  └─ PreconditionFailed
├─ Unauthorized
├─ SubscriptionExpired
├─ NotFound
├─ Conflict
│  ├─ ButtonRepeated
│  └─ NotAnsweredYet
├─ TooLarge
├─ MediaGone
├─ MediaLate
├─ MediaFailed
├─ RangeNotSatisfiable
├─ UnsupportedMedia
├─ Busy
│  ├─ Throttled
│  └─ RateLimited
├─ Halted
├─ Unavailable
├─ ProtocolError
│  ├─ LocalProtocolError
│  └─ RemoteProtocolError
├─ TransportError
│  ├─ Unreachable
│  │  ├─ NotConnected
│  │  └─ Unanswered
│  ├─ Withheld
│  ├─ NotAuthorised
│  ├─ HumanCheckRequired
│  └─ RequestRefused
├─ StoreError
│  ├─ LeaseLost
│  ├─ VersionConflict
│  ├─ AccountHalted
│  ├─ UuidTaken
│  └─ SchemaMismatch
├─ VaultError
└─ ConfigurationError

Rules: the default message of a class is its `sentence`, or else its docstring; `status_hint` is
the HTTP status a face answers with; expected outcomes (moderated, refused) are values, not errors.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from waystation import sentences
from waystation.quotas import Quota
from waystation.sentences import Sentence

__all__ = [
    "AccountHalted",
    "Busy",
    "ButtonRepeated",
    "ConfigurationError",
    "Conflict",
    "Halted",
    "HumanCheckRequired",
    "InvalidRequest",
    "LeaseLost",
    "LocalProtocolError",
    "MediaFailed",
    "MediaGone",
    "MediaLate",
    "NotAnsweredYet",
    "NotAuthorised",
    "NotConnected",
    "NotFound",
    "PreconditionFailed",
    "ProtocolError",
    "RangeNotSatisfiable",
    "RateLimited",
    "RemoteProtocolError",
    "RequestRefused",
    "SchemaMismatch",
    "StoreError",
    "SubscriptionExpired",
    "Throttled",
    "TooLarge",
    "TransportError",
    "Unanswered",
    "Unauthorized",
    "Unavailable",
    "Unreachable",
    "UnsupportedMedia",
    "UuidTaken",
    "VaultError",
    "VersionConflict",
    "WaystationError",
    "Withheld",
]


class WaystationError(Exception):
    """Something went wrong in Waystation."""

    status_hint: ClassVar[int] = 500
    sentence: ClassVar[Sentence | None] = None

    def __init__(self, message: str | None = None, *, details: str | None = None) -> None:
        self.message = message or self._own()
        self.details = details
        super().__init__(self.message)

    def _own(self) -> str:
        return self.sentence.text if self.sentence else (self.__doc__ or "").splitlines()[0]


class InvalidRequest(WaystationError):
    """The request is not valid."""

    status_hint = 400


class PreconditionFailed(InvalidRequest):
    """An input of the request is missing or cannot be used."""

    status_hint = 412


class Unauthorized(WaystationError):
    """The token is missing, wrong or revoked."""

    status_hint = 401
    sentence = sentences.UNAUTHORIZED


class SubscriptionExpired(WaystationError):
    """The user's expiry date has passed."""

    status_hint = 402
    sentence = sentences.NO_SUBSCRIPTION


class NotFound(WaystationError):
    """There is no such thing."""

    status_hint = 404


class Conflict(WaystationError):
    """The request conflicts with an earlier one."""

    status_hint = 409


class ButtonRepeated(Conflict):
    """The button was pressed already, and can be pressed once only."""

    def __init__(self, message: str | None = None, *, button: str = "", jobid: str = "") -> None:
        super().__init__(message)
        self.button = button
        self.jobid = jobid


class NotAnsweredYet(Conflict):
    """The first request with this key waits for its answer."""

    sentence = sentences.KEY_IN_USE

    def __init__(self, retry_after_s: int) -> None:
        super().__init__()
        self.retry_after_s = retry_after_s


class TooLarge(WaystationError):
    """A body has more bytes than it may have."""

    status_hint = 413
    sentence = sentences.LARGE_BODY


class MediaGone(WaystationError):
    """The file is no longer at Discord."""

    status_hint = 410
    sentence = sentences.MEDIA_GONE


class MediaLate(WaystationError):
    """Discord did not answer in time with the file."""

    status_hint = 504
    sentence = sentences.MEDIA_LATE


class MediaFailed(WaystationError):
    """The file could not be read from Discord, or cannot be shown."""

    status_hint = 502
    sentence = sentences.MEDIA_UNREAD


class RangeNotSatisfiable(WaystationError):
    """The range begins behind the end of the file.

    Args: length: bytes of the file
    """

    status_hint = 416
    sentence = sentences.MEDIA_RANGE

    def __init__(self, length: int = 0) -> None:
        super().__init__()
        self.length = length


class UnsupportedMedia(WaystationError):
    """The request body is of a type that cannot be read."""

    status_hint = 415


class Busy(WaystationError):
    """All slots are taken."""

    status_hint = 429

    def __init__(
        self,
        message: str | None = None,
        *,
        executing_jobs: Sequence[str] | None = None,
        retry_after_s: int = 10,
        details: str | None = None,
        quota: Quota | None = None,
    ) -> None:
        """Args: quota: the limit that was reached."""
        super().__init__(message, details=details)
        self.executing_jobs = None if executing_jobs is None else tuple(executing_jobs)
        self.retry_after_s = retry_after_s
        self.quota = quota


class Throttled(Busy):
    """Too many requests of this kind; wait and try again."""


class RateLimited(Busy):
    """Discord has asked the account to wait."""


class Halted(WaystationError):
    """The account is halted until a person has dealt with it and reset it."""

    status_hint = 596


class Unavailable(WaystationError):
    """Waystation cannot serve at the moment."""

    status_hint = 503
    sentence = sentences.STOPPING


class ProtocolError(WaystationError):
    """A step outside the protocol."""


class LocalProtocolError(ProtocolError):
    """Waystation asked for an illegal step; this is a bug."""


class RemoteProtocolError(ProtocolError):
    """Discord or the bot said something unreadable."""


class TransportError(WaystationError):
    """Discord could not be used."""

    status_hint = 502


class Unreachable(TransportError):
    """Discord did not answer; the read can be repeated."""


class NotConnected(Unreachable):
    """The account is not connected to Discord's gateway."""


class Unanswered(Unreachable):
    """The answer to a request of ours was lost; it may have been heard.

    Args: broken: the connection broke, or a proxy answered; False: there was no answer in time
    """

    def __init__(
        self, message: str | None = None, details: str | None = None, *, broken: bool = False
    ) -> None:
        super().__init__(message, details=details)
        self.broken = broken


class Withheld(TransportError):
    """Nothing is sent to Discord for now.

    Args: wait_s: until when; text: Discord's last word on it, as sent; None: Waystation itself has
    stopped
    """

    def __init__(
        self, message: str | None = None, wait_s: float = 0.0, text: str | None = None
    ) -> None:
        super().__init__(message)
        self.wait_s = wait_s
        self.text = text


class NotAuthorised(TransportError):
    """Discord does not take the account's token."""

    sentence = sentences.DISCORD_REJECTED_TOKEN


class HumanCheckRequired(TransportError):
    """Discord asks for a person."""

    sentence = sentences.PERSON_WANTED


class RequestRefused(TransportError):
    """Discord refused a request.

    Args: status: HTTP status; body: what Discord sent, cut to 2,000 characters; kind and
    discord_code: as of `actions.Refused`
    """

    def __init__(
        self, status: int, body: str, kind: str = "invalid", discord_code: str = ""
    ) -> None:
        super().__init__(f"Discord answered with HTTP status {status}", details=body)
        self.status = status
        self.body = body
        self.kind = kind
        self.discord_code = discord_code


class StoreError(WaystationError):
    """The store could not do this."""

    status_hint = 503


class LeaseLost(StoreError):
    """Another process owns the account."""


class VersionConflict(StoreError):
    """The row was changed by someone else in between."""


class AccountHalted(StoreError):
    """The account was halted before the submission could be recorded."""


class UuidTaken(StoreError):
    """Discord showed a uuid or a result of one job where another one has it."""


class SchemaMismatch(StoreError):
    """The database was made by another version of Waystation."""


class VaultError(WaystationError):
    """A sealed value could not be opened with the keys at hand."""


class ConfigurationError(WaystationError):
    """A setting is missing or not valid."""

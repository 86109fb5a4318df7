"""DELIVERY_OPERATIONS: the rows of the paths under `/v2/deliveries`; they are additions to v2."""

from __future__ import annotations

from collections.abc import Mapping

from waystation.api.deliveries import (
    LISTED,
    MOST_LISTED,
    DeliveryForm,
    DeliveryPage,
    NewSecretForm,
    ReceiverPage,
    ReplayForm,
    SigningForm,
)
from waystation.api.fields.values import MAX_REFERENCE
from waystation.api.operation import GUARDED, NO_BODY, Field, Operation, text
from waystation.callbacks import CallbackStatus

__all__ = ["DELIVERY_OPERATIONS"]

DELIVERY_OPERATIONS: Mapping[str, Operation] = {
    "GET /v2/deliveries": Operation(
        "listDeliveries",
        "List your callbacks, newest first.",
        {200: DeliveryPage},
        (*GUARDED, "lists deliveries"),
        query=(
            Field("jobid", {"type": "string"}, "Those of one job"),
            Field("state", {"type": "string", "enum": list(CallbackStatus)}, "Those in one state"),
            Field(
                "limit",
                {"type": "integer", "minimum": 1, "maximum": MOST_LISTED},
                f"Callbacks of a page; default {LISTED}",
            ),
            Field("before", {"type": "string"}, "`next` of the page before"),
        ),
        about="A callback is deleted with its job.",
    ),
    "GET /v2/deliveries/{id}": Operation(
        "readDelivery",
        "Read one callback with its attempts.",
        {200: DeliveryForm},
        (*GUARDED, "names a delivery"),
    ),
    "POST /v2/deliveries/{id}/redeliver": Operation(
        "redeliver",
        "Send a callback again, now, whether it was taken or not.",
        {200: DeliveryForm},
        (*GUARDED, "names a delivery", "redelivers"),
        about=(
            "It keeps its `webhook-id`, and has eight attempts again. One that is on its way just "
            "now goes on. The callback must tell the end of a job."
        ),
    ),
    "POST /v2/deliveries/replay": Operation(
        "replay",
        "Send again, now, each callback that was owed since a moment and was not taken.",
        {200: ReplayForm},
        (*GUARDED, "reads a body", "replays"),
        body=(
            Field(
                "since",
                text(64, format="date-time"),
                "Moment of ISO 8601; without a zone it is UTC",
                True,
                example="2027-01-31T12:00:00Z",
            ),
        ),
        about=(
            "Meant for the hour after a receiver was down. Ends of jobs are sent, those that wait "
            "for their next attempt too; progress is not. `more` says that there are more than "
            "10000: ask again."
        ),
    ),
    "POST /v2/deliveries/ping": Operation(
        "ping",
        "Send a test to a receiver, once.",
        {200: DeliveryForm},
        (*GUARDED, "reads a body", "takes a reference", "pings"),
        body=(
            Field(
                "replyUrl",
                text(MAX_REFERENCE, format="uri"),
                "http or https URL of the receiver; default: the caller's own",
            ),
        ),
        about=(
            "The body has `jobid` (`ping:` and an id), `verb` (`ping`), `status` (`completed`), "
            "`created`, `updated`, `replyUrl` and `code`. Reading the callback tells how the "
            "receiver has answered."
        ),
    ),
    "GET /v2/deliveries/receivers": Operation(
        "listReceivers",
        "List your receivers that have failed since they took a callback last.",
        {200: ReceiverPage},
        GUARDED,
        about=(
            "A receiver that fails for 5 days ([`receiver_patience_days`](settings.md)) is "
            "disabled; mails tell of it after 1, 3 and 5 days. A URL that answers 410 is disabled "
            "at once. "
            "Whatever a receiver takes ends this."
        ),
    ),
    "POST /v2/deliveries/enable": Operation(
        "enable",
        "Let callbacks be sent to a receiver again, without a test.",
        NO_BODY,
        (*GUARDED, "reads a body", "takes a reference", "enables"),
        body=(
            Field(
                "replyUrl",
                text(MAX_REFERENCE, format="uri"),
                "A URL of the receiver; the URL itself is enabled, too",
                True,
            ),
        ),
        about=(
            "Callbacks of jobs that end from then on are sent. Those that were kept meanwhile stay "
            "`disabled`: `GET /v2/deliveries?state=disabled` lists them, and `POST "
            "/v2/deliveries/replay` sends those of ended jobs."
        ),
    ),
    "GET /v2/deliveries/secret": Operation(
        "readSigning",
        "Tell since when your callbacks are signed.",
        {200: SigningForm},
        GUARDED,
        about="The secret itself was shown when it was made.",
    ),
    "POST /v2/deliveries/secret": Operation(
        "makeSecret",
        "Make the secret that signs your callbacks, or a new one in its place.",
        {201: NewSecretForm},
        (*GUARDED, "makes a secret"),
        about=(
            "The secret is shown by this answer alone. A secret that is replaced signs for 24 "
            "hours more, so that each receiver can learn the new one meanwhile."
        ),
    ),
}
"""`METHOD template` → row."""

"""User: the bodies that change a user, and those about his callbacks."""

from __future__ import annotations

from datetime import UTC, datetime

from waystation import sentences
from waystation.api.body import Body
from waystation.api.fields.values import bounded, checked_reply_url, sent_text_at, text_at
from waystation.errors import InvalidRequest

__all__ = ["ping_url", "replay_since", "user_changes"]


def user_changes(body: Body) -> tuple[str | None, str | None]:
    """Return the new name and default replyUrl; None leaves one as it is, "" clears it.

    `user` stands in for `name`, because v2's own example sends it so (v2 notes 4.2).
    """
    fields = body.fields
    name = sent_text_at(fields, "name")
    if name is None:
        name = sent_text_at(fields, "user")
    reply_url = sent_text_at(fields, "replyUrl")
    return bounded(name, "name"), checked_reply_url(reply_url)


def ping_url(body: Body) -> str | None:
    """Return the URL that is to be tested, if one is sent."""
    return checked_reply_url(text_at(body.fields, "replyUrl"))


def replay_since(body: Body) -> datetime:
    """Return the moment from which missing callbacks are sent again; without a zone it is UTC."""
    text = text_at(body.fields, "since")
    try:
        moment = datetime.fromisoformat((text or "").strip())
    except ValueError:
        raise InvalidRequest(sentences.NO_MOMENT.said(field="since")) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment

"""Account: the bodies that set an account up, in the forms of both eras, and limit it."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping

from waystation import sentences
from waystation.api.body import Body
from waystation.api.fields.values import id_text_at, number_at, text_at
from waystation.errors import InvalidRequest
from waystation.midjourney.commands import MAX_JOBS
from waystation.secret import Secret
from waystation.wire.snowflake import is_snowflake

__all__ = ["account_limits", "channel_account", "new_account"]

_TOKEN = re.compile(r"([\w-]{4,64})\.[\w-]{3,64}\.[\w-]{3,384}|mfa\.[\w-]{20,508}", re.ASCII)
"""A Discord token: the user's id in base64, a time, a signature; an old form begins with `mfa`.

Any other text must not become a secret, because every log line loses the secrets in it.
Source: wire notes 1.1; Discord, Authentication
"""

_MAX_SHOWN = 64
"""How much of a caller's text a sentence repeats, in characters."""


def new_account(body: Body) -> tuple[Secret, int | None]:
    """Return token and maxJobs, if sent, of `POST /v2/account/midjourney` (Era B)."""
    text = _token_text(body.fields)
    max_jobs = _account_max_jobs(body.fields)
    return _token(text), max_jobs


def channel_account(channel: str, body: Body) -> tuple[Secret, str, int]:
    """Return token, server and maxJobs of `POST /v2/account/midjourney/<channel>` (Era A)."""
    fields = body.fields
    text = _token_text(fields)
    server = _snowflake(fields, "server")
    named = _snowflake(fields, "channel")
    if named != channel:
        raise InvalidRequest(sentences.OTHER_CHANNEL.said(channel=named, path=channel))
    max_jobs = _account_max_jobs(fields)
    if max_jobs is None:
        raise InvalidRequest(sentences.NO_MAX_JOBS.text)
    return _token(text), server, max_jobs


def account_limits(body: Body) -> tuple[int | None, int | None]:
    """Return jobs a day (0: any number) and maxJobs of an account; None: not sent, and not both."""
    jobs_a_day, max_jobs = number_at(body.fields, "jobsADay"), _account_max_jobs(body.fields)
    if (jobs_a_day is None and max_jobs is None) or (jobs_a_day is not None and jobs_a_day < 0):
        raise InvalidRequest(sentences.NO_JOBS_A_DAY.text)
    return jobs_a_day, max_jobs


def _token_text(fields: Mapping[str, object]) -> str:
    text = (text_at(fields, "discord") or "").strip()
    if not text:
        raise InvalidRequest(sentences.NO_DISCORD.text)
    return text


def _token(text: str) -> Secret:
    form = _TOKEN.fullmatch(text)
    if form is None or (form[1] and not _names_a_user(form[1])):
        raise InvalidRequest(sentences.NO_DISCORD_TOKEN.text)
    return Secret(text)


def _names_a_user(head: str) -> bool:
    """Tell whether a token's first part is a Discord id in base64."""
    try:
        return base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)).isdigit()
    except ValueError:
        return False


def _snowflake(fields: Mapping[str, object], name: str) -> str:
    text = (id_text_at(fields, name) or "").strip()
    if not text:
        raise InvalidRequest(sentences.PARAM_MISSING.said(field=name))
    if not is_snowflake(text):
        shown = text[:_MAX_SHOWN]
        raise InvalidRequest(sentences.NO_DISCORD_ID.said(field=name, value=shown, what=name))
    return text


def _account_max_jobs(fields: Mapping[str, object]) -> int | None:
    value = number_at(fields, "maxJobs")
    if value is not None and value > MAX_JOBS:
        raise InvalidRequest(  # "that" is v2's own spelling (v2 notes 4.4)
            sentences.MAX_JOBS_HIGH.said(maxJobs=value, limit=MAX_JOBS)
        )
    if value is not None and value < 1:
        raise InvalidRequest(sentences.MAX_JOBS_LOW.said(maxJobs=value))
    return value

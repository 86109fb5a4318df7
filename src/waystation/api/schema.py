"""Schema: bodies of v2 as arguments of the service; every sentence of a 400 or 412 is here.

Rules: unknown fields are ignored, since clients of both eras send more than is needed. null and,
but for a required field, the empty text count as absent. A form and a JSON body mean the same: a
number may also come as text, which is all that a form can send.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec

from waystation import sentences
from waystation.api.body import Body
from waystation.engine.intake import FilePart
from waystation.engine.request import JobRequest
from waystation.errors import InvalidRequest, PreconditionFailed
from waystation.midjourney.commands import MAX_JOBS, MODES, Command, Param, ParamKind
from waystation.secret import Secret
from waystation.wire.snowflake import is_snowflake

__all__ = [
    "MAX_PICTURE_URL",
    "MAX_REFERENCE",
    "channel_account",
    "job_request",
    "new_account",
    "ping_url",
    "replay_since",
    "user_changes",
]

MAX_REFERENCE = 1024
"""Longest replyUrl, replyRef and name, in characters. Source: v2 notes 5."""

MAX_PICTURE_URL = 4096
"""Longest picture URL; signed links have some 300 to 2,000 characters."""

_NUMBER_TEXT = re.compile(r"[+-]?[0-9]{1,9}")

_TOKEN = re.compile(r"([\w-]{4,64})\.[\w-]{3,64}\.[\w-]{3,384}|mfa\.[\w-]{20,508}", re.ASCII)
"""A Discord token: the user's id in base64, a time, a signature; an old form begins with `mfa`.

Any other text must not become a secret, because every log line loses the secrets in it.
Source: wire notes 1.1; Discord, Authentication
"""

_DATA_PREFIX = re.compile(r"\Adata:image/(?:png|webp);base64,")

_MAX_SHOWN = 64
"""How much of a caller's text a sentence repeats, in characters."""

_NAMELESS = "picture"
"""File name of a file part that came without a usable one."""


def job_request(command: Command, body: Body) -> JobRequest:
    """Return what a `POST /v2/jobs/{verb}` asks for.

    Raises: InvalidRequest, or PreconditionFailed where the command's row says 412 (R5)
    """
    try:
        return _job_request(command, body)
    except InvalidRequest as error:
        if command.bad_input_status == PreconditionFailed.status_hint:
            raise PreconditionFailed(error.message, details=error.details) from error
        raise


def _job_request(command: Command, body: Body) -> JobRequest:
    params, files = _inputs(command, body)
    fields = body.fields
    return JobRequest(
        verb=command.verb,
        channel=_id_text(fields, "channel"),
        max_jobs=_request_max_jobs(fields) if command.takes_slot else None,
        reply_url=_reply_url(_text(fields, "replyUrl")),
        reply_ref=_bounded(_text(fields, "replyRef"), "replyRef"),
        params=params,
        files=files,
        reply_progress=_switch(fields, "replyProgress"),
        mode=None if "mode" in (param.name for param in command.params) else _mode(fields),
        era_a=any(fields.get(name) not in (None, "") for name in ("discord", "server")),
    )


def user_changes(body: Body) -> tuple[str | None, str | None]:
    """Return the new name and default replyUrl; None leaves one as it is, "" clears it.

    `user` stands in for `name`, because v2's own example sends it so (v2 notes 4.2).
    """
    fields = body.fields
    name = _sent_text(fields, "name")
    if name is None:
        name = _sent_text(fields, "user")
    reply_url = _sent_text(fields, "replyUrl")
    return _bounded(name, "name"), _reply_url(reply_url)


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


def ping_url(body: Body) -> str | None:
    """Return the URL that is to be tested, if one is sent."""
    return _reply_url(_text(body.fields, "replyUrl"))


def replay_since(body: Body) -> datetime:
    """Return the moment from which missing callbacks are sent again; without a zone it is UTC."""
    text = _text(body.fields, "since")
    try:
        moment = datetime.fromisoformat((text or "").strip())
    except ValueError:
        raise InvalidRequest(sentences.NO_MOMENT.said(field="since")) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


# ── a verb's own fields ──


def _inputs(command: Command, body: Body) -> tuple[dict[str, object], dict[str, FilePart]]:
    params: dict[str, object] = {}
    files: dict[str, FilePart] = {}
    for param in command.params:
        match param.kind:
            case ParamKind.PICTURE:
                file = _file(param, body)
                if file is not None:
                    files[param.name] = file
                else:
                    params |= _picture_url(param, body.fields)
            case ParamKind.PICTURES:
                files |= _numbered_files(param, body)
                params |= _picture_urls(param, body.fields, len(files))
            case ParamKind.MASK:
                files |= _mask(param, body.fields)
            case ParamKind.PARENT:
                parent = _own_text(param, body.fields)
                params |= {"parentJobId": parent[param.name]} if parent else {}
            case ParamKind.TEXT | ParamKind.CHOICE:
                params |= _own_text(param, body.fields)
    for param in command.params:
        if param.name in params and param.beside is not None and param.beside not in params:
            raise InvalidRequest(sentences.WITHOUT_OTHER.said(field=param.name, other=param.beside))
    return params, files


def _own_text(param: Param, fields: Mapping[str, object]) -> dict[str, object]:
    text = _sent_text(fields, param.name)
    if text is None:
        if param.required:
            raise InvalidRequest(sentences.MISSING.said(field=param.name))
        return {}
    text = text.strip()
    if not text:
        if param.required:
            raise InvalidRequest(sentences.EMPTY.said(field=param.name))
        return {}
    if len(text) > param.longest:
        raise InvalidRequest(
            sentences.TOO_LONG.said(field=param.name),
            details=f"At most {param.longest} characters are taken.",
        )
    if param.choices and text not in param.choices:
        raise InvalidRequest(
            sentences.NO_CHOICE.said(field=param.name, choices=", ".join(param.choices))
        )
    return {param.name: text}


def _mask(param: Param, fields: Mapping[str, object]) -> dict[str, FilePart]:
    text = _text(fields, param.name)
    if text is None:
        return {}
    try:
        data = base64.b64decode(_DATA_PREFIX.sub("", text), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not (data.startswith(b"\x89PNG\r\n") or (data[:4], data[8:12]) == (b"RIFF", b"WEBP")):
        raise InvalidRequest(sentences.NO_MASK_FILE.said(field=param.name))
    return {param.name: FilePart(filename=param.name, data=data)}


def _numbered_files(param: Param, body: Body) -> dict[str, FilePart]:
    files = {}
    for number in range(1, param.most + 1):
        name = f"{param.file_part}{number}"
        part = body.files.get(name)
        if part is None:
            continue
        if not part.data:
            raise InvalidRequest(sentences.EMPTY_PART.said(part=name))
        files[name] = FilePart(filename=_plain_name(part.filename), data=part.data)
    return files


def _picture_urls(param: Param, fields: Mapping[str, object], sent: int) -> dict[str, object]:
    """Read a list of URLs. Args: sent: how many pictures came as files."""
    urls = _listed(fields.get(param.name))
    if urls is None or (len(urls) == 1 and isinstance(fields.get(param.name), str) and not sent):
        raise InvalidRequest(sentences.NO_URL_LIST.said(field=param.name))
    if not urls and not sent:
        raise InvalidRequest(sentences.MISSING.said(field=param.name), details=_together(param))
    if not param.fewest <= len(urls) + sent <= param.most:
        raise InvalidRequest(
            sentences.PICTURE_COUNT.said(field=param.name, fewest=param.fewest, most=param.most),
            details=_together(param),
        )
    for url in urls:
        if len(url) > MAX_PICTURE_URL:
            raise InvalidRequest(sentences.TOO_LONG.said(field=param.name))
        if not _is_web_url(url):
            raise InvalidRequest(sentences.HOLDS_NO_URL.said(field=param.name))
    return {param.name: urls} if urls else {}


def _listed(value: object) -> list[str] | None:
    """Return a list of texts; a form sends one text, a JSON list or URLs with spaces between."""
    match value:
        case None:
            return []
        case str() as text if text.lstrip().startswith("["):
            try:
                return msgspec.json.decode(text, type=list[str])
            except msgspec.DecodeError:
                return None
        case str() as text:
            return text.split()
        case tuple() as items:
            return [str(item).strip() for item in items]
        case list() as items if all(isinstance(item, str) for item in items):
            return [item.strip() for item in items]
        case _:
            return None


def _file(param: Param, body: Body) -> FilePart | None:
    part = body.files.get(param.file_part) if param.file_part else None
    if part is None:
        return None
    if body.fields.get(param.name) not in (None, ""):
        raise InvalidRequest(sentences.NOT_BOTH.said(field=param.name, part=param.file_part))
    if not part.data:
        raise InvalidRequest(sentences.EMPTY_PART.said(part=param.file_part))
    return FilePart(filename=_plain_name(part.filename), data=part.data)


def _plain_name(filename: str) -> str:
    """Return the last part of a path, without what could not stand in a file name or a log."""
    last = re.split(r"[/\\]", filename)[-1]
    kept = "".join(character for character in last if character.isprintable())
    return kept.strip(" .")[-128:] or _NAMELESS


def _picture_url(param: Param, fields: Mapping[str, object]) -> dict[str, object]:
    url = _sent_text(fields, param.name)
    if url is None:
        if param.required:
            raise InvalidRequest(sentences.MISSING.said(field=param.name))
        return {}
    url = url.strip()
    if not url:
        raise InvalidRequest(sentences.EMPTY.said(field=param.name))
    if len(url) > MAX_PICTURE_URL:
        raise InvalidRequest(sentences.TOO_LONG.said(field=param.name))
    if not _is_web_url(url):
        raise InvalidRequest(sentences.NO_URL.said(field=param.name))
    return {param.name: url}


def _together(param: Param) -> str | None:
    """Say how pictures can be sent beside their URLs.

    Describe says nothing of it: v2's answer has no such field (v2 notes 6.3, 412).
    """
    part = param.file_part
    if part is None:
        return None
    parts = f"{part}1 to {part}{param.most}"
    return f"URLs in {param.name} and files as parts {parts} of a form count together."


# ── fields that all verbs share ──


def _request_max_jobs(fields: Mapping[str, object]) -> int | None:
    value = _whole_number(fields, "maxJobs")
    if value is not None and not 1 <= value <= MAX_JOBS:
        raise InvalidRequest(sentences.MAX_JOBS_RANGE.said(maxJobs=value, limit=MAX_JOBS))
    return value


def _mode(fields: Mapping[str, object]) -> str | None:
    mode = _text(fields, "mode")
    if mode is not None and mode not in MODES:
        raise InvalidRequest(sentences.NO_CHOICE.said(field="mode", choices=", ".join(MODES)))
    return mode


def _switch(fields: Mapping[str, object], name: str) -> bool | None:
    """Return a field that is true or false; a form can only say so in words."""
    match _value(fields, name):
        case None | "":
            return None
        case bool(value):
            return value
        case "true" | "false" as word:
            return word == "true"
        case _:
            raise InvalidRequest(sentences.NO_BOOLEAN.said(field=name))


def _reply_url(url: str | None) -> str | None:
    if _bounded(url, "replyUrl") and not _is_web_url(url or ""):
        raise InvalidRequest(sentences.NO_REPLY_URL.text)
    return url


def _bounded(text: str | None, name: str) -> str | None:
    if text is not None and len(text) > MAX_REFERENCE:
        raise InvalidRequest(sentences.TOO_LONG.said(field=name))
    return text


# ── fields of an account ──


def _token_text(fields: Mapping[str, object]) -> str:
    text = (_text(fields, "discord") or "").strip()
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
    text = (_id_text(fields, name) or "").strip()
    if not text:
        raise InvalidRequest(sentences.PARAM_MISSING.said(field=name))
    if not is_snowflake(text):
        shown = text[:_MAX_SHOWN]
        raise InvalidRequest(sentences.NO_DISCORD_ID.said(field=name, value=shown, what=name))
    return text


def _account_max_jobs(fields: Mapping[str, object]) -> int | None:
    value = _whole_number(fields, "maxJobs")
    if value is not None and value > MAX_JOBS:
        raise InvalidRequest(  # "that" is v2's own spelling (v2 notes 4.4)
            sentences.MAX_JOBS_HIGH.said(maxJobs=value, limit=MAX_JOBS)
        )
    if value is not None and value < 1:
        raise InvalidRequest(sentences.MAX_JOBS_LOW.said(maxJobs=value))
    return value


# ── values ──


def _value(fields: Mapping[str, object], name: str) -> object:
    """Return a field; of what a form says more than once the last."""
    value = fields.get(name)
    return value[-1] if isinstance(value, tuple) else value


def _text(fields: Mapping[str, object], name: str) -> str | None:
    return _sent_text(fields, name) or None


def _id_text(fields: Mapping[str, object], name: str) -> str | None:
    """Return one of Discord's ids; a JSON number, as some clients send it, means its digits."""
    value = _value(fields, name)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return str(value)
    return _text(fields, name)


def _sent_text(fields: Mapping[str, object], name: str) -> str | None:
    value = _value(fields, name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidRequest(sentences.NO_STRING.said(field=name))
    if "\0" in value:  # PostgreSQL cannot store it, and nobody means it
        raise InvalidRequest(sentences.HAS_NUL.said(field=name))
    return value


def _whole_number(fields: Mapping[str, object], name: str) -> int | None:
    match _value(fields, name):
        case None | "":
            return None
        case bool():
            pass
        case int(value) if abs(value) < 10**9:
            return value
        case float(value) if value.is_integer() and abs(value) < 10**9:
            return int(value)
        case str(text) if _NUMBER_TEXT.fullmatch(text):
            return int(text)
        case _:
            pass
    raise InvalidRequest(sentences.NO_NUMBER.said(field=name))


def _is_web_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises on one that is no number
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and text.isprintable()

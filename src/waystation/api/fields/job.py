"""Job: the body of a `POST /v2/jobs/{verb}` as what it asks for.

Rules: unknown fields are ignored, since clients of both eras send more than is needed.
"""

from __future__ import annotations

from collections.abc import Mapping

from waystation import sentences
from waystation.api.body import Body
from waystation.api.fields.pictures import (
    file_part,
    mask_part,
    numbered_files,
    picture_url,
    picture_urls,
)
from waystation.api.fields.values import (
    bounded,
    checked_reply_url,
    id_text_at,
    number_at,
    sent_text_at,
    switch_at,
    text_at,
)
from waystation.engine.intake import FilePart
from waystation.engine.request import JobRequest
from waystation.errors import InvalidRequest, PreconditionFailed
from waystation.midjourney.commands import MAX_JOBS, MODES, Command, Param, ParamKind
from waystation.queueing.rotation import HIGHEST_PRIORITY, LOWEST_PRIORITY

__all__ = ["job_request"]


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
        channel=id_text_at(fields, "channel"),
        max_jobs=_request_max_jobs(fields) if command.takes_slot else None,
        reply_url=checked_reply_url(text_at(fields, "replyUrl")),
        reply_ref=bounded(text_at(fields, "replyRef"), "replyRef"),
        params=params,
        files=files,
        reply_progress=switch_at(fields, "replyProgress"),
        mode=None if "mode" in (param.name for param in command.params) else _mode(fields),
        queue=switch_at(fields, "queue"),
        priority=_priority(fields),
        era_a=any(fields.get(name) not in (None, "") for name in ("discord", "server")),
    )


def _inputs(command: Command, body: Body) -> tuple[dict[str, object], dict[str, FilePart]]:
    params: dict[str, object] = {}
    files: dict[str, FilePart] = {}
    for param in command.params:
        match param.kind:
            case ParamKind.PICTURE:
                file = file_part(param, body)
                if file is not None:
                    files[param.name] = file
                else:
                    params |= picture_url(param, body.fields)
            case ParamKind.PICTURES:
                files |= numbered_files(param, body)
                params |= picture_urls(param, body.fields, len(files))
            case ParamKind.MASK:
                files |= mask_part(param, body.fields)
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
    text = sent_text_at(fields, param.name)
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


def _request_max_jobs(fields: Mapping[str, object]) -> int | None:
    value = number_at(fields, "maxJobs")
    if value is not None and not 1 <= value <= MAX_JOBS:
        raise InvalidRequest(sentences.MAX_JOBS_RANGE.said(maxJobs=value, limit=MAX_JOBS))
    return value


def _priority(fields: Mapping[str, object]) -> int | None:
    value = number_at(fields, "priority")
    if value is not None and not LOWEST_PRIORITY <= value <= HIGHEST_PRIORITY:
        raise InvalidRequest(
            sentences.PRIORITY_RANGE.said(least=LOWEST_PRIORITY, most=HIGHEST_PRIORITY)
        )
    return value


def _mode(fields: Mapping[str, object]) -> str | None:
    mode = text_at(fields, "mode")
    if mode is not None and mode not in MODES:
        raise InvalidRequest(sentences.NO_CHOICE.said(field="mode", choices=", ".join(MODES)))
    return mode

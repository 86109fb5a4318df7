"""Facts of the vendor's OpenAPI file of 2024 about v2: paths, fields, types and enums, as facts.

The file itself is not ours to ship, so this says the same in tables of our own. A client that is
generated of it is as strict as one that is generated of the vendor's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["LABELS", "document"]

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_WHOLE: Schema = {"type": "integer"}
_NUMBER: Schema = {"type": "number"}

LABELS = (
    *(f"{kind}{number}" for kind in "UV" for number in range(1, 5)),
    *("⬅️", "➡️", "⬆️", "⬇️", "🔄"),
    *("Vary (Strong)", "Vary (Subtle)", "Zoom Out 1.5x", "Zoom Out 2x"),
    *(f"{redo}Upscale ({how})" for redo in ("", "Redo ") for how in ("2x", "4x")),
    *(f"{redo}Upscale ({how})" for redo in ("", "Redo ") for how in ("Subtle", "Creative")),
    *("Make Square", "Make Variations", "Remaster", "Custom Zoom"),
)
"""The labels of 2024."""

_ANSWERED_AT_ONCE = ("info", "relax", "fast", "turbo", "variability")
_STARTED = ("started", "moderated", "failed")
_STATUSES = ("created", *_STARTED, "progress", "completed", "cancelled")


def _one_of(*words: str) -> Schema:
    return {"type": "string", "enum": list(words)}


def _list_of(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def _object(**fields: Schema) -> Schema:
    return {"type": "object", "properties": fields}


_ERROR = {"error": _TEXT, "errorDetails": _TEXT, "code": _WHOLE}
_SHARED = {
    **dict.fromkeys(("jobid", "created", "updated", "discord", "channel", "server"), _TEXT),
    **dict.fromkeys(("replyUrl", "replyRef", "messageId", "content", "timestamp"), _TEXT),
    "code": _WHOLE,
}
_PICTURE = _object(url=_TEXT, proxy_url=_TEXT, width=_NUMBER, height=_NUMBER)
_EMBEDS = _list_of(_object(type=_TEXT, description=_TEXT, image=_PICTURE))
_ATTACHMENTS = _list_of(
    _object(
        **dict.fromkeys(("id", "filename", "content_type", "url", "proxy_url"), _TEXT),
        **dict.fromkeys(("size", "width", "height"), _WHOLE),
    )
)
_LABEL = _one_of(*LABELS)
_DIMENSIONS = _one_of("Portrait", "Square", "Landscape")
_OWN: Mapping[str, Mapping[str, Schema]] = {
    "imagine": {"prompt": _TEXT},
    "button": {"button": _LABEL, "prompt": _TEXT, "parentJobId": _TEXT},
    "blend": {"blendUrls": _list_of(_TEXT), "blendDimensions": _DIMENSIONS},
    "describe": {"describeUrl": _TEXT},
}
"""Verb that takes a slot → the fields of its own."""


def _schemas() -> dict[str, Schema]:
    schemas = {
        f"{verb}Response": _object(
            **{**_SHARED, **_ERROR, **own},
            verb=_one_of(verb),
            status=_one_of(*_STARTED),
            maxJobs=_WHOLE,
            executingJobs=_list_of(_TEXT),
        )
        for verb, own in _OWN.items()
    }
    child = _object(button=_LABEL, jobid=_TEXT, messageId=_TEXT)
    fields = {name: schema for own in _OWN.values() for name, schema in own.items()}
    schemas["jobResponse"] = _object(
        **_SHARED | _ERROR | fields,
        verb=_one_of(*_OWN, *_ANSWERED_AT_ONCE),
        status=_one_of(*_STATUSES),
        maxJobs=_WHOLE,
        children=_list_of(child),
        buttons=_list_of(_LABEL),
        attachments=_ATTACHMENTS,
        embeds=_EMBEDS,
    )
    schemas["completedResponse"] = _object(
        **_SHARED,
        verb=_one_of(*_ANSWERED_AT_ONCE),
        status=_one_of("completed"),
        embeds=_EMBEDS,
    )
    schemas["jobCancelResponse"] = _object(jobid=_TEXT, status=_one_of(*_STATUSES), **_ERROR)
    schemas["accountResponse"] = _object(
        **dict.fromkeys(("email", "created", "name", "verified", "sub", "replyUrl"), _TEXT),
        **_ERROR,
    )
    schemas["midjourneyResponse"] = _object(
        **dict.fromkeys(("discord", "channel", "server", "pendingModMessage"), _TEXT),
        maxJobs=_WHOLE,
        **_ERROR,
    )
    schemas["responseError"] = _object(**_ERROR)
    return schemas


def document() -> dict[str, Any]:
    """Return an OpenAPI 3.0 document of these facts."""
    paths: dict[str, Any] = {}
    for verb, own in _OWN.items():
        fields = {**own, "jobid": _TEXT} if verb == "button" else {**own, "channel": _TEXT}
        fields.pop("parentJobId", None)
        refusals = dict.fromkeys((400, 401, 402, 404, 409, 422, 429, 504, 596), f"{verb}Response")
        paths[f"/jobs/{verb}"] = _post({**fields, **_asked()}, f"{verb}Response", refusals)
    for verb in _ANSWERED_AT_ONCE:
        refusals = dict.fromkeys((400, 401, 402, 596), "responseError")
        paths[f"/jobs/{verb}"] = _post(_asked(), "completedResponse", refusals)
    return {
        "openapi": "3.0.2",
        "info": {"title": "v2 of 2024", "version": "1.0"},
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
        "paths": paths | _reads(),
    }


def _reads() -> dict[str, Any]:
    """Return paths whose answers the driver reads with the models, so that these are made."""
    forms = {
        "/jobs/": "jobResponse",
        "/jobs/cancel/": "jobCancelResponse",
        "/account": "accountResponse",
        "/account/midjourney/{channel}": "midjourneyResponse",
    }
    jobid = {"in": "query", "name": "jobid", "schema": _TEXT, "required": True}
    channel = {"in": "path", "name": "channel", "schema": _TEXT, "required": True}
    parameters = {"/jobs/": [jobid], "/jobs/cancel/": [jobid]}
    return {
        path: {
            "get": {
                "parameters": [channel] if "{" in path else parameters.get(path, []),
                "responses": {"200": _answer(form)},
            }
        }
        for path, form in forms.items()
    }


def _asked() -> dict[str, Schema]:
    return {
        **dict.fromkeys(("discord", "server", "channel", "replyUrl", "replyRef"), _TEXT),
        "maxJobs": _WHOLE,
    }


def _post(fields: dict[str, Schema], form: str, refusals: Mapping[int, str]) -> Schema:
    body = {"content": {"application/json": {"schema": _object(**fields)}}}
    answers = {"200": _answer(form)} | {
        str(status): _answer(refused) for status, refused in refusals.items()
    }
    return {"post": {"requestBody": body, "responses": answers}}


def _answer(form: str) -> Schema:
    schema = {"$ref": f"#/components/schemas/{form}"}
    return {"description": form, "content": {"application/json": {"schema": schema}}}

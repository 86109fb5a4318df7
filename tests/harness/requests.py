"""Requests as the REST face reads them from a body."""

from __future__ import annotations

from collections.abc import Mapping

from waystation.api.body import Body
from waystation.api.fields.job import job_request
from waystation.engine.intake import FilePart
from waystation.engine.request import JobRequest
from waystation.midjourney.commands import COMMANDS

URL = "https://pictures.example/1.png"
HOOK = "https://hooks.example/abc"


def describe(**fields: object) -> JobRequest:
    return job_request(COMMANDS["describe"], Body(fields={"describeUrl": URL, **fields}))


def info(**fields: object) -> JobRequest:
    return job_request(COMMANDS["info"], Body(fields=fields))


def asked(verb: str, files: dict[str, FilePart] | None = None, **fields: object) -> JobRequest:
    return job_request(COMMANDS[verb], Body(fields=fields, files=files or {}))


def describe_form(fields: Mapping[str, object], **files: FilePart) -> JobRequest:
    return job_request(COMMANDS["describe"], Body(fields=fields, files=files))

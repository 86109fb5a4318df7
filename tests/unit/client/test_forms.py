"""The forms of API v2 that the client knows."""

from __future__ import annotations

from typing import Any

from waystation.client.forms import Job, named
from waystation.midjourney.commands import COMMANDS, ParamKind

HIDDEN = {"mask", "jobid"}
"""Fields that a job does not show under their name: a mask is not kept, a parent is parentJobId."""


def test_a_job_has_the_fields_of_the_drawing_verbs() -> None:
    fields = {
        param.name
        for verb in ("imagine", "blend", "button", "describe")
        for param in COMMANDS[verb].params
        if param.kind is not ParamKind.PARENT
    }
    assert fields - HIDDEN <= Job.__annotations__.keys()


def test_fields_of_every_verb_have_their_names_in_v2() -> None:
    asked: Any = {"channel": "2", "max_jobs": 3, "reply_url": "u", "reply_ref": "r"}
    assert named(asked) == {"channel": "2", "maxJobs": 3, "replyUrl": "u", "replyRef": "r"}
    assert named({}) == {}

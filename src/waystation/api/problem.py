"""Problem: a refusal as `application/problem+json`, where the caller asks for it.

How it works: a refusal is made in v2's shape, and is told anew on its way out when `Accept` names
problem details. Its type and title are those of the sentence's row, so that they are the same each
time; its detail is what was said this time. The fields of v2 stand beside them; v2's `status`, that
of a job, is `jobStatus` here.

Source: RFC 9457; RFC 9110, section 12.5.1
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from http import HTTPStatus
from typing import Annotated

import msgspec
from msgspec import Meta

from waystation import sentences
from waystation.api.answer import Answer, EndedJob, ExecutingJobs, Pressed
from waystation.api.sentences import SENTENCES
from waystation.sentences import Sentence

__all__ = ["PROBLEM_TYPE", "ProblemForm", "asks_for_problems", "problem"]

PROBLEM_TYPE = b"application/problem+json"

_JSON_TYPE = b"application/json"

_NO_TYPE = "about:blank"

_PREFIX = "urn:waystation:error:"

_SHOWN = re.compile(r"<\w+>")


class ProblemForm(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """A refusal as problem details."""

    type: Annotated[str, Meta(description="`urn:waystation:error:` and the error's name")]
    title: Annotated[str, Meta(description="the error, with `<…>` for what differs")]
    status: Annotated[int, Meta(description="repeats the HTTP status")]
    detail: Annotated[str, Meta(description="the error as it is this time, and more of it")]
    remedy: Annotated[str | None, Meta(description="the thing to do now")] = None
    executing_jobs: ExecutingJobs = None
    button: Pressed = None
    jobid: EndedJob = None
    job_status: Annotated[str | None, Meta(description="that job's status")] = None


class _Told(msgspec.Struct, rename="camel"):
    """A refusal in v2's shape, a whole job or the readiness: as much as a problem tells of it."""

    error: str = ""
    error_details: str | None = None
    executing_jobs: Sequence[str] | None = None
    button: str | None = None
    jobid: str | None = None
    status: str | None = None
    problems: Sequence[str] = ()


_decode = msgspec.json.Decoder(_Told).decode
_encode = msgspec.json.Encoder().encode


def asks_for_problems(accept: str | None) -> bool:
    """Tell whether a caller names problem details, and likes plain JSON no better."""
    if accept is None or PROBLEM_TYPE.decode() not in accept.lower():
        return False
    liked = dict(_liked(accept))
    wish = liked.get(PROBLEM_TYPE, 0.0)
    return wish > 0 and wish >= liked.get(_JSON_TYPE, 0.0)


def _liked(accept: str) -> Iterator[tuple[bytes, float]]:
    """Yield each media type of an Accept header with its weight."""
    for part in accept.lower().split(","):
        name, *parameters = (one.strip() for one in part.split(";"))
        weight = next((one[2:] for one in parameters if one.startswith("q=")), "1")
        try:
            yield name.encode("latin-1", "replace"), float(weight)
        except ValueError:
            yield name.encode("latin-1", "replace"), 0.0


def problem(answer: Answer) -> Answer:
    """Return a refusal as problem details; its status and headers stay."""
    try:
        told = _decode(answer.body)
    except msgspec.DecodeError:
        return answer
    row = _row_of(answer.status, told.error)
    details = told.error_details or "; ".join(told.problems)
    form = ProblemForm(
        type=_NO_TYPE if row is None else _type_of(row),
        title=_phrase(answer.status, told.error) if row is None else _title_of(row, told.error),
        status=answer.status,
        detail=f"{told.error}: {details}" if details else told.error,
        remedy=None if row is None else row.do,
        executing_jobs=told.executing_jobs,
        button=told.button,
        jobid=told.jobid,
        job_status=told.status,
    )
    return replace(answer, body=_encode(form), content_type=PROBLEM_TYPE)


def _phrase(status: int, error: str) -> str:
    """Return HTTP's own words for a status; ours where HTTP has none."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return error


def _title_of(row: Sentence, error: str) -> str:
    """Return the text of a row; the error itself where nothing in the row is the same each time."""
    return row.text if _own_words(row) else error


def _type_of(row: Sentence) -> str:
    return _PREFIX + _names()[_key(row)]


def _row_of(status: int, error: str) -> Sentence | None:
    """Return the row that says an error; where several could, the one with the most own words."""
    fits = [row for row in _rows() if _pattern(row.text).fullmatch(error)]
    # a row without a status has the verb's own for bad input, beside those of that status
    of_status = [row for row in fits if row.status in (status, None)]
    others = [row for row in fits if _own_words(row)]
    return max(of_status or others, key=_own_words, default=None)


def _own_words(row: Sentence) -> int:
    return len(_SHOWN.sub("", row.text))


@cache
def _rows() -> Sequence[Sentence]:
    return tuple(dict.fromkeys(row for rows in SENTENCES.values() for row in rows))


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile("(?s:.*)".join(map(re.escape, _SHOWN.split(text))))


@cache
def _names() -> Mapping[tuple[str, int | None], str]:
    """Return the name of each row by text and status; the bot's own titles name themselves."""
    own = {
        (row.text, row.status): name.lower().replace("_", "-")
        for name, row in reversed(vars(sentences).items())
        if isinstance(row, Sentence)
    }
    bots = {_key(row): "bot-" + _slug(row.text) for row in _rows() if _key(row) not in own}
    return own | bots


def _key(row: Sentence) -> tuple[str, int | None]:
    return row.text, row.status


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")

"""Operation: what one method of one path takes and answers, as rows of `operations.py` say it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from waystation.api.sentences import SENTENCES
from waystation.sentences import Does, Sentence

__all__ = [
    "GUARDED",
    "KNOWN",
    "NO_BODY",
    "OPEN",
    "Field",
    "MediaTypes",
    "Operation",
    "Schema",
    "text",
]

Schema = dict[str, Any]
"""A JSON Schema."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a body, part of a form, or parameter of a query or path."""

    name: str
    schema: Schema
    help: str
    required: bool = False
    part: bool = False
    """True when it is a file part, which only a form can carry."""
    example: Any = None
    either: str = ""
    """The other way to send it, in a form."""


@dataclass(frozen=True, slots=True)
class MediaTypes:
    """A body of bytes, in one of several media types."""

    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    name: str
    """Its `operationId`."""
    summary: str
    answers: Mapping[int, object]
    """Status → the form of the body, a list of it, media types that are not JSON, or None."""
    does: Sequence[Does]
    body: Sequence[Field] | None = None
    """None when no body is read."""
    query: Sequence[Field] = ()
    headers: Sequence[Field] = ()
    """Headers of the request that change its answer."""
    bad_input_status: int = 400
    about: str = ""
    by_link: bool = False
    """True when a signature in the query can stand for the token."""
    makes_job: bool = False

    @property
    def guarded(self) -> bool:
        """True when it wants a token."""
        return "authenticates" in self.does

    @property
    def refusals(self) -> Mapping[int, Sequence[str]]:
        """Status → literal errors, in the order of their statuses."""
        found: dict[int, dict[str, None]] = {}
        for one in self.does:
            for sentence in SENTENCES[one]:
                found.setdefault(self._status(sentence), {})[sentence.text] = None
        return {status: tuple(found[status]) for status in sorted(found)}

    def _status(self, sentence: Sentence) -> int:
        return self.bad_input_status if sentence.status is None else sentence.status


def text(longest: int, **more: object) -> Schema:
    """Return the schema of a text."""
    return {"type": "string", "maxLength": longest, **more}


OPEN: Sequence[Does] = ("answers",)
KNOWN: Sequence[Does] = (*OPEN, "asks the store", "authenticates")
GUARDED: Sequence[Does] = (*KNOWN, "needs a subscription")

NO_BODY: Mapping[int, object] = {204: None}

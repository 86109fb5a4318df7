"""SEARCH_OPERATIONS: the row of the search; it is an addition to v2."""

from __future__ import annotations

from collections.abc import Mapping

from waystation.api.operation import GUARDED, Field, Operation, Schema
from waystation.api.search import LONGEST_TEXT, SHORTEST_TEXT, SearchForm
from waystation.contract import STATUSES
from waystation.midjourney.commands import COMMANDS

__all__ = ["SEARCH_OPERATIONS"]

_TIME: Schema = {"type": "string", "format": "date-time"}
_WORD = "|".join(STATUSES)

_QUERY = (
    Field(
        "text",
        {"type": "string", "minLength": SHORTEST_TEXT, "maxLength": LONGEST_TEXT},
        "A part of the prompt, 3 characters or more, in any case",
    ),
    Field(
        "status",
        {"type": "string", "pattern": f"^({_WORD})(,({_WORD}))*$"},
        "One status, or several with commas between them",
    ),
    Field("verb", {"type": "string", "enum": list(COMMANDS)}, "The verb"),
    Field("channel", {"type": "string", "maxLength": 64}, "The account's channel"),
    Field("since", _TIME, "Jobs created at that time or later, `YYYY-MM-DDTHH:mm:ssZ`"),
    Field("until", _TIME, "Jobs created before that time"),
    Field("cursor", {"type": "string", "minLength": 1}, "`next` of the page before"),
)

SEARCH_OPERATIONS: Mapping[str, Operation] = {
    "GET /v2/jobs/search": Operation(
        "searchJobs",
        "Find your jobs, the newest first, 50 a page (an addition to v2).",
        {200: SearchForm},
        (*GUARDED, "searches"),
        query=_QUERY,
        about=(
            "A page with `next` is not the last one, also when it holds few jobs or none: a "
            "search ends a page after it has looked at many jobs. Links in a page are as Discord "
            "gave them; reading a job renews them."
        ),
    ),
}
"""`METHOD template` → row."""

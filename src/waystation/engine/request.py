"""A request for a job, as a face hands it to the engine, and what no face can tell of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from waystation import sentences
from waystation.engine.intake import FilePart
from waystation.errors import InvalidRequest
from waystation.jobs import Job
from waystation.midjourney.commands import Command
from waystation.midjourney.permutations import is_half, results_asked
from waystation.midjourney.results import listed_prompt

__all__ = ["JobRequest", "check_prompt"]


@dataclass(frozen=True, slots=True)
class JobRequest:
    """A job as asked for, its fields checked for form."""

    verb: str
    channel: str | None = None
    max_jobs: int | None = None
    """1 to 15."""
    reply_url: str | None = None
    reply_ref: str | None = None
    params: Mapping[str, object] = field(default_factory=dict)
    """The verb's own fields under their v2 names."""
    files: Mapping[str, FilePart] = field(default_factory=dict)
    """Files that stand in for a picture's URL, by the param's name."""
    reply_progress: bool | None = None
    """True: progress is delivered too; None: as the verb's row says."""
    mode: str | None = None
    """The mode that the account must be in, for a verb that cannot ask for one itself."""
    queue: bool | None = None
    """True: it waits where no account has room; None: as the user's default says."""
    priority: int | None = None
    """1 to 5; in the queue a higher one goes first."""
    trace: str | None = None
    """The `traceparent` of its POST's span; a key stands for the request without it (R11)."""
    era_a: bool = False
    """True: the body carried `discord` or `server` (R33)."""


def check_prompt(command: Command, params: Mapping[str, object], parent: Job | None = None) -> None:
    """Refuse a text that asks for several results: one job has one, the others would be nobody's.

    A press of a number without a prompt draws the prompt that its parent lists there.

    Raises: InvalidRequest
    """
    for param in command.params:
        given = params.get(param.name)
        if not given and parent is not None and param.name == "prompt":
            given = listed_prompt(parent.embeds, str(params.get("button")))
        if not param.draws:
            continue
        count = results_asked(str(given or ""))
        if count > 1:
            raise InvalidRequest(
                sentences.SEVERAL_RESULTS.said(field=param.name, count=count),
                details=_EACH_BY_ITSELF,
            )
        if is_half(str(given or ""), is_suffix=param.is_suffix):
            raise InvalidRequest(sentences.HALF_OF_SEVERAL.said(field=param.name))


_EACH_BY_ITSELF = (
    "Submit each by itself, without --repeat and without options in braces; "
    "\\{ and \\} are plain text."
)

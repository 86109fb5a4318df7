"""A request for a job, as a face hands it to the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from waystation.engine.intake import FilePart

__all__ = ["JobRequest"]


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
    era_a: bool = False
    """True: the body carried `discord` or `server` (R33)."""

"""Forms: the bodies of jobs as JSON, made once per state that callers can see.

Callers read a job again and again before it changes.

Pure but for what it remembers.
"""

from __future__ import annotations

from collections.abc import Sequence

from waystation.api.answer import NO_CONTENT, Answer
from waystation.contract import job_json
from waystation.jobs import Child, Job, JobId

__all__ = ["KNOWN_FORMS", "Forms"]

KNOWN_FORMS = 250
"""Job forms kept, some kilobytes each."""

_Seen = tuple[int, tuple[Child, ...]]
"""A job's version, and what its buttons started: a new child changes no version."""


class Forms:
    """Answers with a job's form, the newest of each job remembered."""

    def __init__(self) -> None:
        self._known: dict[JobId, tuple[_Seen, Answer]] = {}

    def of(self, job: Job, children: Sequence[Child] = ()) -> Answer:
        """Return the answer with a job's form, status 200 (R3)."""
        seen = (job.version, tuple(children))
        known, form = self._known.get(job.jobid, (None, NO_CONTENT))
        if known != seen:
            form = Answer(200, job_json(job, children))
            self._known[job.jobid] = (seen, form)
            if len(self._known) > KNOWN_FORMS:
                del self._known[next(iter(self._known))]
        return form

"""Report: what a command says of a job at its end, and the exit code that it deserves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from waystation.cli.exits import Exit, exit_for_job
from waystation.cli.job_view import job_view
from waystation.cli.mends import job_mends
from waystation.cli.saving import Saved
from waystation.cli.screen import Screen

__all__ = ["report"]


def report(
    screen: Screen, job: Mapping[str, Any], saved: Saved | None, *, judged: bool = True
) -> Exit:
    """Show a job and what was saved of it; return the exit code.

    Args:
        saved: None where nothing was to be saved
        judged: whether how the job ended counts, also when nothing was to be saved
    """
    if saved is None:
        screen.answer(job, *job_view(job))
        screen.advise(job_mends(job))
    else:
        screen.answer(dict(job) | saved.as_json(), *job_view(job), *saved.shown())
        saved.tell(screen)
    ended = exit_for_job(job.get("status"), job.get("code"))
    if saved is not None and saved.failures:
        # what will never be there is not worth another try
        return ended or (Exit.NOT_SAVED if saved.may_come else Exit.FAILED)
    return ended if judged else Exit.OK

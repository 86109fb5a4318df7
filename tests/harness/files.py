"""Jobs that end with files."""

from __future__ import annotations

from collections.abc import Sequence

from tests import build
from tests.build import replace
from tests.fakes import START
from waystation.jobs import Job
from waystation.ports import Commit, Store, WantedCopy
from waystation.wire.message import Attachment

__all__ = ["finished"]


async def finished(store: Store, number: int, *files: Attachment, at_s: float = 0.0) -> Job:
    """Finish a new job of the account that `me` holds, and want its files copied."""
    job = await store.add_job(build.draft(), build.later(at_s))
    assert isinstance(job, Job)
    asked = build.submitted(job, f"1{number}")
    done = build.completed(asked.job, f"90{number}")
    ended = replace(done.job, attachments=tuple(files))
    changes = (asked, replace(done, job=ended, files=wanted_of(ended, files)))
    await store.commit(Commit("account-1", 1, START, changes))
    return ended


def wanted_of(job: Job, files: Sequence[Attachment]) -> Sequence[WantedCopy]:
    """Return what is to be copied of a job."""
    return [WantedCopy(job.jobid, place, file.id) for place, file in enumerate(files)]

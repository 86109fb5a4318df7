"""waystation jobs: list, show, watch and cancel jobs of a running service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from waystation.cli.exits import Exit
from waystation.cli.group import CommandGroup
from waystation.cli.job_view import headline
from waystation.cli.options import Jobid, Json, Limit, Save, Singles
from waystation.cli.remote import ask
from waystation.cli.report import report
from waystation.cli.saving import Saved, folder_of, save
from waystation.cli.screen import link, marked, opened
from waystation.cli.waiting import waiting

if TYPE_CHECKING:
    from waystation.client import Client, Job

__all__ = ["app"]

app = typer.Typer(cls=CommandGroup, no_args_is_help=True, help="List, show, watch and cancel jobs.")


@app.command("list")
def list_jobs(as_json: Json = False) -> None:
    """List your jobs that are not final."""
    with opened(as_json) as screen:
        jobids = ask(lambda client: client.jobs())
        screen.answer(jobids, *(map(link, jobids) if jobids else ["No job is running."]))


@app.command()
def show(
    jobid: Jobid, folder: Save = None, singles: Singles = False, as_json: Json = False
) -> None:
    """Show a job as it is now; done however it ended, unless --save finds nothing to save."""
    with opened(as_json) as screen:
        to = folder_of(folder, singles)

        async def call(client: Client) -> tuple[Job, Saved | None]:
            job = await client.job(jobid)
            return job, await save(client, job, to, singles=singles)

        raise typer.Exit(report(screen, *ask(call), judged=False))


@app.command()
def watch(
    jobid: Jobid,
    folder: Save = None,
    singles: Singles = False,
    timeout_s: Limit = None,
    as_json: Json = False,
) -> None:
    """Follow a job until it is final; the exit code says how it ended."""
    with opened(as_json) as screen:
        screen.jobid = jobid
        to = folder_of(folder, singles)

        async def call(client: Client) -> tuple[Job, Saved | None]:
            limit = "" if timeout_s is None else f", at most {timeout_s:g} s"
            async with waiting(screen, "job", client, f"its end{limit}") as seen:
                job = await client.wait(jobid, timeout_s=timeout_s, on_progress=seen)
            return job, await save(client, job, to, singles=singles)

        raise typer.Exit(report(screen, *ask(call, says=True)))


@app.command()
def cancel(jobid: Jobid, as_json: Json = False) -> None:
    """Cancel a job; done when it is cancelled, a failure when it had ended otherwise before."""
    from waystation.client import FINAL

    with opened(as_json) as screen:
        job = ask(lambda client: client.cancel(jobid))
        status = job.get("status")
        if status == "cancelled":
            screen.answer(job, headline(job))
            return
        why = f"the job had ended before: {status}" if status in FINAL else f"the job is {status}"
        screen.answer(job, marked("error", f"not cancelled: {why}"))
        raise typer.Exit(Exit.FAILED)

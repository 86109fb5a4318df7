"""waystation jobs: list, show, watch and cancel jobs of a running service."""

from __future__ import annotations

import typer

from waystation.cli.exits import exit_for_job
from waystation.cli.group import CommandGroup
from waystation.cli.job_view import headline, job_view
from waystation.cli.options import Jobid, Json, Limit
from waystation.cli.remote import ask
from waystation.cli.screen import link, opened
from waystation.cli.waiting import waiting

__all__ = ["app"]

app = typer.Typer(cls=CommandGroup, no_args_is_help=True, help="List, show, watch and cancel jobs.")


@app.command("list")
def list_jobs(as_json: Json = False) -> None:
    """List your jobs that are not final."""
    with opened(as_json) as screen:
        jobids = ask(lambda client: client.jobs())
        screen.answer(jobids, *(map(link, jobids) if jobids else ["No job is running."]))


@app.command()
def show(jobid: Jobid, as_json: Json = False) -> None:
    """Show a job as it is now."""
    with opened(as_json) as screen:
        job = ask(lambda client: client.job(jobid))
        screen.answer(job, *job_view(job))


@app.command()
def watch(jobid: Jobid, timeout_s: Limit = None, as_json: Json = False) -> None:
    """Follow a job until it is final; the exit code says how it ended."""
    with opened(as_json) as screen:
        screen.jobid = jobid
        with waiting(screen, "job") as seen:
            job = ask(lambda client: client.wait(jobid, timeout_s=timeout_s, on_progress=seen))
        screen.answer(job, *job_view(job))
        raise typer.Exit(exit_for_job(job.get("status"), job.get("code")))


@app.command()
def cancel(jobid: Jobid, as_json: Json = False) -> None:
    """Cancel a job; done when it is cancelled, else the exit code says how it had ended."""
    with opened(as_json) as screen:
        job = ask(lambda client: client.cancel(jobid))
        screen.answer(job, headline(job))
        if job.get("status") != "cancelled":
            raise typer.Exit(exit_for_job(job.get("status"), job.get("code")))

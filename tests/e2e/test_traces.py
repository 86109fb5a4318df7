"""A job's trace, read by a collector: from its POST to its callback, over a restart."""

from __future__ import annotations

import json
import socket
import time
from functools import partial
from pathlib import Path

from tests.e2e.conftest import eventually
from tests.e2e.process import Ground, ground
from tests.harness.collector import Collector, Told, collector

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{CALLER}-01"
PROMPT = "a canary that no span repeats"
SMALL = {"picture_size": 64}


async def post(here: Ground, **headers: str) -> str:
    """Ask for pictures, with a callback, and return the jobid."""
    status, job, _ = await here.ada.call(
        "POST",
        "/v2/jobs/imagine",
        {"prompt": PROMPT, "replyUrl": f"{here.outside.url}/callback?key=canary-query"},
        headers=headers,
    )
    assert status == 200, job
    jobid: str = job["jobid"]
    return jobid


def lines(here: Ground, event: str) -> list[dict[str, object]]:
    found = [json.loads(line) for line in here.service.log.splitlines() if line.startswith("{")]
    return [one for one in found if one["event"] == event]


def logged(here: Ground, event: str) -> bool:
    return bool(lines(here, event))


async def test_a_job_has_one_trace_from_post_to_callback_over_a_restart(tmp_path: Path) -> None:
    async with (
        collector() as seen,
        ground(
            tmp_path, options=SMALL, speed=40.0, log_format="json", otlp_endpoint=seen.url
        ) as here,
    ):
        await here.settle_in()
        here.doors.hold("MESSAGE_UPDATE")
        jobid = await post(here, traceparent=PARENT)
        request = await seen.span("POST /v2/jobs/imagine")
        await seen.span("job.started")
        here.kill()
        here.doors.release()
        await here.restart()
        await here.outside.callback()
        called = await seen.span("callback.attempt")

        assert {span.trace_id for span in seen.spans} == {TRACE}
        assert request.parent_id == CALLER
        facts = {"waystation.jobid": jobid, "waystation.verb": "imagine"}
        facts["waystation.account"] = _account(here)
        assert facts.items() <= request.facts.items()
        assert request.facts["http.response.status_code"] == 200
        assert {span.parent_id for span in seen.spans if span != request} == {request.span_id}
        waited = seen.named("job.wait")[0]
        assert waited.began_ns < waited.ended_ns
        asked = seen.named("discord.interaction")[0]
        assert asked.facts["waystation.outcome"] == "accepted"
        with here.records() as records:
            (row,) = records.jobs()
        nonces = {span.facts.get("waystation.nonce") for span in (asked, *_steps(seen))}
        assert nonces == {row["nonce"]}
        assert [span.name for span in _steps(seen)][-1] == "job.completed"
        assert seen.named("job.completed")[0].process != request.process == asked.process
        assert called.process == seen.named("job.completed")[0].process

        headers, _ = here.outside.callbacks[-1]
        assert headers["traceparent"] == f"00-{TRACE}-{called.span_id}-01"
        assert called.facts["waystation.callback_id"] == headers["webhook-id"]
        assert called.facts["server.address"] == here.outside.url
        for event in ("job.accepted", "job.submitted", "job.completed", "callback.attempted"):
            await eventually(partial(logged, here, event))
            assert {line["trace_id"] for line in lines(here, event)} == {TRACE}, event


async def test_a_job_without_a_traceparent_has_a_trace_of_its_own(tmp_path: Path) -> None:
    async with (
        collector() as seen,
        ground(tmp_path, options=SMALL, otlp_endpoint=seen.url) as here,
    ):
        await here.settle_in()
        await post(here, traceparent="00-nonsense")
        await here.ask()
        # Discord calls the next ask outdated, and it is asked again
        here.sim.fault("stale_version", count=1)
        await here.ask("info")
        await here.final()
        await here.stop()
        asked = seen.named("discord.interaction")
        assert len(asked) == len(seen.named("job.wait")) + 1 == 4
        assert "refused" in [span.facts["waystation.outcome"] for span in asked]
        posts = [*seen.named("POST /v2/jobs/imagine"), *seen.named("POST /v2/jobs/describe")]
        assert [span.parent_id for span in posts] == ["", ""]
        assert len({span.trace_id for span in posts}) == 2
        (uploaded,) = seen.named("discord.upload")
        assert uploaded.parent_id == posts[1].span_id
        assert "nonsense" not in str(seen.spans)


async def test_no_span_tells_what_a_caller_wrote_or_what_is_secret(tmp_path: Path) -> None:
    async with (
        collector() as seen,
        ground(tmp_path, options=SMALL, otlp_endpoint=seen.url) as here,
    ):
        await here.settle_in()
        await post(here)
        here.sim.fault("banned_prompt", count=1)
        banned = here.ask("imagine", prompt=PROMPT)
        assert (await banned)[0] == 422
        here.sim.fault("server_error_after", count=1)
        await here.ask("info")
        await here.final()
        status, _, _ = await here.ada.call("POST", "/v2/jobs/imagine", {"prompt": 7})
        assert status == 400
        await here.outside.callback(2)
        await here.stop()
        told = b"".join(seen.raw)
        secrets = [*here.tokens, *(account.token for account in here.sim.accounts)]
        secrets += [token.rpartition(".")[2] for token in secrets]
        for secret in (*secrets, PROMPT, "canary", "/callback", "ada@example.org", "banned"):
            assert secret.encode() not in told, secret
        refused = [
            span for span in seen.spans if span.facts.get("http.response.status_code") == 400
        ]
        assert len(refused) == 1


async def test_a_collector_that_hangs_holds_up_neither_jobs_nor_the_stop(tmp_path: Path) -> None:
    async with (
        collector() as seen,
        ground(tmp_path, options=SMALL, otlp_endpoint=seen.url) as here,
    ):
        seen.hangs = True
        await here.settle_in()
        await post(here)
        await seen.was_asked()
        await post(here)
        await here.outside.callback(2)
        assert {job["status"] for job in await here.final()} == {"completed"}
        began = time.monotonic()
        assert await here.stop() == 0
        assert time.monotonic() - began < here.settings.drain_s + 1
        assert "traces.not_flushed" in here.service.log
        assert "Traceback" not in here.service.log


async def test_a_collector_that_is_not_there_costs_a_line_of_the_log(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and never listening: nobody can be there
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with ground(tmp_path, options=SMALL, log_format="json", otlp_endpoint=nobody) as here:
            await here.settle_in()
            await post(here)
            await here.outside.callback()
            await eventually(partial(logged, here, "traces.not_taken"))
            await post(here)
            await here.outside.callback(2)
            assert await here.stop() == 0
            (line,) = lines(here, "traces.not_taken")
            assert line["collector"] == nobody
            for unwanted in ("opentelemetry", "Traceback", "urllib3"):
                assert unwanted not in here.service.log


async def test_nothing_of_opentelemetry_is_imported_without_a_collector(tmp_path: Path) -> None:
    async with ground(tmp_path, options=SMALL) as here:
        # an interpreter in which each import of OpenTelemetry fails says it best
        here.environment["PYTHONPATH"] = str(_without_opentelemetry(tmp_path))
        await here.settle_in()
        jobid = await post(here, traceparent=PARENT)
        await here.outside.callback()
        assert "traceparent" not in {name.lower() for name in here.outside.callbacks[0][0]}
        with here.records() as records:
            assert [(job["jobid"], job["trace"]) for job in records.jobs()] == [(jobid, None)]


async def test_a_collector_without_the_packages_ends_the_start_with_what_to_install(
    tmp_path: Path,
) -> None:
    async with ground(tmp_path, otlp_endpoint="http://127.0.0.1:4318") as here:
        here.environment["PYTHONPATH"] = str(_without_opentelemetry(tmp_path))
        code, _, complaint = await here.run("serve", "--port", "0")
        assert code == 2
        assert "waystation[otel]" in complaint and "requirements/otel.txt" in complaint
        _, found, _ = await here.run("doctor")
        assert "cannot go to http://127.0.0.1:4318" in found


async def test_the_doctor_tells_where_traces_go(tmp_path: Path) -> None:
    async with ground(tmp_path, otlp_endpoint="http://127.0.0.1:4318/") as here:
        _, found, _ = await here.run("doctor")
        assert "go to http://127.0.0.1:4318/v1/traces" in found


def _steps(seen: Collector) -> list[Told]:
    """Return the spans of what was committed, in order."""
    steps = [span for span in seen.spans if "waystation.events" in span.facts]
    return sorted(steps, key=lambda span: span.began_ns)


def _account(here: Ground) -> str:
    with here.records() as records:
        (row,) = records.jobs()
    account: str = row["account_id"]
    return account


def _without_opentelemetry(tmp_path: Path) -> Path:
    """Return a folder that makes each import of OpenTelemetry fail, as if it were not installed."""
    folder = tmp_path / "bare"
    (folder / "opentelemetry").mkdir(parents=True, exist_ok=True)
    (folder / "opentelemetry" / "__init__.py").write_text(
        "raise ModuleNotFoundError('No module named opentelemetry')\n"
    )
    return folder

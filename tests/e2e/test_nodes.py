"""Two `waystation serve` on one PostgreSQL database, directly and behind PgBouncer."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

from tests.e2e.conftest import Person, eventually
from tests.e2e.databases import on_postgresql_alone
from tests.e2e.event_source import EventSource
from tests.e2e.nodes import NodeProcess, another_node, has_account, sessions_of, two_nodes
from tests.e2e.process import Ground, ground

pytestmark = on_postgresql_alone

LEASE_S = 3.0
SOON_S = 4.0
"""After the end of a lease: time to look, to connect, and of a busy machine."""


async def whose(here: Ground, other: NodeProcess, channel: str) -> tuple[Person, Person]:
    """Return the person at the node that has an account, and at the other."""
    at = [here.ada, other.ada]
    has = [has_account(here, one, channel) for one in (here, other)]
    assert sorted(has) == [False, True]
    return (at[0], at[1]) if has[0] else (at[1], at[0])


async def test_accounts_are_spread_evenly_as_nodes_come_and_go(tmp_path: Path) -> None:
    """R17."""
    async with ground(tmp_path, accounts=4) as here, two_nodes(here, 4) as other:
        assert await other.stop() == 0
        await here.connected(4)
        async with another_node(here, 3) as third:

            async def even() -> bool:
                return await sessions_of(here.ada) == await third.sessions() == 2

            await eventually(even)


async def test_a_job_that_either_node_takes_is_finished_by_the_node_of_its_account(
    tmp_path: Path,
) -> None:
    async with ground(tmp_path, accounts=2) as here, two_nodes(here) as other:
        channels = [account.channel_id for account in here.sim.accounts]
        asked = [
            await ada.ask("imagine", prompt=f"fox {number} in the snow", channel=channel)
            for number, (ada, channel) in enumerate(
                (ada, channel) for ada in (here.ada, other.ada) for channel in channels
            )
        ]
        for job in asked:
            here_seen, there_seen = [await ada.final(job["jobid"]) for ada in (here.ada, other.ada)]
            assert here_seen == there_seen
            assert here_seen["status"] == "completed"


async def test_waiters_and_streams_see_at_once_what_the_other_node_commits(
    tmp_path: Path,
) -> None:
    async with ground(tmp_path, accounts=2) as here, two_nodes(here) as other:
        channel = here.sim.accounts[0].channel_id
        sources = [EventSource(ada) for ada in await whose(here, other, channel)]
        reading = [asyncio.create_task(source.run()) for source in sources]
        await eventually(lambda: all(source.connections == 1 for source in sources))
        far = sources[1].who
        wait = {"headers": {"Prefer": "wait=60"}}
        body = {"prompt": "a red fox in the snow", "channel": channel}
        asked = asyncio.create_task(far.call("POST", "/v2/jobs/imagine", body, **wait))
        await eventually(lambda: sources[0].ends() == 1)
        ended = time.monotonic()
        status, job, _ = await asked
        assert (status, job["status"]) == (200, "completed")
        await eventually(lambda: sources[1].ends() == 1)
        # without news a node looks every second
        assert time.monotonic() - ended < 3.0
        for task in reading:
            task.cancel()


async def test_a_node_that_is_killed_leaves_its_running_job_to_the_other(tmp_path: Path) -> None:
    """I4."""
    async with ground(tmp_path, accounts=2) as here, two_nodes(here) as other:
        channel = here.sim.accounts[0].channel_id
        near, far = await whose(here, other, channel)
        here.doors.hold("MESSAGE_UPDATE")
        body = {
            "prompt": "a red fox in the snow",
            "channel": channel,
            "replyUrl": f"{here.outside.url}/callback",
        }
        status, job, _ = await far.call("POST", "/v2/jobs/imagine", body)
        assert (status, job["status"]) == (200, "started")
        dead = here.service if near is here.ada else other.service
        dead.signal(signal.SIGKILL)
        await dead.ended()
        began = time.monotonic()
        here.doors.release()

        async def has_both() -> bool:
            return await sessions_of(far) == 2

        await eventually(has_both)
        assert time.monotonic() - began < LEASE_S + SOON_S
        done = await far.final(job["jobid"])
        assert done["status"] == "completed"
        assert await here.outside.callback() == done
        await here.sim.settled()
        assert len(here.interactions) == len(here.outside.callbacks) == 1


async def test_a_node_that_is_told_to_stop_hands_over_before_its_lease_would_end(
    tmp_path: Path,
) -> None:
    async with ground(tmp_path, accounts=2, lease_s=60) as here, two_nodes(here) as other:
        channel = here.sim.accounts[0].channel_id
        near, far = await whose(here, other, channel)
        here.doors.hold("MESSAGE_UPDATE")
        job = await far.ask("imagine", prompt="a red fox in the snow", channel=channel)
        began = time.monotonic()
        if near is here.ada:
            await here.stop()
        else:
            await other.stop()
        here.doors.release()

        async def has_both() -> bool:
            return await sessions_of(far) == 2

        await eventually(has_both)
        assert time.monotonic() - began < 20
        assert (await far.final(job["jobid"]))["status"] == "completed"
        assert len(here.interactions) == 1


async def test_a_waiting_job_is_sent_by_the_node_that_has_room(tmp_path: Path) -> None:
    async with ground(tmp_path, accounts=2) as here, two_nodes(here) as other:
        channel = here.sim.accounts[0].channel_id
        _, far = await whose(here, other, channel)
        body = {"prompt": "a hen in a tree", "channel": channel, "maxJobs": 1, "queue": True}
        asks = [far.call("POST", "/v2/jobs/imagine", body) for _ in range(3)]
        jobs = [job for _, job, _ in await asyncio.gather(*asks)]
        for job in jobs:
            assert "connecting" not in job.get("queue", {}).get("why", "")
        ends = [await far.final(job["jobid"]) for job in jobs]
        assert {job["status"] for job in ends} == {"completed"}, ends


# ── what callers ask of an account's node ──


async def test_a_running_job_is_cancelled_through_the_other_node(tmp_path: Path) -> None:
    """R26."""
    async with ground(tmp_path, accounts=2) as here, two_nodes(here) as other:
        channel = here.sim.accounts[0].channel_id
        _, far = await whose(here, other, channel)
        here.sim.fault("no_result", command="imagine", count=1)
        job = await far.ask("imagine", prompt="a red fox in the snow", channel=channel)
        status, answer, _ = await far.call("GET", f"/v2/jobs/cancel?jobid={job['jobid']}")
        assert (status, answer["status"]) == (200, "cancelled")
        assert len(here.interactions) == 2, "the bot's own button was pressed"


async def test_a_job_that_was_never_asked_is_cancelled_by_any_node(tmp_path: Path) -> None:
    async with ground(tmp_path, accounts=2, lease_s=60) as here, two_nodes(here) as other:
        channel = here.sim.accounts[0].channel_id
        near, far = await whose(here, other, channel)
        dead = here.service if near is here.ada else other.service
        dead.signal(signal.SIGSTOP)
        body = {
            "prompt": "a red fox in the snow",
            "channel": channel,
            "replyUrl": f"{here.outside.url}/callback",
        }
        headers = {"headers": {"Prefer": "wait=0"}}
        status, job, _ = await far.call("POST", "/v2/jobs/imagine", body, **headers)
        assert (status, job["status"]) == (200, "created")
        began = time.monotonic()
        status, answer, _ = await far.call("GET", f"/v2/jobs/cancel?jobid={job['jobid']}")
        assert (status, answer["status"]) == (200, "cancelled")
        assert time.monotonic() - began < 5
        assert (await here.outside.callback())["status"] == "cancelled"
        dead.signal(signal.SIGCONT)
        # the node that has it lets go of it, and its account goes on
        await far.run("imagine", prompt="a hen in a tree", channel=channel)
        assert len(here.interactions) == 1


async def test_a_command_that_no_node_takes_is_503_and_never_done_later(tmp_path: Path) -> None:
    async with ground(tmp_path, accounts=2, lease_s=60) as here, two_nodes(here) as other:
        channel = here.sim.accounts[0].channel_id
        near, far = await whose(here, other, channel)
        here.doors.hold("MESSAGE_UPDATE")
        job = await far.ask("imagine", prompt="a red fox in the snow", channel=channel)
        dead = here.service if near is here.ada else other.service
        dead.signal(signal.SIGSTOP)
        status, _, headers = await far.call("GET", f"/v2/jobs/cancel?jobid={job['jobid']}")
        assert status == 503 and int(headers["Retry-After"]) > 0
        dead.signal(signal.SIGCONT)
        here.doors.release()
        assert (await far.final(job["jobid"]))["status"] == "completed"


async def test_accounts_are_changed_reset_and_removed_through_the_other_node(
    tmp_path: Path,
) -> None:
    """R33, R34."""
    async with ground(tmp_path, accounts=2) as here, two_nodes(here) as other:
        account = here.sim.accounts[0]
        _, far = await whose(here, other, account.channel_id)
        path = f"/v2/account/midjourney/{account.channel_id}"
        here.sim.fault("pending_mod_message", account=0, count=1)
        body = {"prompt": "a red fox in the snow", "channel": account.channel_id}
        status, _, _ = await far.call("POST", "/v2/jobs/imagine", body)
        assert status == 596
        status, _, _ = await far.call("POST", f"{path}/reset")
        assert status == 204
        assert (await far.run("imagine", **body))["status"] == "completed"
        await far.set_up(account, maxJobs=7)
        assert (await far.account(account.channel_id))["maxJobs"] == 7
        status, _, _ = await far.call("DELETE", path)
        assert status == 204
        for ada in (here.ada, other.ada):
            assert (await ada.call("GET", path))[0] == 404

"""Two nodes on one database: each answers for every account, whichever node has it (issue 10).

The same requests go to both nodes. What the node of an account tells the other is a second old at
most, so that each comparison waits for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Person, eventually
from tests.e2e.databases import on_postgresql_alone
from tests.e2e.nodes import NodeProcess, has_account, two_nodes
from tests.e2e.process import Ground, ground

pytestmark = on_postgresql_alone

PROMPT = "a red fox in the snow"


async def answers(
    here: Ground, other: NodeProcess, method: str, path: str, body: Mapping[str, Any] | None = None
) -> list[tuple[int, Any, dict[str, str]]]:
    """Return what both nodes answer: status, body, and the headers that tell of limits."""
    found = []
    for ada in (here.ada, other.ada):
        status, told, headers = await ada.call(method, path, body)
        kept = ("retry-after", "ratelimit", "ratelimit-policy")
        named = {name.lower(): value for name, value in headers.items()}
        found.append((status, told, {name: named[name] for name in kept if name in named}))
    return found


async def alike(
    here: Ground, other: NodeProcess, method: str, path: str, body: Mapping[str, Any] | None = None
) -> tuple[int, Any, dict[str, str]]:
    """Return the answer of both nodes, once they are the same."""
    last: list[tuple[int, Any, dict[str, str]]] = []

    async def same() -> bool:
        nonlocal last
        last = await answers(here, other, method, path, body)
        return last[0] == last[1]

    try:
        await eventually(same)
    except TimeoutError:
        assert last[0] == last[1]
    return last[0]


async def of_other_node(here: Ground, other: NodeProcess) -> tuple[Person, str]:
    """Return the person at a node that has not a channel's account, and that channel."""
    channel = here.sim.accounts[0].channel_id
    is_here = has_account(here, here, channel)
    return (other.ada if is_here else here.ada), channel


async def test_accounts_and_their_slots_are_told_by_both_nodes(tmp_path: Path) -> None:
    async with ground(tmp_path, accounts=2) as here, two_nodes(here) as other:
        here.sim.fault("no_result", command="imagine", count=1)
        far, channel = await of_other_node(here, other)
        job = await far.ask("imagine", prompt=PROMPT, channel=channel)
        for path in (f"/v2/account/midjourney/{channel}", "/v2/account/midjourney"):
            status, told, _ = await alike(here, other, "GET", path)
            account = told.get(channel, told)
            assert (status, account["connection"]) == (200, {"state": "connected"})
            assert [slot["jobid"] for slot in account["slots"]] == [job["jobid"]]
        for path in ("/v2/jobs", f"/v2/jobs/?jobid={job['jobid']}", "/v2/account"):
            assert (await alike(here, other, "GET", path))[0] == 200


async def test_full_slots_are_refused_by_both_nodes_before_anything_is_fetched(
    tmp_path: Path,
) -> None:
    """R1, R31."""
    async with ground(tmp_path, accounts=2) as here, two_nodes(here) as other:
        here.sim.fault("no_result", command="imagine", count=1)
        _, channel = await of_other_node(here, other)
        job = await here.ada.ask("imagine", prompt=PROMPT, channel=channel)
        full = {"channel": channel, "maxJobs": 1}
        imagine = {**full, "prompt": PROMPT}
        status, told, _ = await alike(here, other, "POST", "/v2/jobs/imagine", imagine)
        assert (status, told["executingJobs"]) == (429, [job["jobid"]])
        describe = {**full, "describeUrl": f"{here.outside.url}/none.png"}
        assert (await alike(here, other, "POST", "/v2/jobs/describe", describe))[0] == 429


async def test_a_wait_that_discord_asks_for_is_told_by_both_nodes(tmp_path: Path) -> None:
    """R16."""
    async with ground(tmp_path, accounts=2) as here, two_nodes(here) as other:
        _, channel = await of_other_node(here, other)
        here.sim.fault("rate_limited_proxy", count=1)
        body = {"prompt": PROMPT, "channel": channel}
        status, _, _ = await here.ada.call("POST", "/v2/jobs/imagine", body)
        assert status == 429

        def is_told() -> bool:
            with here.records() as records:
                return bool(records.rows("select 1 from assignments where waits_until > 0"))

        await eventually(is_told)
        (_, one, near), (_, two, far) = await answers(here, other, "POST", "/v2/jobs/imagine", body)
        assert one["error"] == two["error"]
        assert abs(int(near["retry-after"]) - int(far["retry-after"])) <= 3
        # a job of the queue is told the same reason
        waiting = {**body, "queue": True}
        job = (await here.ada.call("POST", "/v2/jobs/imagine", waiting))[1]
        reasons = []
        for ada in (here.ada, other.ada):
            shown = await ada.job(job["jobid"])
            reasons.append(shown["queue"]["why"].rpartition(" ")[0][:24])
        assert reasons == ["Discord asks to wait unt"] * 2
        assert len(here.interactions) == 1

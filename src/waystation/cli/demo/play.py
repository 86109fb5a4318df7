"""Play: set the stage of the demo, run its acts, and take everything down again."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from rich.text import Text

from waystation.cli.demo.acts import ACTS, Act
from waystation.cli.demo.mailbox import Mailbox
from waystation.cli.demo.processes import Program, finished, running
from waystation.cli.demo.site import Site
from waystation.cli.demo.stage import DemoNode, Stage
from waystation.cli.demo.takeover import LEASE_S, taken_over
from waystation.cli.saving import folder_at
from waystation.cli.screen import Screen, link
from waystation.errors import WaystationError

__all__ = ["play"]

_ACCOUNTS = 2
"""Of the simulator; without them there is nothing to show."""

_SPEED = 6
"""The bot's delays are divided by this: fast enough to watch, slow enough to see progress."""

_PICTURE_PX = 1024
"""A square grid of the simulator: half the bot's, which takes a second to draw."""


async def play(
    screen: Screen,
    picture: Path,
    *,
    folder: Path | None,
    keep: bool,
    nodes: int = 1,
    database: str | None = None,
) -> bool:
    """Run the demo and return whether everything was as expected.

    Args:
        nodes: processes of the service, of which one is killed in the last act
        database: URL of an empty database; None: a file that is thrown away
        folder: where the pictures that the bot draws are left; None throws them away
        keep: afterwards leave simulator and service running until SIGINT or SIGTERM
    """
    _end_in_order_on_signals()
    async with _stage(screen, picture, folder, nodes, database) as stage:
        _introduce(stage, stays=keep or folder is not None)
        await _perform(stage, _acts(nodes))
        ok = all(check.ok for check in stage.checks)
        _sum_up(stage, ok, keep)
        if keep:
            await _kept()
    return ok


@asynccontextmanager
async def _stage(
    screen: Screen,
    picture: Path,
    pictures: Path | None,
    nodes: int = 1,
    database: str | None = None,
) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="waystation-demo-")))
        site, mailbox = Site(picture), Mailbox()
        for server in (site, mailbox):
            await server.start()
            stack.push_async_callback(server.stop)
        simulating = (
            f"waystation.simulator --accounts {_ACCOUNTS} --port 0 --seed 1 --speed {_SPEED}"
            f" --picture-size {_PICTURE_PX}"
        )
        simulator = await stack.enter_async_context(
            running(folder / "simulator.log", {}, *simulating.split())
        )
        environment = _environment(folder, simulator["url"], mailbox.port)
        if database is not None:
            environment |= {"WAYSTATION_DATABASE_URL": database}
            # nodes need one key, so none makes it
            await finished(environment, "waystation", "make-key", "--json")
        if nodes > 1:
            environment |= {"WAYSTATION_LEASE_S": f"{LEASE_S:g}"}
        service = Program(folder / "service.log", environment, "waystation", "serve", "--json")
        stack.push_async_callback(service.stop)
        url = (await service.start())["url"]
        # started again it listens where it did
        others = [await _another_node(stack, folder, environment, n) for n in range(1, nodes)]
        environment["WAYSTATION_PORT"] = url.rpartition(":")[2]
        yield Stage(
            screen,
            picture,
            simulator,
            url,
            environment,
            folder_at(pictures or folder / "pictures"),
            service=service,
            site=site,
            mailbox=mailbox,
            nodes=[DemoNode(service, url), *others] if others else (),
        )


async def _another_node(
    stack: AsyncExitStack, folder: Path, environment: Mapping[str, str], number: int
) -> DemoNode:
    log = folder / f"node{number + 1}.log"
    program = Program(log, dict(environment), "waystation", "serve", "--json")
    stack.push_async_callback(program.stop)
    return DemoNode(program, (await program.start())["url"])


def _acts(nodes: int) -> Sequence[Act]:
    """Return the acts; with several nodes the last one needs two of them."""
    if nodes == 1:
        return ACTS
    return (*ACTS, ("A node that is killed in the middle of a job", taken_over))


def _environment(folder: Path, discord_url: str, smtp_port: int) -> dict[str, str]:
    return {
        "WAYSTATION_DATA_DIR": str(folder / "data"),
        "WAYSTATION_DISCORD_URL": discord_url,
        "WAYSTATION_ACTIVITY_URL": discord_url,
        "WAYSTATION_MIDJOURNEY_CDN_URL": discord_url,
        "WAYSTATION_ALLOW_NETWORKS": "127.0.0.0/8",
        "WAYSTATION_PACING_S": "0",
        "WAYSTATION_PORT": "0",
        "WAYSTATION_SMTP_URL": f"smtp://127.0.0.1:{smtp_port}/?from=waystation@example.org",
    }


async def _perform(stage: Stage, acts: Sequence[Act]) -> None:
    try:
        for number, (title, act) in enumerate(acts, 1):
            stage.begin(f"{number}. {title}")
            try:
                await act(stage)
            except WaystationError as error:
                why = f"{error.message} ({error.details})" if error.details else error.message
                stage.check(False, why)
            if len(stage.channels) < _ACCOUNTS:
                return
    finally:
        if stage.token:
            await stage.client.close()


def _introduce(stage: Stage, *, stays: bool) -> None:
    stage.show(Text("Waystation demo", "bold magenta"), indent=0)
    if stage.nodes:
        told = (
            f"{len(stage.nodes) + 1} programs now run on this machine: {len(stage.nodes)} nodes of "
            "the service on one\ndatabase, and a simulator that stands in for Discord"
        )
    else:
        told = (
            "Two programs now run on this machine: the service, with an empty database\n"
            "that is thrown away afterwards, and a simulator that stands in for Discord"
        )
    stage.show(
        f"{told}\nand the Midjourney bot. No Discord account is used, nothing leaves here.",
        indent=0,
    )
    stage.gap()
    services = [("service  ", node.url) for node in stage.nodes] or [("service  ", stage.url)]
    for name, url in (*services, ("simulator", stage.simulator["url"])):
        stage.show(Text(f"{name}  ") + link(url))
    stage.show(Text("picture    ") + link(str(stage.picture)))
    if stays:
        stage.show(Text("results    ") + link(str(stage.folder)))
    else:
        stage.show("results    are thrown away; --save DIR keeps the pictures")


def _sum_up(stage: Stage, ok: bool, keep: bool) -> None:
    failed = [check for check in stage.checks if not check.ok]
    if stage.screen.as_json:
        checks = [check.as_json() for check in stage.checks]
        stage.screen.give({"ok": ok, "checks": checks} | (_kept_facts(stage) if keep else {}))
        return
    stage.gap()
    if ok:
        line = (
            f"All {len(stage.checks)} checks passed. Discord was the simulator, the rest is real."
        )
        stage.show(Text(line, "bold green"), indent=0)
    else:
        line = f"{len(failed)} of {len(stage.checks)} checks failed."
        stage.show(Text(line, "bold red"), indent=0)
    if keep:
        _explain_curl(stage)


def _kept_facts(stage: Stage) -> dict[str, object]:
    return {
        "url": stage.url,
        "token": stage.token,
        "channels": stage.channels,
        "jobids": {what: job["jobid"] for what, job in stage.jobs.items()},
        "data_dir": _data_dir(stage),
    }


def _data_dir(stage: Stage) -> str:
    return stage.environment.get("WAYSTATION_DATA_DIR", "")


def _explain_curl(stage: Stage) -> None:
    ask = (
        "curl -sS -w '\\n' "
        '-H "Authorization: Bearer $WAYSTATION_TOKEN" -H "Content-Type: application/json"'
    )
    lines = [
        f"export WAYSTATION_DATA_DIR={_data_dir(stage)}",
        f"export WAYSTATION_URL={stage.url} WAYSTATION_TOKEN={stage.token}",
        f"""{ask} $WAYSTATION_URL/v2/jobs/info -d '{{"channel": "{stage.channels[0]}"}}'""",
        f"""{ask} $WAYSTATION_URL/v2/jobs/describe """
        f"""-d '{{"describeUrl": "{stage.site.picture_url}"}}'""",
        f"{ask} $WAYSTATION_URL/v2/jobs",
    ]
    lines += (
        f'{ask} "$WAYSTATION_URL/v2/jobs/?jobid={job["jobid"]}"' for job in stage.jobs.values()
    )
    stage.gap()
    stage.show("Both keep running until Ctrl-C. In another terminal:", indent=0)
    stage.gap()
    for line in lines:
        stage.screen.show(link(line))


def _end_in_order_on_signals() -> None:
    """Cancel the demo on SIGINT and SIGTERM, or its children would outlive it."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)


async def _kept() -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        # Ctrl-C and SIGTERM are how a kept demo is meant to end.
        return

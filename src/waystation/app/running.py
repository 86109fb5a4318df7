"""Running: from the first signal to the last commit.

How it works: the parts start in the order in which they need each other. They go down in the order
that keeps what was accepted: no new jobs, waiting callers answered, connections to Discord left
resumable, the store last.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence

import structlog

from waystation.app.limits import drain_step_s
from waystation.app.listening import listen, server_of, started, url_of
from waystation.app.memory import give_memory_back, keep_memory_small
from waystation.app.parts import Parts, build
from waystation.app.state import State, open_state
from waystation.app.tracing import open_traces
from waystation.callbacks import LONGEST_WAITS_S
from waystation.clock import SystemClock, SystemIds
from waystation.discord.site import discord_session
from waystation.engine.outbox.mail import MAIL_WAITS_S
from waystation.outbound.connector import guarded_session
from waystation.ports import Traces
from waystation.settings import Settings

__all__ = ["run", "serve"]

Task = asyncio.Task[None]

log = structlog.get_logger("waystation.app")


async def serve(settings: Settings, *, ready: Callable[[str], None]) -> None:
    """Run the service until SIGTERM or SIGINT.

    Args: ready: called with the base URL once requests are answered
    Raises: ConfigurationError, SchemaMismatch, StoreError, VaultError, Conflict
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    await run(settings, stop, ready=ready)


async def run(settings: Settings, stop: asyncio.Event, *, ready: Callable[[str], None]) -> None:
    """Run the service until `stop` is set. Args and errors as in `serve`."""
    for warning in settings.warnings:
        log.warning("settings.unknown_variable", text=warning)
    keep_memory_small()
    with contextlib.closing(listen(settings)) as listening:
        async with open_traces(settings) as traces, open_state(settings) as state:
            alone = await state.store.own_accounts()
            if alone:
                # what an earlier process wrote down to wait for is in its time (R28)
                state.clock.go_on(await state.store.load_clock())
                await state.store.save_clock(state.clock.kept(None))
            await state.store.bound_waits(state.clock.now(), LONGEST_WAITS_S, MAIL_WAITS_S)
            await _run(settings, state, listening, traces, stop, ready, alone=alone)


async def _run(
    settings: Settings,
    state: State,
    listening: socket.socket,
    traces: Traces,
    stop: asyncio.Event,
    ready: Callable[[str], None],
    *,
    alone: bool,
) -> None:
    ids = SystemIds()
    async with contextlib.AsyncExitStack() as stack:
        networks = settings.reachable_networks
        outside = await stack.enter_async_context(guarded_session(networks))
        pictures = await stack.enter_async_context(guarded_session(networks, keeps=True))
        inside = await stack.enter_async_context(discord_session())
        parts = build(settings, state, ids, outside, pictures, inside, traces, alone=alone)
        server = server_of(settings, parts.service, ids, traces)
        async with asyncio.TaskGroup() as group:
            keeping = [
                group.create_task(parts.node.run()),
                group.create_task(parts.wakes.run(parts.heard)),
            ]
            if state.store.restored:
                await parts.janitor.end_restored(upgraded=state.store.upgraded)
                await state.store.settle_restored()
            owing, upkeep = await _start(group, parts, state.clock)
            serving = group.create_task(server.serve(sockets=[listening]))
            await started(server, serving)
            gc.collect()
            gc.freeze()
            ready(url_of(listening))
            await stop.wait()
            log.info("service.stopping")
            step_s = drain_step_s(settings)
            await _within(step_s, asyncio.gather(parts.service.drain(), parts.serving.stop()))
            server.should_exit = True
            await serving
            await _stop(parts, owing, upkeep, step_s)
            for task in keeping:
                task.cancel()
    log.info("service.stopped")


async def _start(
    group: asyncio.TaskGroup, parts: Parts, clock: SystemClock
) -> tuple[Sequence[Task], Sequence[Task]]:
    """Start what runs beside the server.

    Returns: what must come to an end of its own, and what may be cut off anywhere
    """
    # before anything is asked: a restart closes no breaker
    await parts.breaker.share()
    owing = [
        group.create_task(parts.pool.run()),
        *(group.create_task(one.run()) for one in parts.outbox),
    ]
    upkeep = [
        group.create_task(give_memory_back(clock)),
        *(group.create_task(run()) for run in parts.upkeep),
    ]
    await parts.pool.started.wait()
    return owing, upkeep


async def _stop(parts: Parts, owing: Sequence[Task], upkeep: Sequence[Task], step_s: float) -> None:
    """Take the parts down so that nothing is lost: each step has its time."""
    for task in upkeep:
        task.cancel()
    for one in parts.outbox:
        one.stop()
    await _within(step_s, parts.pool.stop())
    parts.spreading.look()
    await parts.wakes.flush()
    await asyncio.wait(owing, timeout=step_s)
    for task in owing:
        task.cancel()
    if parts.copying is not None:
        await parts.copying.shelf.close()


async def _within(limit_s: float, step: Awaitable[object]) -> None:
    """Take one step of a stop; what it cannot finish in time the next start does."""
    try:
        async with asyncio.timeout(limit_s):
            await step
    except TimeoutError:
        log.warning("service.stop_step_cut_short", limit_s=limit_s)

"""`waystation` in processes that are forked from one that has everything imported.

A start takes a tenth of the time, so that a service can be killed hundreds of times. Standard input
brings orders, a JSON line each: arguments and environment. Standard output has a line when it is
ready, and then the lines of the child: first its process id, and after its end its exit code.
"""

from __future__ import annotations

import ctypes
import functools
import json
import os
import signal
import sys
import traceback
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.e2e.awaits import ARM, DIES_AT, RECORDS, Watch

__all__ = ["ARMED", "ENDED", "LEASE_S", "PID", "READY"]

READY = "ready"
PID = "pid"
ENDED = "ended"
ARMED = "TEST_ARMED"
"""Environment variable: it is armed from its start on."""
LEASE_S = "TEST_LEASE_S"
"""Environment variable: seconds of a lease, which may be shorter than the setting allows."""

_DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG. Source: prctl(2)."""


def _import() -> None:
    """Import what a service needs, and no more threads or sockets than that makes."""
    import uvloop

    import waystation.app
    import waystation.cli
    import waystation.cli.serve
    from waystation.store.transactions import queue

    assert uvloop and waystation
    # as fast as the rest of a death
    queue.PUT_BACK = queue.RESTS = timedelta(seconds=0.3)  # type: ignore[misc]


def _watch(environment: dict[str, str]) -> None:
    """Let every task of this process be seen."""
    import uvloop

    told, records = environment.get(DIES_AT), environment.get(RECORDS)
    watch = Watch(
        Path(told) if told else None,
        os.open(records, os.O_WRONLY | os.O_APPEND | os.O_CREAT) if records else None,
    )
    signal.signal(ARM, watch.arm)
    if ARMED in environment:
        watch.arm()

    def new_event_loop() -> Any:
        loop = uvloop.new_event_loop()
        loop.set_task_factory(watch.task)
        return loop

    uvloop.run = functools.partial(uvloop.run, loop_factory=new_event_loop)


def _shorten(environment: dict[str, str]) -> None:
    """Let this process wait no longer than a death needs."""
    from waystation.app import limits, parts
    from waystation.settings import Settings

    def owner_limits(settings: Settings) -> Any:
        made = limits.owner_limits(settings)
        lease_s = float(environment.get(LEASE_S, made.lease_s))
        # where a bot gives no result, it gives no answer to Cancel Job either
        return replace(made, lease_s=lease_s, cancel_wait_s=1.0)

    parts.owner_limits = owner_limits  # type: ignore[attr-defined]


def _be(order: dict[str, Any]) -> None:
    """Be a `waystation` process; it does not return."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, int(signal.SIGKILL))
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT), 2)
    environment = order["environment"]
    os.environ.clear()
    os.environ.update(environment)
    _watch(environment)
    _shorten(environment)
    print(json.dumps({PID: os.getpid()}), flush=True)
    assert order["arguments"] == ["serve", "--port", "0", "--json"], order
    from waystation.cli.serve import serve

    try:
        # without the command line before it, which takes longer than the start itself
        serve(port=0, as_json=True)
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _serve() -> None:
    _import()
    print(json.dumps({READY: os.getpid()}), flush=True)
    while line := sys.stdin.readline():
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _be(order)
        _, status = os.waitpid(pid, 0)
        print(json.dumps({ENDED: os.waitstatus_to_exitcode(status)}), flush=True)


if __name__ == "__main__":
    _serve()

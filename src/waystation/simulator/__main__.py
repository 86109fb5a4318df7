"""waystation-simulator: a stand-in for Discord and the Midjourney bot, as a process."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence

import uvloop

from waystation.simulator.payload import encode
from waystation.simulator.server import Simulator
from waystation.simulator.switches import LISTED

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; print one JSON line once ready."""
    parser = _parser()
    options = vars(parser.parse_args(arguments))
    try:
        simulator = Simulator(**options)
    except (ValueError, LookupError) as error:
        parser.error(str(error))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(simulator))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="waystation-simulator", description=__doc__)
    add = parser.add_argument
    add("--accounts", type=int, default=1, help="how many Discord users exist (1)")
    add("--bots", type=int, default=1, help="how many other bots exist (1)")
    add("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    add("--port", type=int, default=0, help="port to listen on; 0 takes a free one (0)")
    add("--model", default="8.2", help="image model of a new account: 7, 8.2, niji 7 … (8.2)")
    add("--seed", type=int, default=1, help="fixes ids, prompts, delays and order (1)")
    add("--speed", type=float, default=1.0, help="1 to 1000, divides the bot's delays (1)")
    add(
        "--fault",
        action="append",
        default=[],
        dest="faults",
        metavar="NAME[:VALUE][,KEY=VALUE...]",
        help="switch a fault on; also account=, command=, count=; may be repeated;"
        f" {LISTED} list the names",
    )
    add(
        "--large-guilds",
        action="store_true",
        help="guilds so large that a session hears their messages only after it subscribed",
    )
    add(
        "--clock-ahead",
        type=float,
        default=0.0,
        dest="clock_ahead_s",
        metavar="SECONDS",
        help="how far its clock is ahead of the machine's, or behind if negative (0)",
    )
    add("--strict-sessions", action="store_true", help="interactions need a live session id")
    add(
        "--resume-window",
        type=float,
        default=180.0,
        dest="resume_window_s",
        metavar="SECONDS",
        help="how long a dropped session waits for RESUME (180)",
    )
    add(
        "--heartbeat-interval",
        type=int,
        default=41_250,
        dest="heartbeat_interval_ms",
        metavar="MS",
        help="heartbeat interval told in HELLO (41250)",
    )
    add(
        "--link-life",
        type=float,
        default=86_400.0,
        dest="link_life_s",
        metavar="SECONDS",
        help="how long a signed link lives (86400)",
    )
    add(
        "--picture-size",
        type=int,
        default=2048,
        metavar="PX",
        help="side of a square grid, 64 to 2048 (2048)",
    )
    add(
        "--form-life",
        type=float,
        default=900.0,
        dest="form_life_s",
        metavar="SECONDS",
        help="how long a form waits to be sent (900)",
    )
    add("--log-limit", type=int, default=20_000, help="log entries kept (20000)")
    add(
        "--no-rate-limits",
        action="store_false",
        dest="rate_limits",
        help="answer any number of requests",
    )
    return parser


async def _run(simulator: Simulator) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await simulator.start()
    sys.stdout.write(encode(simulator.ready_line()).decode() + "\n")
    sys.stdout.flush()
    await stopped.wait()
    await simulator.stop()


if __name__ == "__main__":
    raise SystemExit(main())

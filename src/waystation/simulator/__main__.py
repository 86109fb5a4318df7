"""waystation-simulator: a stand-in for Discord and the Midjourney bot, as a process."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import errno
import os
import secrets
import signal
import ssl
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict

import uvloop

from waystation.simulator.discord.languages import LOCALES
from waystation.simulator.faults.switches import LISTED
from waystation.simulator.options import Options
from waystation.simulator.payload import encode
from waystation.simulator.server import Simulator

__all__ = ["main"]

_SEED_BITS = 32


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; print one JSON line once ready."""
    parser = _parser()
    options = vars(parser.parse_args(arguments))
    until_stdin_closes, seed = options.pop("until_stdin_closes"), options.pop("seed")
    try:
        simulator = Simulator(**options) if seed is None else Simulator(seed=seed, **options)
    except (ValueError, LookupError) as error:
        parser.error(str(error))
    if seed is None:
        # people stay, because a service may have kept their tokens; a job's uuid never comes again
        simulator.set_seed(secrets.randbits(_SEED_BITS))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_run(simulator, until_stdin_closes=until_stdin_closes))
        except OSError as error:
            parser.exit(2, f"{parser.prog}: {_why(error, simulator.options)}\n")
    return 0


def _why(error: OSError, options: Options) -> str:
    """Say why nothing listens, and what to do."""
    place = f"{options.host}:{options.port}"
    if error.errno == errno.EADDRINUSE:
        return f"{place} is taken by another program; choose another --port, or 0 for a free one"
    if isinstance(error, ssl.SSLError | FileNotFoundError | PermissionError):
        files = f"{options.tls_cert} and {options.tls_key}"
        return f"{files} cannot be used for TLS: {error.strerror or error}"
    return f"{place} cannot be listened on: {error.strerror or error}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="waystation-simulator", description=__doc__)
    add = parser.add_argument
    add("--accounts", type=int, help="how many Discord users exist (%(default)s)")
    add("--bots", type=int, help="how many other bots exist (%(default)s)")
    add("--host", help="address to listen on (%(default)s)")
    add("--port", type=int, help="port to listen on; 0 takes a free one (%(default)s)")
    add(
        "--public-url",
        metavar="URL",
        help="what links begin with when clients reach it by another address, such as a proxy's",
    )
    add("--tls-cert", metavar="FILE", help="certificate (PEM); the port speaks TLS")
    add("--tls-key", metavar="FILE", help="the certificate's private key (PEM)")
    add(
        "--until-stdin-closes",
        action="store_true",
        help="end when standard input closes, and so with the program that began it",
    )
    add("--model", help="image model of a new account: 7, 8.2, niji 7 … (%(default)s)")
    add(
        "--locale",
        help=f"language of Discord's refusals and of command names: {', '.join(LOCALES)}"
        " (%(default)s)",
    )
    add(
        "--seed",
        type=int,
        help="fixes ids, prompts, delays and order; left out: people and channels are those of"
        " seed 1, the rest is new at each start",
    )
    add("--speed", type=float, help="1 to 1000, divides the bot's delays (%(default)g)")
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
        dest="clock_ahead_s",
        metavar="SECONDS",
        help="how far its clock is ahead of the machine's, or behind if negative (%(default)g)",
    )
    add("--strict-sessions", action="store_true", help="interactions need a live session id")
    add(
        "--resume-window",
        type=float,
        dest="resume_window_s",
        metavar="SECONDS",
        help="how long a dropped session waits for RESUME (%(default)g)",
    )
    add(
        "--heartbeat-interval",
        type=int,
        dest="heartbeat_interval_ms",
        metavar="MS",
        help="heartbeat interval told in HELLO (%(default)s)",
    )
    add(
        "--link-life",
        type=float,
        dest="link_life_s",
        metavar="SECONDS",
        help="how long a signed link lives (%(default)g)",
    )
    add(
        "--picture-size",
        type=int,
        metavar="PX",
        help="side of a square grid, 64 to 2048 (%(default)s)",
    )
    add(
        "--form-life",
        type=float,
        dest="form_life_s",
        metavar="SECONDS",
        help="how long a form waits to be sent (%(default)g)",
    )
    add("--log-limit", type=int, help="log entries kept (%(default)s)")
    add(
        "--no-rate-limits",
        action="store_false",
        dest="rate_limits",
        help="answer any number of requests",
    )
    # without a seed each start is another
    parser.set_defaults(**asdict(Options()) | {"seed": None})
    return parser


async def _run(simulator: Simulator, *, until_stdin_closes: bool = False) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await simulator.start()
    if until_stdin_closes:
        # A thread that dies with the process: a signal must not wait for whoever holds stdin.
        threading.Thread(target=_wait_for_stdin, args=(loop, stopped), daemon=True).start()
    sys.stdout.write(encode(simulator.ready_line()).decode() + "\n")
    sys.stdout.flush()
    await stopped.wait()
    await simulator.stop()


def _wait_for_stdin(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    while os.read(0, 4096):
        pass
    with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
        loop.call_soon_threadsafe(stopped.set)


if __name__ == "__main__":
    raise SystemExit(main())

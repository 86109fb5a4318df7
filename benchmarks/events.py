"""Gateway events read, matched and recorded per second, against decoding the same frames.

How it works: a fresh service finds accounts in its database whose jobs were submitted before. Each
account connects and hears prepared frames, its own jobs' results among other people's noise. The
round ends when the last job is completed in the database. Pure decoding takes the same frames
through msgspec in this process: the envelope, then the struct for `t`, as the service does it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

import apsw
import msgspec

from benchmarks.children import Child, child
from benchmarks.figures import Result, ratio_of
from benchmarks.frames import OWN_PER_JOB, AskedJob, frames
from benchmarks.installation import service_environment
from benchmarks.machine import CLIENT_CPU, SERVICE_CPU
from waystation.app import State, open_state
from waystation.clock import SystemClock
from waystation.jobs import InteractionSeen, Job, Nonce, Submitted
from waystation.midjourney.machine import apply
from waystation.ports import AccountSetup, Change, JobChange, JobDraft
from waystation.settings import load
from waystation.wire.gateway import Frame
from waystation.wire.interaction import InteractionEvent
from waystation.wire.message import Message

__all__ = ["AIM", "measure"]

AIM = 0.1

_ACCOUNTS = 16
_JOBS = 12
"""Jobs in flight on each account: what Midjourney's largest plans run at once."""
_DONE_WITHIN_S = 60.0
_LOOK_AGAIN_S = 0.02

_SHAPES: Mapping[str, Any] = {
    "MESSAGE_CREATE": msgspec.json.Decoder(Message).decode,
    "MESSAGE_UPDATE": msgspec.json.Decoder(Message).decode,
    "INTERACTION_SUCCESS": msgspec.json.Decoder(InteractionEvent).decode,
}
_decode_frame = msgspec.json.Decoder(Frame).decode

_Asked = Mapping[str, Any]
"""One account as the gateway server wants to know it."""


@dataclass(frozen=True)
class _Turn:
    """What one turn took, for all its events."""

    events: int
    wall_s: float
    cpu_s: float


async def measure(folder: Path, rounds: int) -> Result:
    """Take turns: the service, then pure decoding of the same frames."""
    ours: list[_Turn] = []
    bare: list[_Turn] = []
    async with child(folder / "gateway.log", CLIENT_CPU, "benchmarks.gateway_server") as gateway:
        for number in range(rounds):
            place = folder / f"round-{number}"
            place.mkdir()
            turn, accounts = await _record(place, gateway)
            ours.append(turn)
            bare.append(_decode([each for account in accounts for each in _frames_of(account)]))
    return _result(ours, bare)


async def _record(folder: Path, gateway: Child) -> tuple[_Turn, Sequence[_Asked]]:
    """Let a fresh service hear all frames."""
    url = gateway.ready.get("url") or (await gateway.order(accounts=[]))["url"]
    environment = service_environment(folder, str(url))
    accounts = await _submitted_jobs(environment)
    await gateway.order(accounts=accounts)
    database = folder / "data" / "waystation.db"
    async with child(
        folder / "service.log",
        SERVICE_CPU,
        *("waystation", "serve", "--json"),
        environment=environment,
    ) as service:
        await gateway.order(wait=True)
        before = service.cpu_s
        began_s = (await gateway.order(go=True))["began_s"]
        finished_s = await _completed(database, _ACCOUNTS * _JOBS)
        spent_s = service.cpu_s - before
    events = sum(len(_frames_of(account)) for account in accounts)
    return _Turn(events, finished_s - began_s, spent_s), accounts


async def _submitted_jobs(environment: Mapping[str, str]) -> Sequence[_Asked]:
    """Write accounts with jobs that Discord has taken and the bot has not answered."""
    async with open_state(load(environ=environment)) as state:
        user = await state.store.add_user("bench@example.org", b"hash", SystemClock().now())
        return [await _account(state, user.user_id, number) for number in range(_ACCOUNTS)]


async def _account(state: State, user_id: int, number: int) -> _Asked:
    now, base = SystemClock().now(), (number + 1) * 10**15 + 10**18
    account_id, token = f"account-{number}", f"token-of-account-{number}"
    channel, guild, discord_user = str(base + 1), str(base + 2), str(base + 3)
    await state.store.put_account(
        AccountSetup(
            account_id=account_id,
            user_id=user_id,
            discord_user_id=discord_user,
            channel=channel,
            guild_id=guild,
            max_jobs=_JOBS,
            sealed_token=state.vault.seal("accounts", account_id, token.encode()),
            masked_token="tok…secured…000",
            at=now,
        )
    )
    epoch = await state.store.claim_account(account_id, "bench", now, now + timedelta(seconds=30))
    draft = JobDraft(user_id, "describe", {"describeUrl": "-"}, [account_id], True, None)
    jobs = []
    for index in range(_JOBS):
        job = await state.store.add_job(draft, now)
        assert isinstance(job, Job)
        ids = (str(base + 1000 * index + offset) for offset in (10, 11, 12))
        asked = AskedJob(*ids)
        events = (
            Submitted(Nonce(asked.nonce), now + timedelta(minutes=5)),
            InteractionSeen(asked.interaction_id),
        )
        for event in events:
            job = apply(job, event, now, timedelta(minutes=10))
        await state.store.commit(Change(account_id, epoch, now, (JobChange(job, events),)))
        jobs.append(asdict(asked))
    await state.store.release_account(account_id, "bench")
    return {
        "token": token,
        "user": discord_user,
        "guild": guild,
        "channel": channel,
        "seed": number,
        "jobs": jobs,
    }


def _frames_of(account: _Asked) -> Sequence[bytes]:
    jobs = [AskedJob(**job) for job in account["jobs"]]
    return frames(account["guild"], account["channel"], account["user"], jobs, account["seed"])


async def _completed(path: Path, count: int) -> float:
    """Return when the last of so many jobs was completed, wall clock."""
    database = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    query = "select count(*), max(finished_at) from jobs where status = 'completed'"
    try:
        async with asyncio.timeout(_DONE_WITHIN_S):
            while True:
                completed, last_us = database.execute(query).fetchall()[0]
                if completed == count:
                    return float(last_us or 0) / 1e6
                await asyncio.sleep(_LOOK_AGAIN_S)
    finally:
        database.close()


def _decode(every: Sequence[bytes]) -> _Turn:
    began_s, cpu_s = time.perf_counter(), time.process_time()
    for data in every:
        frame = _decode_frame(data)
        shape = _SHAPES.get(frame.t or "")
        if shape is not None:
            shape(frame.d)
    return _Turn(len(every), time.perf_counter() - began_s, time.process_time() - cpu_s)


def _result(ours: Sequence[_Turn], bare: Sequence[_Turn]) -> Result:
    per_s = [[turn.events / turn.wall_s for turn in turns] for turns in (ours, bare)]
    cpu = ratio_of([turn.cpu_s for turn in bare], [turn.cpu_s for turn in ours])
    jobs, ratio = _ACCOUNTS * _JOBS, ratio_of(*per_s)
    return Result(
        "Gateway events read, matched and recorded",
        (
            ("what", "events/s", "CPU µs/event"),
            _row("pure decoding", bare),
            _row("Waystation", ours),
        ),
        f"events/s, Waystation / pure decoding: {ratio}; aim {AIM}: "
        + ("met" if ratio.median >= AIM else "not met"),
        (
            f"the same in processor time: {cpu}",
            f"{ours[0].events} events a turn on {_ACCOUNTS} accounts, {OWN_PER_JOB * jobs} of them "
            f"about {jobs} own jobs ({2 * jobs} commits flushed to disk), {len(ours)} rounds",
            "Waystation's figure holds inflating, the websocket and the session besides",
        ),
    )


def _row(name: str, turns: Sequence[_Turn]) -> Sequence[str]:
    per_s = median(turn.events / turn.wall_s for turn in turns)
    cpu_us = median(1e6 * turn.cpu_s / turn.events for turn in turns)
    return (name, f"{per_s:.0f}", f"{cpu_us:.1f}")

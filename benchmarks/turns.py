"""Turns: how long others wait for one job's trouble, at the default pace of one account.

Each kind of trouble has accounts of its own, and all run at once beside accounts without trouble;
every account is given fifteen jobs with a slot and five infos at once. What counts is how long
after its acceptance each *other* job was asked, as the service's database tells.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp

from benchmarks.figures import Result, percentile, ratio_of
from benchmarks.installation import Installation, installation
from benchmarks.outside import Outside, outside

__all__ = ["measure"]

AIM = 1.2
_AIM_S = 1.0
_SLOTS, _INFOS = 15, 5
_BETWEEN_S = 0.02
"""Between two POSTs: a user has a share of the places at which pictures are fetched."""
_LOOK_AGAIN_S = 0.2

_Body = Mapping[str, object]


@dataclass(frozen=True)
class _Pace:
    """Numbers of a run: the default ones, or smaller ones of a run that only shows it works."""

    settings: Mapping[str, str]
    speed: float
    retry_after_s: float
    longest_s: float


_DEFAULT = _Pace({"WAYSTATION_PACING_S": "2.5"}, 1.0, 120.0, 200.0)
_SHORT = _Pace(
    {
        "WAYSTATION_PACING_S": "0.125",
        "WAYSTATION_PACING_JITTER_S": "0.05",
        "WAYSTATION_FIRST_ANSWER_S": "10",
    },
    20.0,
    20.0,
    60.0,
)


@dataclass
class _Kind:
    """One kind of trouble, or none."""

    prompts: Sequence[str] = ()
    """Imagines among the jobs with a slot; the others are describes."""
    fault: str | None = None
    facts: Mapping[str, object] = field(default_factory=dict)


_KINDS: Mapping[str, _Kind] = {
    "no trouble": _Kind(),
    "one 5xx": _Kind(fault="server_error_before"),
    "two imagines, unlike": _Kind(("a cat", "a dog")),
    "two imagines, alike": _Kind(("a cat", "a cat"), "anonymous_progress"),
    "one 429": _Kind(fault="rate_limited_bucket"),
}


async def measure(folder: Path, rounds: int) -> Result:
    """Let all kinds run side by side, each on as many accounts as there are rounds."""
    pace = _SHORT if rounds == 1 else _DEFAULT
    count = rounds * len(_KINDS)
    async with (
        outside() as place,
        installation(
            folder,
            accounts=count,
            equipped=count,
            speed=pace.speed,
            max_jobs=15,
            settings=pace.settings,
        ) as here,
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), headers=here.http.headers
        ) as http,
        asyncio.timeout(pace.longest_s),
    ):
        run = _Run(here, place, http, folder / "data" / "waystation.db", pace)
        try:
            return await run.all(rounds)
        finally:
            for one in run.asked:
                one.cancel()
            await asyncio.gather(*run.asked, return_exceptions=True)


class _Run:
    """One run: the accounts by kind, and what was asked."""

    def __init__(
        self,
        here: Installation,
        place: Outside,
        http: aiohttp.ClientSession,
        database: Path,
        pace: _Pace,
    ) -> None:
        self._here, self._place, self._http = here, place, http
        self._database, self._pace = database, pace
        self.asked: list[asyncio.Task[None]] = []
        self._answers: dict[str, list[tuple[int, float]]] = {}
        """By channel: status and seconds of each answer."""

    async def all(self, rounds: int) -> Result:
        """Ask for everything and return what was found."""
        names = [name for name in _KINDS for _ in range(rounds)]
        channels = dict.fromkeys(_KINDS, ()) | {
            name: [
                account["channel_id"]
                for account, of in zip(self._here.accounts, names, strict=True)
                if of == name
            ]
            for name in _KINDS
        }
        for number, name in enumerate(names):
            kind = _KINDS[name]
            if kind.fault is not None:
                more = {"retry_after": self._pace.retry_after_s} if name == "one 429" else {}
                await self._here.fault(kind.fault, account=number, count=1, **more)
        await self._begin(channels)
        limited = channels["one 429"]
        late = [asyncio.create_task(self._after_the_wait(channel)) for channel in limited]
        waits = {
            name: [await self._waits(channel) for channel in found]
            for name, found in channels.items()
            if name != "one 429"
        }
        after_s = [await one for one in late]
        answered = [self._answered_s(channel) for channel in limited]
        return _result(waits, answered, after_s, self._pace)

    async def _begin(self, channels: Mapping[str, Sequence[str]]) -> None:
        """POST all jobs, account by account in turns."""
        turns = [
            [(verb, body | {"channel": channel}) for verb, body in self._jobs(_KINDS[name])]
            for name, found in channels.items()
            for channel in found
        ]
        for at_once in zip(*turns, strict=True):
            for verb, body in at_once:
                self.asked.append(asyncio.create_task(self._post(verb, body)))
                await asyncio.sleep(_BETWEEN_S)

    def _jobs(self, kind: _Kind) -> Sequence[tuple[str, dict[str, object]]]:
        drawn: list[tuple[str, dict[str, object]]] = [
            ("imagine", {"prompt": prompt}) for prompt in kind.prompts
        ]
        described: tuple[str, dict[str, object]] = (
            "describe",
            {"describeUrl": self._place.picture_url},
        )
        return [*drawn, *[described] * (_SLOTS - len(drawn)), *[("info", {})] * _INFOS]

    async def _post(self, verb: str, body: dict[str, object]) -> None:
        began = time.monotonic()
        async with self._http.post(f"{self._here.url}/v2/jobs/{verb}", json=body) as answer:
            await answer.read()
        took = (answer.status, time.monotonic() - began)
        self._answers.setdefault(str(body["channel"]), []).append(took)

    async def _waits(self, channel: str) -> Sequence[float]:
        """Return how long each job but the troubled ones waited, once all were asked."""
        others = "channel = ? and verb <> 'imagine' and code = 200"
        while True:
            rows = self._rows(
                f"select submitted_at - created_at from jobs where {others}",
                channel,
            )
            (taken,) = self._rows("select count(*) from jobs where channel = ?", channel)
            if taken[0] >= _SLOTS + _INFOS and all(wait is not None for (wait,) in rows):
                return [wait / 1e6 for (wait,) in rows]
            await asyncio.sleep(_LOOK_AGAIN_S)

    async def _after_the_wait(self, channel: str) -> float:
        """Return how long after Discord's wait the first job was asked, which came before it."""
        refused = "select finished_at from jobs where channel = ? and nonce is not null"
        while not (ends := self._rows(refused, channel)) or ends[0][0] is None:
            await asyncio.sleep(_LOOK_AGAIN_S)
        await asyncio.sleep(self._pace.retry_after_s * 0.75)
        post = self._post("describe", {"describeUrl": self._place.picture_url, "channel": channel})
        self.asked.append(asyncio.create_task(post))
        asked = "select submitted_at from jobs where channel = ? and submitted_at > ?"
        while not (rows := self._rows(asked, channel, ends[0][0])):
            await asyncio.sleep(_LOOK_AGAIN_S)
        return float(rows[0][0] - ends[0][0]) / 1e6 - self._pace.retry_after_s

    def _answered_s(self, channel: str) -> Sequence[float]:
        """Return how long the callers waited who were told 429; all but the first must be."""
        took = [seconds for status, seconds in self._answers[channel] if status == 429]
        if len(took) < _SLOTS + _INFOS:
            raise RuntimeError(f"only {len(took)} callers were told to wait")
        return took

    def _rows(self, query: str, *values: object) -> Sequence[Sequence[Any]]:
        with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True)) as database:
            return database.execute(query, values).fetchall()


def _result(
    waits: Mapping[str, Sequence[Sequence[float]]],
    answered: Sequence[Sequence[float]],
    after_s: Sequence[float],
    pace: _Pace,
) -> Result:
    compared = (("one 5xx", "no trouble"), ("two imagines, alike", "two imagines, unlike"))
    rows: list[Sequence[str]] = [("until each other job was asked", "median, s", "p99, s")]
    rows += [(name, f"{_of(runs, 50):.1f}", f"{_of(runs, 99):.1f}") for name, runs in waits.items()]
    ratios = {
        f"{trouble} / {calm}, {word}": ratio_of(
            [percentile(run, percent) for run in waits[trouble]],
            [percentile(run, percent) for run in waits[calm]],
        )
        for trouble, calm in compared
        for word, percent in (("median", 50.0), ("p99", 99.0))
    }
    told_s = max(percentile(run, 99) for run in answered)
    met = all(ratio.median <= AIM for ratio in ratios.values())
    met_s = told_s < _AIM_S and max(after_s) < _AIM_S
    return Result(
        "Turns: one job's trouble beside nineteen others",
        rows,
        "; ".join(f"{name}: {ratio}" for name, ratio in ratios.items())
        + f"; aim {AIM}: {_word(met)}; beside a Retry-After of {pace.retry_after_s:g} s others are "
        + f"told within {told_s:.2f} s (p99), the first ask left {max(after_s):.2f} s after it; "
        + f"aim {_AIM_S:g} s each: {_word(met_s)}",
        (
            f"{_SLOTS} jobs with a slot and {_INFOS} infos at once on one account, pacing "
            f"{pace.settings['WAYSTATION_PACING_S']} s, {len(answered)} accounts of each kind",
        ),
    )


def _of(runs: Sequence[Sequence[float]], percent: float) -> float:
    return median(percentile(run, percent) for run in runs)


def _word(met: bool) -> str:
    return "met" if met else "not met"

"""Many identical prompts at once under everything that makes their results look alike; the verdict.

How it works: each channel has three callers who ask again as soon as a callback tells that a job is
over. Before each ask, chance by seed may switch on some of `HAZARDS` for the channel's account. In
the end the simulator's book says whose picture is whose, and the verdict is drawn from it alone.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Any

import aiohttp

from tests.build import replace
from tests.e2e.conftest import Person
from tests.e2e.invariants import QUEUED
from tests.e2e.process import Ground
from tests.e2e.records import Row
from waystation import sentences
from waystation.simulator.bot.gallery import finished
from waystation.simulator.discord.world import Account
from waystation.simulator.payload import Payload

__all__ = [
    "HAZARDS_OF_MATCHING",
    "HAZARDS_OF_WORDS",
    "LASTING",
    "PROMPT",
    "UNHEARD",
    "Asked",
    "Verdict",
    "run",
]

PROMPT = (
    "a red fox that looks over its shoulder in the deep snow of a bright winter morning, "
    "long blue shadows, seen from afar, https://127.0.0.1/fox.png --ar 3:2"
)
"""Long enough to be cut and still be told by its beginning (R20)."""

CALLERS = 3
"""As many as an account has slots."""

LOOK_AGAIN_S = 0.05
"""Pause before a caller asks again where all slots were taken."""

WAIT_S = 240.0
"""Longer than a turn beside a look-alike and a job take; a caller who waits longer has lost one."""

WAITED = sentences.LOOK_ALIKE_WAITS.said(time="2 minutes")
"""Error of a job whose turn ended beside an identical one that had shown nothing."""

NEEDLESS_AT_MOST = 0.005
"""Share of jobs that may end as not told apart although the book names no twin. That is honest, and
hangs on when a busy machine hears what; 95 of 100 jobs must have their own picture in any case."""

_NEEDLESS = "apart without need"
_HONEST = ("own", "apart", "apart beside a ghost", _NEEDLESS, "queued", "waited")

WAITED_AT_MOST = 0.003
"""Share of the jobs that may end so."""

HAZARDS_OF_MATCHING: Mapping[str, Sequence[Mapping[str, Any]]] = {
    # rows of HAZARDS that concern drawing
    "nonce_on_result": ({},),
    "missing_nonce": ({},),
    "missing_metadata": ({},),
    "missing_progress": ({},),
    "anonymous_progress": ({},),
    "deferred_start": ({},),
    "early_delete": ({},),
    "late_delete": ({"seconds": 6.0},),
    "missing_delete": ({},),
    "edited_result": ({},),
    "result_replies": ({},),
    "late_success": ({},),
    "rewritten_prompt": ({}, {"flags": "--v 7"}),
    "short_links": ({},),
    # rows of FAULTS that make it hard to tell whose a message is
    "job_queued": ({"start_after_s": 6.0},),
    "foreign_user": ({"when": "before"}, {"when": "during"}, {"when": "around"}),
    "owner_by_hand": tuple(
        {"when": when, "alike": alike}
        for when in ("before", "during", "after")
        for alike in (False, True)
    ),
    "impostor_bot": ({"at": "acknowledged"}, {"at": "before_final", "nonce": False}),
    "duplicate_message": ({"times": 2}, {"times": 3}),
    "partial_update": ({},),
    "reordered": ({},),
    "missing_create": ({},),
    "late_message": ({"seconds": 6.0},),
    "no_interaction_events": ({},),
    "interaction_failure": ({},),
}
"""Each with the parameters to choose from. Units: seconds of the bot, as its speed divides them."""

HAZARDS_OF_WORDS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "unknown_wording_of_caption": ({}, {"deed": "Sharpened by"}),
    "cut_prompt": ({}, {"length": 110, "ending": "\u2026"}),
    "shortened_prompt": ({}, {"sentence": "a vixen in winter"}),
    "plain_links": ({}, {"text": ""}),
    "no_buttons": ({}, {"web": True}),
}
"""Hazards of the words and parts of a result; each is taken by itself, beside the others."""

TRAPS: Sequence[Sequence[str]] = (
    ("missing_progress",),
    ("anonymous_progress",),
    ("missing_nonce", "missing_metadata"),
    ("no_interaction_events", "missing_nonce"),
)
"""Hazards that leave a result without a tie; the owner who types the same meets it as well."""

_RARE = {"job_queued": 0.25}
"""How often they are taken when drawn, untracked: a queued job ends as 504 by contract (R6)."""

LASTING = frozenset({"job_queued", "missing_delete"})
"""Not beside other words: a job whose result nobody can tell stays one that could own any for a
day, and what looks like it, and shows nothing else, is rightly told apart of nothing."""

UNHEARD = "no_interaction_events"
"""Not in a run with other words, where an ask may meet it together with another sentence: of that
job nothing at all would tell (R20)."""

_HOW_MANY = (0, 0, 0, 1, 1, 2, 3)
"""Hazards that are switched on before one ask."""

_TRAPPED = 0.012
"""How often one of `TRAPS` is set before an ask."""


@dataclass(frozen=True)
class Asked:
    """One job as its caller saw it."""

    channel: str
    prompt: str
    final: Row
    """The body of the callback, or of the POST where there is none."""


@dataclass
class _Callers:
    """Everybody who asks, and what they were told."""

    here: Ground
    ada: Person
    chance: Random
    words: float = 0.0
    """How often each of `HAZARDS_OF_WORDS` is switched on before an ask, 0 to 1."""
    asked: list[Asked] = field(default_factory=list)
    fed_until: dict[str, float] = field(default_factory=dict)
    """channel → when its last job was taken, as the simulator's clock says."""
    _over: dict[str, asyncio.Future[Row]] = field(default_factory=dict)

    async def hear(self) -> None:
        """Hand each callback to whoever waits for it, until cancelled."""
        heard = 0
        outside = self.here.outside
        while True:
            outside.arrived.clear()
            for _, body in outside.callbacks[heard:]:
                heard += 1
                over = self._told(body["jobid"])
                if not over.done():
                    over.set_result(body)
            await outside.arrived.wait()

    def _told(self, jobid: str) -> asyncio.Future[Row]:
        return self._over.setdefault(jobid, asyncio.get_running_loop().create_future())

    async def keep_busy(self, account: Account, prompts: list[str]) -> None:
        """Keep the slots of one channel taken until its prompts are used up."""
        chance = Random(self.chance.random())
        async with asyncio.TaskGroup() as callers:
            for _ in range(CALLERS):
                callers.create_task(self._ask_on(account, prompts, chance))

    async def _ask_on(self, account: Account, prompts: list[str], chance: Random) -> None:
        while prompts:
            prompt = prompts.pop()
            self._endanger(account, chance)
            final = await self._ask(account, prompt)
            self.asked.append(Asked(account.channel_id, prompt, final))

    def _endanger(self, account: Account, chance: Random) -> None:
        if chance.random() < _TRAPPED:
            when = chance.choice(("before", "during"))
            self._switch_on(account, "owner_by_hand", {"when": when, "alike": True})
            for name in chance.choice(TRAPS):
                if not (self.words and name == UNHEARD):
                    self._switch_on(account, name, {})
            return
        words = [name for name in HAZARDS_OF_WORDS if chance.random() < self.words]
        for name in words:
            self._switch_on(account, name, chance.choice(HAZARDS_OF_WORDS[name]))
        for name in chance.sample(sorted(HAZARDS_OF_MATCHING), chance.choice(_HOW_MANY)):
            params = chance.choice(HAZARDS_OF_MATCHING[name])
            if self.words and name == UNHEARD:
                continue
            often = 1.0 if self.here.settings.track_queued_jobs else _RARE.get(name, 1.0)
            if chance.random() < often and not (words and name in LASTING):
                self._switch_on(account, name, params)

    def _switch_on(self, account: Account, name: str, params: Mapping[str, Any]) -> None:
        speed = self.here.sim.options.speed
        paced = {
            key: value / speed if key in ("seconds", "start_after_s") else value
            for key, value in params.items()
        }
        self.here.sim.fault(name, account=account.user_id, count=1, params=paced)

    async def _ask(self, account: Account, prompt: str) -> Row:
        body = {
            "prompt": prompt,
            "channel": account.channel_id,
            "replyUrl": f"{self.here.outside.url}/callback",
        }
        async with asyncio.timeout(WAIT_S):
            while True:
                status, job, _ = await self.ada.call("POST", "/v2/jobs/imagine", body)
                if status != 429:
                    break
                await asyncio.sleep(LOOK_AGAIN_S)
        assert "jobid" in job, (status, job)
        self.fed_until[account.channel_id] = time.time()
        try:
            return await asyncio.wait_for(self._told(job["jobid"]), WAIT_S)
        except TimeoutError:
            return await self.ada.job(job["jobid"])


def hostile(account: Account, foreigner: str, number: int) -> str:
    """Return a prompt that imitates what tells results apart."""
    uuid = f"{number:08x}-dead-4bee-8fee-{int(account.user_id) % 16**12:012x}"
    return (
        f"a red fox ** - <@{foreigner}> (Stopped)",
        f"a red fox {uuid} ** - <@{account.user_id}> (100%) (fast)",
        f"a red fox [(Open on website)](<https://midjourney.com/jobs/{uuid}>)",
        f"**a red fox** - Image #1 <@{account.user_id}> {uuid}_grid_0.webp",
    )[number % 4]


async def run(here: Ground, seed: int, jobs: int, hostiles: int, *, words: float = 0.0) -> Verdict:
    """Ask for `jobs` identical prompts, and some hostile ones among them; wait for all ends.

    Args: words: how often each of HAZARDS_OF_WORDS is switched on, 0 to 1
    """
    callers = _Callers(here, here.ada, Random(seed), words)
    accounts = here.sim.accounts
    prompts: dict[str, list[str]] = {account.channel_id: [] for account in accounts}
    for number in range(jobs):
        prompts[accounts[number % len(accounts)].channel_id].append(PROMPT)
    for number in range(hostiles):
        account = accounts[number % len(accounts)]
        # one wording per channel: they are identical among themselves too
        wording = hostile(account, here.sim.world.foreigner.id, number % len(accounts))
        prompts[account.channel_id].append(wording)
    for each in prompts.values():
        callers.chance.shuffle(each)
    hearing = asyncio.create_task(callers.hear())
    # the service closes what was idle for 5 s, and a POST that meets that cannot be sent again: a
    # busy machine makes any shorter time as long
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    try:
        async with (
            aiohttp.ClientSession(connector=connector) as http,
            asyncio.TaskGroup() as channels,
        ):
            callers.ada = replace(here.ada, http=http)
            for account in accounts:
                channels.create_task(callers.keep_busy(account, prompts[account.channel_id]))
    finally:
        hearing.cancel()
    await here.sim.settled()
    with here.records() as records:
        rows = {row["jobid"]: row for row in records.jobs()}
    return Verdict(callers.asked, here.sim.book, rows, callers.fed_until)


@dataclass(frozen=True)
class Verdict:
    """The book's verdict on the results of the callers."""

    asked: Sequence[Asked]
    book: Sequence[Payload]
    rows: Mapping[str, Row]
    """The service's own rows: nonce and messages of each job."""
    fed_until: Mapping[str, float]

    @cached_property
    def pages(self) -> Mapping[str, Payload]:
        """nonce → page of what the service asked."""
        return {page["nonce"]: page for page in self.book if not page["by_hand"]}

    @cached_property
    def twins(self) -> frozenset[str]:
        """Interactions that the book marks as indistinguishable from another."""
        return frozenset(
            page["interaction_id"] for page in self.book if page["indistinguishable_from"]
        )

    def page(self, one: Asked) -> Payload | None:
        """Return the page of a job; None when it never reached the bot."""
        return self.pages.get(self.rows[one.final["jobid"]]["nonce"])

    def end(self, one: Asked) -> str:
        """Return how a job ended, in one word of the figures, or a sentence when it is wrong."""
        page, final = self.page(one), one.final
        if page is None and final.get("error") == WAITED:
            # the silence of identical jobs is borne as long as two turns take (R15)
            return "waited"
        if page is None:
            return f"{final['status']} {final.get('error')} without reaching the bot"
        is_twin = page["interaction_id"] in self.twins
        status, error = final["status"], final.get("error")
        if status == "completed":
            shown = final["messageId"], _uuid_of(final["attachments"][0]["filename"])
            if shown != (page["result_id"], page["uuid"]):
                return "swapped"
            return "guessed" if is_twin else "own"
        if (status, error) == ("failed", sentences.NOT_TOLD_APART.text):
            if is_twin:
                return "apart"
            return "apart beside a ghost" if self._beside_a_ghost(one) else _NEEDLESS
        if error == QUEUED and page["status"] == "completed":
            return self._queued(one, page)
        return f"{status} {final.get('code')} {error} {page['faults']} {page['evidence']}"

    def _beside_a_ghost(self, one: Asked) -> bool:
        """Tell whether a result that says nothing may be that of an earlier ask, for all we know.

        Nothing told whose the picture of that one was, another sentence stood in it. So its job may
        own what looks like its prompt for a day (R19), of which the book knows nothing.
        """
        row = self.rows[one.final["jobid"]]
        return row["hash"] is None and any(
            ghost["ghost"]
            and (ghost["hash"], ghost["late"], ghost["channel"]) == (None, None, row["channel"])
            and ghost["submitted_at"] < row["submitted_at"]
            for other in self.asked
            if other.prompt == one.prompt and (ghost := self.rows[other.final["jobid"]])
        )

    def _queued(self, one: Asked, page: Payload) -> str:
        late = self.rows[one.final["jobid"]]["late"]
        if late is None and page["interaction_id"] in self.twins:
            return "queued"
        if late is None:
            return "queued, late result missed"
        own = page["message_ids"]
        return "queued" if late["message_id"] in own else "queued, late result swapped"

    @cached_property
    def ends(self) -> Counter[str]:
        return Counter(self.end(one) for one in self.asked)

    @cached_property
    def own_share(self) -> float:
        """Return how many of those for which the book names no twin got their own, 0 to 1."""
        pages = [self.page(one) for one in self.asked]
        tellable = [page for page in pages if page and page["interaction_id"] not in self.twins]
        return self.ends["own"] / len(tellable)

    @cached_property
    def doubled(self) -> int:
        """Jobs that the bot has executed more than once."""
        asked = Counter(page["nonce"] for page in self.book if not page["by_hand"])
        return sum(count > 1 for count in asked.values()) + max(0, len(asked) - len(self.asked))

    @cached_property
    def handed_out_twice(self) -> int:
        """Pictures that more than one job has."""
        given = Counter(
            one.final["messageId"] for one in self.asked if one.final["status"] == "completed"
        )
        return sum(count > 1 for count in given.values())

    @cached_property
    def in_use(self) -> float:
        """Jobs that the bot worked on at the same time, on average, while there was work left."""
        return sum(self._in_use(channel) for channel in self.fed_until) / len(self.fed_until)

    def _in_use(self, channel: str) -> float:
        own = [page for page in self.pages.values() if page["channel_id"] == channel]
        begin = min(page["accepted_at_s"] for page in own)
        end = self.fed_until[channel]
        busy_s = sum(min(end, page["final_at_s"]) - min(end, page["accepted_at_s"]) for page in own)
        return float(busy_s / (end - begin))

    @cached_property
    def asked_in_use(self) -> float:
        """The same as the service sees it: from the commit before the ask to the end."""
        total = 0.0
        for channel, end in self.fed_until.items():
            asked = (row for row in self.rows.values() if row["submitted_at"] is not None)
            rows = [row for row in asked if row["channel"] == channel]
            begin = min(row["submitted_at"] for row in rows) / 1e6
            busy_s = sum(
                min(end, row["finished_at"] / 1e6) - min(end, row["submitted_at"] / 1e6)
                for row in rows
            )
            total += busy_s / (end - begin)
        return total / len(self.fed_until)

    def wrong(self) -> Iterator[str]:
        """Yield a sentence about each job that ended as it must not."""
        for one in self.asked:
            end = self.end(one)
            if end not in _HONEST:
                page = self.page(one)
                about = "" if page is None else f" {page['number']} {page['faults']}"
                yield f"{one.final['jobid']}:{about} {end}"

        if self.ends[_NEEDLESS] > len(self.asked) * NEEDLESS_AT_MOST:
            yield f"{self.ends[_NEEDLESS]} jobs were not told apart, and the book names no twin"
        if self.ends["waited"] > len(self.asked) * WAITED_AT_MOST:
            yield f"{self.ends['waited']} jobs were not sent beside an identical one"

    def figures(self) -> dict[str, Any]:
        """Return what the proof is about, in numbers."""
        fired = Counter(name for page in self.pages.values() for name in page["faults"])
        return {
            "jobs": len(self.asked),
            "swapped": self.ends["swapped"],
            "doubled": self.doubled + self.handed_out_twice,
            "own picture": round(self.own_share, 4),
            "slots in use": round(self.in_use, 2),
            "slots in use, as the service sees it": round(self.asked_in_use, 2),
            "ends": dict(self.ends),
            "hazards": dict(sorted(fired.items())),
        }


def drawn_by_the_book(here: Ground, page: Payload) -> bytes:
    """Draw a page's picture again, from what the simulator knows alone."""
    work = here.sim.bot.work_of(page["uuid"])
    assert work is not None, page
    return finished(work, here.sim.options.picture_size)[0].data


def _uuid_of(filename: str) -> str:
    return filename.rpartition(".")[0].rpartition("_")[2]

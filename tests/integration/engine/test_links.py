"""Links that have ended are renewed once, for readers and for callbacks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from tests.build import replace
from tests.fakes import START
from tests.harness.desk import ACCOUNT, Desk, desk, until
from waystation.callbacks import Callback
from waystation.engine.account.deeds import Deeds
from waystation.engine.account.pool import Pool
from waystation.engine.links import RENEWALS, Links
from waystation.errors import Unreachable
from waystation.jobs import JobId

SECOND = int(START.timestamp())


def link(name: str, ends_in_s: int) -> str:
    return f"https://cdn.example.net/{name}?ex={SECOND + ends_in_s:x}&hm=0&"


OLD, FRESH = link("old", -1), link("fresh", 3600)
FORM = json.dumps({"jobid": "job:1", "attachments": [{"url": OLD}]}).encode()


@asynccontextmanager
async def links(tmp_path: Path) -> AsyncIterator[tuple[Links, Desk]]:
    async with desk(tmp_path) as here:
        pool = Pool(here.adapters, here.limits, here.node)
        here.keep()
        running = asyncio.create_task(pool.run())
        await until(lambda: pool.states == {"connected": 1})
        try:
            yield Links(cast(Any, here.failing), Deeds(here.adapters, pool), here.clock), here
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


def url_in(form: bytes) -> str:
    return str(json.loads(form)["attachments"][0]["url"])


async def test_a_link_is_renewed_once_and_remembered(tmp_path: Path) -> None:
    async with links(tmp_path) as (renewing, here):
        here.discord.renewed = {OLD: FRESH}
        for _ in range(3):
            assert url_in(await renewing.in_form(ACCOUNT.account_id, FORM)) == FRESH
        assert here.discord.renewals == [(OLD,)]


async def test_it_is_renewed_again_when_that_has_ended_too(tmp_path: Path) -> None:
    async with links(tmp_path) as (renewing, here):
        here.discord.renewed = {OLD: FRESH}
        await renewing.in_form(ACCOUNT.account_id, FORM)
        here.clock.advance(7200)
        here.discord.renewed = {OLD: link("fresher", 10_000)}
        renewed = await renewing.in_form(ACCOUNT.account_id, FORM)
        assert url_in(renewed) == link("fresher", 10_000)


async def test_a_form_whose_links_work_is_passed_on_without_a_question(tmp_path: Path) -> None:
    async with links(tmp_path) as (renewing, here):
        young = FORM.replace(OLD.encode(), FRESH.encode())
        assert await renewing.in_form(ACCOUNT.account_id, young) is young
        assert here.discord.renewals == []


async def test_where_discord_does_not_answer_the_old_link_stays_and_it_is_left_alone(
    tmp_path: Path,
) -> None:
    async with links(tmp_path) as (renewing, here):
        here.discord.renewed = Unreachable("gone")
        for _ in range(3):
            assert url_in(await renewing.in_form(ACCOUNT.account_id, FORM)) == OLD
        assert len(here.discord.renewals) == 1
        here.clock.advance(31)
        here.discord.renewed = {OLD: FRESH}
        assert url_in(await renewing.in_form(ACCOUNT.account_id, FORM)) == FRESH


async def test_an_account_that_is_gone_leaves_the_link(tmp_path: Path) -> None:
    async with links(tmp_path) as (renewing, here):
        assert await renewing.in_form("another", FORM) == FORM
        assert here.discord.renewals == []


async def test_a_callback_gets_its_links_through_the_account_of_its_job(tmp_path: Path) -> None:
    async with links(tmp_path) as (renewing, here):
        here.discord.renewed = {OLD: FRESH}
        job = await here.add()
        callback = Callback("d1", job.jobid, 1, "http://a.test/", FORM, START, START)
        renewed = await renewing.in_callback(callback)
        assert url_in(renewed.body) == FRESH
        assert replace(renewed, body=FORM) == callback
        foreign = replace(callback, jobid=JobId("job:none"))
        assert await renewing.in_callback(foreign) == foreign
        young = replace(callback, body=b"{}")
        assert await renewing.in_callback(young) is young


async def test_readers_at_once_make_one_renewal(tmp_path: Path) -> None:
    async with links(tmp_path) as (renewing, here):
        here.discord.renewed = {OLD: FRESH}
        forms = await asyncio.gather(
            *(renewing.in_form(ACCOUNT.account_id, FORM) for _ in range(30))
        )
        assert {url_in(form) for form in forms} == {FRESH}
        assert here.discord.renewals == [(OLD,)]


async def test_a_link_that_discord_does_not_renew_is_left_alone_for_a_while(tmp_path: Path) -> None:
    async with links(tmp_path) as (renewing, here):
        here.discord.renewed = {}
        for _ in range(3):
            assert url_in(await renewing.in_form(ACCOUNT.account_id, FORM)) == OLD
        assert here.discord.renewals == [(OLD,)]
        here.discord.renewed = {OLD: FRESH}
        here.clock.advance(601)
        assert url_in(await renewing.in_form(ACCOUNT.account_id, FORM)) == FRESH


async def test_a_reader_that_hangs_up_takes_no_renewal_from_the_others(tmp_path: Path) -> None:
    async with links(tmp_path) as (renewing, here):
        here.discord.renewed = {OLD: FRESH}
        first = asyncio.ensure_future(renewing.in_form(ACCOUNT.account_id, FORM))
        await asyncio.sleep(0)
        second = asyncio.ensure_future(renewing.in_form(ACCOUNT.account_id, FORM))
        await asyncio.sleep(0)
        first.cancel()
        assert url_in(await second) == FRESH
        assert here.discord.renewals == [(OLD,)]


async def test_a_link_ends_by_discords_clock_and_not_by_ours(tmp_path: Path) -> None:
    async with links(tmp_path) as (renewing, here):
        soon = link("soon", 60)
        here.discord.renewed = {soon: FRESH}
        form = FORM.replace(OLD.encode(), soon.encode())
        here.clock.set_wall(timedelta(hours=1))
        renewing._discord_now = lambda: START - timedelta(seconds=1)
        assert url_in(await renewing.in_form(ACCOUNT.account_id, form)) == soon
        here.clock.set_wall(-timedelta(hours=2))
        renewing._discord_now = lambda: START + timedelta(seconds=1)
        assert url_in(await renewing.in_form(ACCOUNT.account_id, form)) == FRESH


async def test_an_account_renews_so_many_times_a_minute(tmp_path: Path) -> None:
    async with links(tmp_path) as (renewing, here):
        olds = [link(f"old{number}", -1) for number in range(RENEWALS + 5)]
        forms = [FORM.replace(OLD.encode(), old.encode()) for old in olds]
        here.discord.renewed = dict.fromkeys(olds, FRESH)
        told = [url_in(await renewing.in_form(ACCOUNT.account_id, form)) for form in forms]
        assert len(here.discord.renewals) == RENEWALS
        assert told[-5:] == olds[-5:]
        here.clock.advance(61)
        assert url_in(await renewing.in_form(ACCOUNT.account_id, forms[-1])) == FRESH


async def test_so_many_links_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("waystation.engine.links.KEPT_LINKS", 3)
    async with links(tmp_path) as (renewing, here):
        olds = [link(f"old{number}", -1) for number in range(10)]
        for number, old in enumerate(olds):
            here.discord.renewed = {old: FRESH} if number % 2 else {}
            await renewing.in_form(ACCOUNT.account_id, FORM.replace(OLD.encode(), old.encode()))
        assert (len(renewing._fresh), len(renewing._missed)) == (3, 3)
        assert olds[-1] in renewing._fresh and olds[1] not in renewing._fresh


async def test_files_that_are_read_at_once_are_renewed_together(tmp_path: Path) -> None:
    async with links(tmp_path) as (renewing, here):
        ended = [link(f"{number}", -1) for number in range(60)]
        here.discord.renewed = dict.fromkeys(ended[:-1], FRESH)
        asking = [
            asyncio.create_task(renewing.working(ACCOUNT.account_id, one))
            for one in (*ended, ended[0])
        ]
        await here.pass_until(lambda: all(task.done() for task in asking))
        assert [len(asked) for asked in here.discord.renewals] == [50, 10]
        assert [await task for task in asking] == [*([FRESH] * 59), None, FRESH]


async def test_a_link_that_works_is_its_own(tmp_path: Path) -> None:
    async with links(tmp_path) as (renewing, here):
        for one in (FRESH, "https://cdn.example.net/without-an-end"):
            assert await renewing.working(ACCOUNT.account_id, one) == one
        here.discord.renewed = {OLD: FRESH}
        asking = asyncio.create_task(renewing.working(ACCOUNT.account_id, OLD))
        await here.pass_until(asking.done)
        assert await renewing.working(ACCOUNT.account_id, OLD) == await asking == FRESH
        assert here.discord.renewals == [(OLD,)]

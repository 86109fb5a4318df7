from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests import build
from tests.fakes import START
from tests.harness.desk import ACCOUNT, LIMITS, Desk, desk, until
from tests.harness.leases import claim
from waystation.engine.account.pool import Pool
from waystation.engine.everywhere import Everywhere, Known
from waystation.jobs import Job
from waystation.ports import Account, AccountTold, Standing, ToldWait

OTHER = replace(build.account(2), user_id=1)
WAIT = ToldWait(START + timedelta(seconds=90), "slow down")
UPLOADS = ToldWait(START + timedelta(seconds=200), "too many files")


class Here:
    """A node that has no account, beside one that has them all."""

    def __init__(self, made: Desk) -> None:
        self.desk, self.store = made, made.store
        self.pool = Pool(made.adapters, LIMITS, made.node, alone=False)
        self.everywhere = Everywhere(made.store, self.pool, made.clock)

    async def accounts(self) -> list[Account]:
        return list(await self.store.list_accounts(1))

    async def told(self, account_id: str, told: AccountTold) -> int:
        epoch = await claim(self.store, account_id, "other")
        await self.store.nodes.tell("other", [(account_id, epoch, told)])
        return epoch

    async def job(self, account_id: str) -> Job:
        job = await self.store.add_job(build.draft(account_id), self.desk.clock.now())
        assert isinstance(job, Job)
        return job


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Here]:
    async with desk(tmp_path) as made:
        yield Here(made)


async def test_an_account_that_no_node_has_waits(here: Here) -> None:
    assert await here.everywhere.known(1, await here.accounts()) == {
        ACCOUNT.account_id: Known("waiting")
    }
    assert await here.everywhere.at_work(ACCOUNT.account_id) == (False, None)


@pytest.mark.parametrize("accounts", [1, 2])
async def test_an_account_of_another_node_is_known_by_its_rows(here: Here, accounts: int) -> None:
    if accounts == 2:
        await here.store.put_account(build.setup(OTHER))
    await here.told(ACCOUNT.account_id, AccountTold("connecting", "refused"))
    job = await here.job(ACCOUNT.account_id)
    known = await here.everywhere.known(1, await here.accounts())
    assert len(known) == accounts
    assert known[ACCOUNT.account_id] == Known("connecting", "refused", (job,))
    assert list(await here.everywhere.holding(ACCOUNT.account_id)) == [job]
    assert await here.everywhere.at_work(ACCOUNT.account_id) == (False, None)
    await here.told(ACCOUNT.account_id, AccountTold("connected"))
    assert await here.everywhere.at_work(ACCOUNT.account_id) == (True, None)


async def test_a_wait_of_an_account_of_another_node_is_known_until_it_ends(here: Here) -> None:
    """R16."""
    await here.told(ACCOUNT.account_id, AccountTold("connected", "", WAIT, UPLOADS))
    everywhere, accounts = here.everywhere, await here.accounts()
    assert await everywhere.standing(ACCOUNT.account_id) == Standing(90.0, "slow down")
    uploads = Standing(200.0, "too many files")
    assert await everywhere.standing(ACCOUNT.account_id, uploads=True) == uploads
    found = await everywhere.standings(1, accounts, uploads=False)
    assert found == {ACCOUNT.account_id: Standing(90.0, "slow down")}
    here.desk.clock.advance(100)
    assert await everywhere.standings(1, accounts, uploads=False) == {}
    assert list(await everywhere.standings(1, accounts, uploads=True)) == [ACCOUNT.account_id]
    here.desk.clock.advance(101)
    assert await everywhere.standings(1, accounts, uploads=True) == {}


async def test_an_account_that_is_held_here_is_known_by_its_owner(here: Here) -> None:
    here.desk.keep()
    running = asyncio.create_task(here.pool.run())
    try:
        await here.pool.started.wait()
        assert list(here.everywhere.here()) == []
        await here.pool.own(ACCOUNT.account_id)
        await until(lambda: here.pool.states == {"connected": 1})
        accounts = await here.accounts()
        ((account_id, epoch, told),) = here.everywhere.here()
        assert (account_id, epoch) == (ACCOUNT.account_id, accounts[0].epoch)
        assert told == AccountTold("connected")
        known = await here.everywhere.known(1, accounts)
        assert known == {ACCOUNT.account_id: Known("connected")}
        assert await here.everywhere.at_work(ACCOUNT.account_id) == (True, None)
        assert await here.everywhere.standings(1, accounts, uploads=True) == {}
    finally:
        await here.pool.stop()
        await running

"""Deeds where no owner is here; whole nodes do them for each other in tests/e2e/test_nodes.py."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from tests.build import draft, replace
from tests.harness.desk import ACCOUNT, Desk, desk
from tests.harness.house import house
from waystation import sentences
from waystation.engine.account.deeds import Deeds
from waystation.engine.account.pool import Pool
from waystation.engine.nodes.elsewhere import Elsewhere
from waystation.errors import Throttled, Unavailable
from waystation.jobs import Job, JobStatus


class Far:
    """Another node: notes what it is asked, and does it unless it is away."""

    unheard_since = None

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.is_away = False
        self.refusal: Exception = Unavailable()

    async def ask(self, account_id: str, kind: str, body: Any) -> Any:
        self.asked.append((account_id, kind, body))
        if self.is_away:
            raise self.refusal
        return {"old": "new"}


@asynccontextmanager
async def deeds(tmp_path: Path, far: Far | None) -> AsyncIterator[tuple[Deeds, Desk]]:
    async with desk(tmp_path) as here:
        looks: list[None] = []
        pool = Pool(
            here.adapters,
            here.limits,
            here.node,
            alone=far is None,
            unowned=lambda: looks.append(None),
        )
        yield Deeds(here.adapters, pool, cast(Elsewhere | None, far)), here


async def accepted(here: Desk) -> Job:
    job = await here.store.add_job(draft(ACCOUNT.account_id), here.clock.now())
    assert isinstance(job, Job)
    return job


async def stored(here: Desk, job: Job) -> Job:
    found = await here.store.get_job(job.jobid, None)
    assert found is not None
    return found


async def test_an_account_of_another_node_has_its_deeds_done_there(tmp_path: Path) -> None:
    far = Far()
    async with deeds(tmp_path, far) as (here, desk_):
        job = await accepted(desk_)
        await here.reset("account-1")
        await here.put("account-1")
        await here.remove("account-1", force=True)
        assert await here.refresh_links("account-1", ("old",)) == {"old": "new"}
        await here.end_unasked(job)
        assert far.asked == [
            ("account-1", "reset", None),
            ("account-1", "put", None),
            ("account-1", "remove", True),
            ("account-1", "links", ["old"]),
            ("account-1", "end_unasked", job.jobid),
        ]
        assert here.has_owner("account-1")
        assert here.unheard_since is None
        await here.put("account-9", is_new=True)
        assert len(far.asked) == 5


async def test_a_job_that_was_never_asked_is_ended_here_whoever_has_its_account(
    tmp_path: Path,
) -> None:
    far = Far()
    async with deeds(tmp_path, far) as (here, desk_):
        job = await accepted(desk_)
        await here.cancel(job)
        assert far.asked == []
        ended = await stored(desk_, job)
        assert (ended.status, ended.slot, ended.ghost) == (JobStatus.CANCELLED, False, False)
        # once more, from what was known before
        await here.cancel(job)
        assert await stored(desk_, job) == ended


async def test_a_job_whose_node_does_not_answer_is_ended_here_if_it_was_not_asked(
    tmp_path: Path,
) -> None:
    """R10."""
    far = Far()
    far.is_away = True
    async with deeds(tmp_path, far) as (here, desk_):
        job = await accepted(desk_)
        await here.end_unasked(job)
        ended = await stored(desk_, job)
        assert (ended.status, ended.error) == (JobStatus.FAILED, sentences.NOT_SENT.text)
        await here.end_unasked(job)
        assert await stored(desk_, job) == ended


async def test_a_lone_process_says_so_where_nobody_acts_for_an_account(tmp_path: Path) -> None:
    async with deeds(tmp_path, None) as (here, desk_):
        job = await accepted(desk_)
        assert not here.has_owner("account-1")
        assert here.unheard_since is None
        with pytest.raises(Unavailable):
            await here.cancel(job)
        with pytest.raises(Unavailable):
            await here.refresh_links("account-1", ("old",))
        await here.end_unasked(job)
        assert (await stored(desk_, job)).status is JobStatus.CREATED
        await asyncio.sleep(0)


async def test_a_changed_row_decides_where_no_node_could_be_told(tmp_path: Path) -> None:
    """R33."""
    far = Far()
    far.is_away = True
    async with deeds(tmp_path, far) as (here, _):
        with capture_logs() as logs:
            await here.put("account-1")
            await here.remove("account-1", force=False)
            with pytest.raises(Unavailable):
                await here.remove("account-1", force=True)
            with pytest.raises(Unavailable):
                await here.reset("account-1")
        assert [line["event"] for line in logs] == ["deeds.not_told"] * 2


async def test_too_many_commands_refuse_a_request_and_no_changed_row(tmp_path: Path) -> None:
    far = Far()
    far.is_away = True
    far.refusal = Throttled(sentences.COMMANDS_AT_ONCE.said(limit=200), retry_after_s=1)
    async with deeds(tmp_path, far) as (here, desk_):
        job = await accepted(desk_)
        with capture_logs() as logs:
            await here.put("account-1")
            await here.remove("account-1", force=False)
            for refused in (
                here.remove("account-1", force=True),
                here.reset("account-1"),
                here.cancel(replace(job, status=JobStatus.STARTED)),
            ):
                with pytest.raises(Throttled):
                    await refused
        assert [line["event"] for line in logs] == ["deeds.not_told"] * 2
        # an unasked job is ended by its row
        await here.end_unasked(job)
        assert (await stored(desk_, job)).final


async def test_a_job_s_cancel_that_no_node_takes_names_the_job(tmp_path: Path) -> None:
    far = Far()
    far.is_away = True
    far.refusal = Unavailable(sentences.NO_PROCESS_NOW.text)
    async with deeds(tmp_path, far) as (here, desk_):
        started = replace(await accepted(desk_), status=JobStatus.STARTED)
        with pytest.raises(Unavailable, match=sentences.NOT_CONNECTED_NOW.text):
            await here.cancel(started)
        with pytest.raises(Unavailable, match=sentences.NO_PROCESS_NOW.text):
            await here.reset("account-1")


async def test_a_cancel_between_two_holds_says_that_the_account_is_not_connected(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as here:
        await here.live()
        job = await accepted(here.here)
        owner = here.pool.get(ACCOUNT.account_id)
        assert owner is not None
        owner._hold = None
        with pytest.raises(Unavailable, match=sentences.NOT_CONNECTED_NOW.text):
            await here.deeds.cancel(job)

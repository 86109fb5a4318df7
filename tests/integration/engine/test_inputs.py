"""Inputs of jobs as sealed rows: written, read back, bounded, given up."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from tests import build
from tests.harness.desk import ACCOUNT, Desk, desk
from waystation.actions import Press, React
from waystation.engine.inputs import PART_BYTES, Asked, Inputs, read_asked, read_pictures
from waystation.errors import StoreError, Throttled, VaultError
from waystation.jobs import Job, Source
from waystation.ports import Fetched, NoSlot
from waystation.vault import KeyRing, Vault

_MIB = 1 << 20

FULL = "3 MiB of your pictures may wait to be sent, and this job's would be more; wait"
PRESS = Press("801", 64, "MJ::JOB::upsample::1::uuid", "choice")


def picture(size: int, name: str = "png") -> Fetched:
    return Fetched(
        bytes(range(256)) * (size // 256) + b"x" * (size % 256), "image/png", name, (8, 9)
    )


def writer(here: Desk, most_bytes: int = 512 * _MIB, store: Any = None) -> Inputs:
    return Inputs(store or here.store, here.adapters.sealer, here.ids, most_bytes)


async def added(here: Desk, asked: Asked, most_bytes: int = 512 * _MIB) -> Job:
    draft = build.draft(ACCOUNT.account_id, max_jobs=15)
    job = await writer(here, most_bytes).add_job(draft, asked, here.clock.now())
    assert isinstance(job, Job)
    return job


async def pictures_of(here: Desk, job: Job) -> Sequence[Fetched]:
    return await read_pictures(here.store, here.adapters.sealer, job.jobid)


def sizes(here: Desk) -> list[int]:
    """Return the length of each part on disk."""
    rows = here.store._connections.near.connection.execute(
        "select length(sealed) from job_input_parts order by input_id, number"
    )
    return [size for (size,) in rows]


def heads(here: Desk) -> list[str | None]:
    rows = here.store._connections.near.connection.execute("select jobid from job_inputs")
    return [jobid for (jobid,) in rows]


@pytest.mark.parametrize(
    "pictures",
    [
        [1],
        [PART_BYTES],
        [PART_BYTES + 1],
        [PART_BYTES - 1, 2, PART_BYTES],
        [3 * _MIB, 5, 2 * _MIB],
    ],
    ids=str,
)
async def test_pictures_are_read_back_as_they_were(tmp_path: Path, pictures: list[int]) -> None:
    async with desk(tmp_path) as here:
        given = [picture(size, f"p{number}") for number, size in enumerate(pictures)]
        job = await added(here, Asked(given))
        assert await pictures_of(here, job) == given
        asked = await read_asked(here.store, here.adapters.sealer, job.jobid)
        assert asked == (Asked(), True)
        assert heads(here) == [job.jobid]
        assert all(size <= _MIB for size in sizes(here))


@pytest.mark.parametrize("action", [PRESS, React("801", "x")], ids=["press", "reaction"])
async def test_a_press_is_read_back_with_its_source(tmp_path: Path, action: Press | React) -> None:
    async with desk(tmp_path) as here:
        source = Source("801", "uuid", "MJ::JOB::upsample::1::uuid")
        job = await added(here, Asked(action=action, source=source))
        asked = await read_asked(here.store, here.adapters.sealer, job.jobid)
        assert asked == (Asked(action=action, source=source), False)
        assert await pictures_of(here, job) == []


async def test_a_job_that_needs_no_inputs_has_no_row(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        job = await added(here, Asked())
        assert heads(here) == []
        assert await read_asked(here.store, here.adapters.sealer, job.jobid) is None
        assert await pictures_of(here, job) == ()


async def test_everything_is_sealed(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        vault = Vault(KeyRing(b"t" * 32, (b"k" * 32,)))
        secret = b"a picture that nobody may read"
        asked = Asked([Fetched(secret * 50_000, "image/png", "png")], PRESS, Source("801"))
        draft = build.draft(ACCOUNT.account_id)
        inputs = Inputs(here.store, vault, here.ids, 512 * _MIB)
        job = await inputs.add_job(draft, asked, here.clock.now())
        assert isinstance(job, Job)
        assert all(size <= _MIB for size in sizes(here))
        found = await read_pictures(here.store, vault, job.jobid)
        assert found[0].data == secret * 50_000
        other = Vault(KeyRing(b"t" * 32, (b"o" * 32,)))
        with pytest.raises(VaultError):
            await read_asked(here.store, other, job.jobid)
        await here.store.close()
        for file in tmp_path.iterdir():
            if file.is_file():
                assert secret not in file.read_bytes()
                assert PRESS.custom_id.encode() not in file.read_bytes()


async def test_no_transaction_writes_more_than_a_part(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        written: list[int] = []
        real = here.store._writer.run

        async def watched(transaction: Any) -> Any:
            before = sum(sizes(here))
            done = await real(transaction)
            written.append(sum(sizes(here)) - before)
            return done

        here.store._writer.run = watched  # type: ignore[method-assign]
        await added(here, Asked([picture(5 * _MIB)]))
        assert sum(written) >= 5 * _MIB
        assert max(written) <= _MIB


async def test_a_user_has_so_many_bytes_waiting(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        first = await added(here, Asked([picture(_MIB * 2)]), 3 * _MIB)
        for size in (_MIB + 1, 2 * _MIB):
            with pytest.raises(Throttled, match=FULL):
                await added(here, Asked([picture(size)]), 3 * _MIB)
        await added(here, Asked([picture(1000)]), 3 * _MIB)
        assert len(heads(here)) == 2
        await here.start()
        await here.owner.cancel(first.jobid)
        await added(here, Asked([picture(2 * _MIB)]), 3 * _MIB)


@pytest.mark.parametrize("size", [1000, 3 * _MIB])
async def test_a_job_that_finds_no_room_leaves_nothing(tmp_path: Path, size: int) -> None:
    async with desk(tmp_path) as here:
        draft = build.draft(ACCOUNT.account_id, max_jobs=1)
        await here.store.add_job(draft, here.clock.now())
        full = await writer(here).add_job(draft, Asked([picture(size)]), here.clock.now())
        assert isinstance(full, NoSlot)
        assert heads(here) == [] and sizes(here) == []


@pytest.mark.parametrize("step", ["begin_inputs", "add_input_part", "add_job"])
async def test_a_store_that_fails_in_between_leaves_nothing(tmp_path: Path, step: str) -> None:
    async with desk(tmp_path) as here:
        here.failing.failing = {step}
        draft = build.draft(ACCOUNT.account_id)
        inputs = writer(here, store=cast(Any, here.failing))
        with pytest.raises(StoreError):
            await inputs.add_job(draft, Asked([picture(3 * _MIB)]), here.clock.now())
        assert heads(here) == [] and sizes(here) == []
        assert await here.store.running_jobs(1) == []


async def test_rows_that_a_full_disk_leaves_are_swept_at_the_next_start(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        here.failing.failing = {"add_input_part", "drop_inputs"}
        inputs = writer(here, store=cast(Any, here.failing))
        draft = build.draft(ACCOUNT.account_id)
        with pytest.raises(StoreError):
            await inputs.add_job(draft, Asked([picture(3 * _MIB)]), here.clock.now())
        assert heads(here) == [None]
        await here.store.own_accounts()
        assert heads(here) == []


async def test_inputs_that_go_while_they_are_read_are_no_pictures(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        job = await added(here, Asked([picture(3 * _MIB)]))
        real = here.store.input_part

        async def read(input_id: str, number: int) -> bytes | None:
            if number == 1:
                await here.store._write(
                    lambda database: database.run("drop_job_inputs", {"jobid": job.jobid})
                )
            return await real(input_id, number)

        here.store.input_part = read  # type: ignore[method-assign]
        assert await pictures_of(here, job) == ()


async def test_a_caller_that_is_cancelled_in_between_leaves_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        real = here.store.add_input_part
        came = asyncio.Event()

        async def hang(*args: Any) -> None:
            await real(*args)
            came.set()
            await asyncio.Event().wait()

        here.store.add_input_part = hang  # type: ignore[method-assign, assignment]
        adding = asyncio.create_task(added(here, Asked([picture(3 * _MIB)])))
        await came.wait()
        adding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await adding
        assert heads(here) == []

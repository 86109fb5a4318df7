"""Duties of each implementation of `ports.Copies`, whatever its database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests import build
from tests.build import replace
from tests.conformance.stores import opened
from tests.fakes import START, FakeClock
from tests.harness import files as files_of
from tests.harness.leases import claim
from waystation.jobs import Job
from waystation.media.copying import COPY_AFTER
from waystation.ports import Commit, CopiesKept, KeptCopy, Store, WantedCopy
from waystation.wire.message import Attachment

DUE = START + COPY_AFTER
LATER = DUE + timedelta(minutes=1)


@pytest.fixture
async def store(where: str) -> AsyncIterator[Store]:
    """A store with a user and an account that `me` holds."""
    made = await opened(where, FakeClock())
    await made.add_user("owner@example.org", b"hash", START)
    await made.put_account(build.setup())
    await claim(made, "account-1", "me")
    yield made
    await made.close()


async def finished(store: Store, number: int, *files: str, at_s: float = 0.0) -> Job:
    """Finish a new job that has files, of which each is named by its attachment."""
    return await files_of.finished(store, number, *map(Attachment, files), at_s=at_s)


async def claimed(store: Store) -> list[WantedCopy]:
    return list(await store.copies.claim(DUE, LATER, 10))


async def kept(store: Store, wanted: WantedCopy, name: str, data: bytes) -> str | None:
    return await store.copies.keep(wanted, name, data.ljust(32, b"."), len(data))


async def test_files_fall_due_after_their_job_has_ended_and_are_taken_once(store: Store) -> None:
    assert await store.copies.next_due() is None
    job = await finished(store, 1, "a", "b")
    assert await store.copies.next_due() == DUE
    assert await store.copies.claim(DUE - timedelta(seconds=1), LATER, 10) == []
    assert await store.copies.claim(DUE, LATER, 1) == [WantedCopy(job.jobid, 0, "a")]
    assert await claimed(store) == [WantedCopy(job.jobid, 1, "b")]
    assert await claimed(store) == []
    assert await store.copies.next_due() == LATER
    assert len(await store.copies.claim(LATER, LATER + timedelta(minutes=1), 10)) == 2


async def test_a_copy_is_found_by_the_attachment_that_the_job_has(store: Store) -> None:
    job = await finished(store, 1, "a")
    assert await store.copies.find(job.jobid, 0, "a") is None
    (wanted,) = await claimed(store)
    assert await kept(store, wanted, "one", b"data") == "one"
    assert await store.copies.find(job.jobid, 0, "a") == KeptCopy("one", 4)
    assert await store.copies.find(job.jobid, 0, "b") is None
    assert await store.copies.find(job.jobid, 1, "a") is None
    assert await store.copies.next_due() is None
    assert await store.copies.kept() == CopiesKept(4, 1, 0)
    assert await store.copies.known(["one", "two"]) == {"one"}


async def test_the_same_bytes_are_kept_once_until_no_copy_names_them(store: Store) -> None:
    first = await finished(store, 1, "a", at_s=-9)
    second = await finished(store, 2, "b")
    for wanted, name in zip(await claimed(store), ("one", "two"), strict=True):
        assert await kept(store, wanted, name, b"data") == "one"
    assert await store.copies.kept() == CopiesKept(4, 1, 0)
    assert await store.copies.let_go(1) == 1
    assert await store.copies.unused(10) == []
    assert await store.copies.find(first.jobid, 0, "a") is None
    assert await store.copies.find(second.jobid, 0, "b") == KeptCopy("one", 4)
    assert await store.copies.let_go(10) == 1
    assert await store.copies.unused(10) == ["one"]
    assert await store.copies.let_go(10) == 0
    assert await store.copies.kept() == CopiesKept()
    assert await store.copies.next_due() is None


async def test_a_try_that_failed_is_counted_once(store: Store) -> None:
    await finished(store, 1, "a")
    (wanted,) = await claimed(store)
    again = LATER + timedelta(hours=1)
    for _ in range(2):
        await store.copies.put_off(wanted, again)
    (wanted,) = await store.copies.claim(again, again + timedelta(hours=1), 10)
    assert wanted.attempts == 1
    await store.copies.put_off(wanted, None)
    assert await store.copies.next_due() is None


async def test_a_rest_moves_what_is_due_and_counts_no_try(store: Store) -> None:
    await finished(store, 1, "a")
    await store.copies.rest(LATER)
    assert await claimed(store) == []
    assert await store.copies.next_due() == LATER
    (wanted,) = await store.copies.claim(LATER, LATER, 10)
    assert wanted.attempts == 0


async def test_a_start_takes_up_what_was_claimed_and_never_tried(store: Store) -> None:
    await finished(store, 1, "a", "b")
    first, _ = await claimed(store)
    await store.copies.put_off(first, LATER)
    await store.copies.resume(DUE)
    assert [one.attachment_id for one in await claimed(store)] == ["b"]


async def test_a_cut_is_kept_as_long_as_its_file(store: Store) -> None:
    job = await finished(store, 1, "a")
    (wanted,) = await claimed(store)
    assert await store.copies.add_cut("one", "small", 3) is False
    await kept(store, wanted, "one", b"data")
    for _ in range(2):
        assert await store.copies.add_cut("one", "small", 3) is True
    assert await store.copies.find(job.jobid, 0, "a", "small") == KeptCopy("one", 4, 3)
    assert await store.copies.find(job.jobid, 0, "a", "large") == KeptCopy("one", 4)
    assert await store.copies.kept() == CopiesKept(7, 1, 0)
    await store.copies.let_go(1)
    assert await store.copies.unused(10) == ["one"]
    assert await store.copies.add_cut("one", "small", 3) is False


async def test_a_file_that_is_missing_is_copied_anew(store: Store) -> None:
    job = await finished(store, 1, "a")
    (wanted,) = await claimed(store)
    await kept(store, wanted, "one", b"data")
    await store.copies.lose("one", LATER)
    assert await store.copies.find(job.jobid, 0, "a") is None
    assert await store.copies.next_due() == LATER
    assert await store.copies.known(["one"]) == frozenset()
    (again,) = await store.copies.claim(LATER, LATER, 10)
    assert await kept(store, again, "two", b"data") == "two"


async def test_a_purged_job_takes_its_copies_along(store: Store) -> None:
    await finished(store, 1, "a", "b")
    wanted, other = await claimed(store)
    await kept(store, wanted, "one", b"data")
    assert await store.purge(build.later(99), build.later(99), 10) == 1
    assert await kept(store, other, "two", b"more") is None
    assert await store.copies.unused(10) == ["one"]
    assert await store.copies.next_due() is None


async def test_the_place_of_copies_has_one_mark(store: Store) -> None:
    assert [await store.copies.mark(new) for new in ("a", "b")] == ["a", "a"]


async def test_another_file_in_the_place_of_one_is_copied(store: Store) -> None:
    job = await finished(store, 1, "a")
    (wanted,) = await claimed(store)
    await kept(store, wanted, "one", b"data")
    late = build.stepped(job)
    await store.commit(
        Commit("account-1", 1, START, (replace(late, files=[WantedCopy(job.jobid, 0, "b")]),))
    )
    assert await claimed(store) == [WantedCopy(job.jobid, 0, "b")]
    assert await kept(store, wanted, "three", b"dat3") is None

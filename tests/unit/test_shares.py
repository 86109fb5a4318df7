from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waystation.shares import Shares

PATIENT_S = 5.0


async def test_one_user_waits_for_its_share_and_another_passes() -> None:
    shares = Shares(per_user=4, in_all=16)
    async with AsyncExitStack() as stack:
        for _ in range(4):
            await stack.enter_async_context(shares.hold(1, 1, PATIENT_S))
        fifth = asyncio.ensure_future(stack.enter_async_context(shares.hold(1, 1, PATIENT_S)))
        await stack.enter_async_context(shares.hold(2, 1, 0))
        assert not fifth.done()
        assert shares.held == 5
        fifth.cancel()
        await asyncio.gather(fifth, return_exceptions=True)
    assert shares.held == 0


async def test_the_whole_is_never_exceeded_and_who_waits_comes_in_turn() -> None:
    shares = Shares(per_user=4, in_all=16)
    most = 0
    order: list[int] = []

    async def work(user_id: int) -> None:
        nonlocal most
        async with shares.hold(user_id, 1, PATIENT_S):
            most = max(most, shares.held)
            order.append(user_id)
            await asyncio.sleep(0)

    await asyncio.gather(*(work(user_id) for user_id in range(40)))
    assert (most, shares.held, order) == (16, 0, list(range(40)))


@pytest.mark.parametrize(("per_user", "in_all", "users"), [(4, 16, 5), (16, 32, 5)])
async def test_many_users_who_hold_all_they_can_leave_a_place_for_another(
    per_user: int, in_all: int, users: int
) -> None:
    shares = Shares(per_user, in_all)
    async with AsyncExitStack() as stack:
        wishes = [
            asyncio.ensure_future(stack.enter_async_context(shares.hold(user_id, 1, PATIENT_S)))
            for user_id in range(users)
            for _ in range(per_user)
        ]
        await asyncio.sleep(0)
        await stack.enter_async_context(shares.hold(users, 1, 0))
        for wish in wishes:
            wish.cancel()
        await asyncio.gather(*wishes, return_exceptions=True)
    assert shares.held == 0


async def test_a_wait_that_is_over_is_told_and_leaves_the_line() -> None:
    shares = Shares(per_user=1, in_all=1)
    async with shares.hold(1, 1, 0):
        with pytest.raises(TimeoutError):
            async with shares.hold(2, 1, 0.001):
                pass
    async with shares.hold(3, 1, 0):
        assert shares.held == 1


async def test_a_large_wish_is_not_starved_by_small_ones() -> None:
    shares = Shares(per_user=10, in_all=10)
    async with AsyncExitStack() as stack:
        holding = shares.hold(1, 5, 0)
        await holding.__aenter__()
        large = asyncio.ensure_future(stack.enter_async_context(shares.hold(2, 10, PATIENT_S)))
        await asyncio.sleep(0)
        small = asyncio.ensure_future(stack.enter_async_context(shares.hold(3, 1, PATIENT_S)))
        await asyncio.sleep(0)
        assert not small.done()
        await holding.__aexit__(None, None, None)
        await large
        small.cancel()
        await asyncio.gather(small, return_exceptions=True)


async def test_more_than_a_share_is_cut_to_it() -> None:
    shares = Shares(per_user=4, in_all=16)
    async with shares.hold(1, 99, 0):
        assert shares.held == 4


@given(wishes=st.lists(st.tuples(st.integers(1, 3), st.integers(1, 6), st.booleans()), max_size=30))
async def test_whoever_gives_up_leaves_nothing_behind(wishes: list[tuple[int, int, bool]]) -> None:
    shares = Shares(per_user=5, in_all=8)

    async def work(user_id: int, amount: int) -> None:
        async with shares.hold(user_id, amount, PATIENT_S):
            assert shares.held <= 8
            await asyncio.sleep(0)

    tasks = []
    for user_id, amount, gives_up in wishes:
        tasks.append(asyncio.ensure_future(work(user_id, amount)))
        await asyncio.sleep(0)
        if gives_up:
            tasks[-1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert shares.held == 0
    assert not shares._held


@given(
    claims=st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=5), max_size=9),
    kept=st.lists(st.integers(0, 5), min_size=1, max_size=7),
    singles=st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5)), max_size=9),
)
async def test_parts_that_grow_never_wait_for_each_other_for_ever(
    claims: list[list[int]], kept: list[int], singles: list[tuple[int, int]]
) -> None:
    shares = Shares(per_user=25, in_all=40)

    async def grow(user_id: int, steps: list[int]) -> None:
        first, *others = steps
        async with shares.hold(user_id, first, None, more=sum(others)) as part:
            for number, step in enumerate(others):
                part.keep(kept[number % len(kept)])
                await asyncio.sleep(0)
                await part.grow(step, None)
                assert shares.held <= 40
            await asyncio.sleep(0)

    async def single(user_id: int, amount: int) -> None:
        async with shares.hold(user_id, amount, None):
            assert shares.held <= 40
            await asyncio.sleep(0)

    async with asyncio.timeout(PATIENT_S):
        await asyncio.gather(
            *(grow(user_id, steps) for user_id, steps in enumerate(claims)),
            *(single(*one) for one in singles),
        )
    assert (shares.held, len(shares._line), len(shares._growing)) == (0, 0, 0)


async def test_a_part_that_grows_comes_before_those_who_hold_nothing() -> None:
    shares = Shares(per_user=10, in_all=10)
    async with AsyncExitStack() as stack:
        part = await stack.enter_async_context(shares.hold(1, 5, 0, more=5))
        new = asyncio.ensure_future(stack.enter_async_context(shares.hold(2, 5, PATIENT_S)))
        await asyncio.sleep(0)
        assert not new.done(), "that room is kept aside"
        await part.grow(5, 0)
        part.keep(0)
        await new
    assert (shares.held, len(shares._growing)) == (0, 0)


async def test_a_growth_that_is_given_up_leaves_nothing_behind() -> None:
    shares = Shares(per_user=10, in_all=10)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(shares.hold(2, 2, 0))
        async with shares.hold(1, 4, 0, more=4) as part:
            await stack.enter_async_context(shares.hold(3, 0, 0))
            with pytest.raises(TimeoutError):
                await part.grow(9, 0.001)
            assert shares.held == 6
    assert (shares.held, len(shares._line), len(shares._growing)) == (0, 0, 0)


async def test_room_that_is_not_needed_is_given_back() -> None:
    shares = Shares(per_user=10, in_all=10)
    async with shares.hold(1, 10, 0) as part:
        part.keep(3)
        assert shares.held == 3
        part.keep(8)
        assert shares.held == 3
    assert shares.held == 0


async def test_few_of_one_user_wait_in_line() -> None:
    shares = Shares(per_user=1, in_all=9, line=2)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(shares.hold(1, 1, 0))
        waiting = [
            asyncio.ensure_future(stack.enter_async_context(shares.hold(1, 1, PATIENT_S)))
            for _ in range(2)
        ]
        await asyncio.sleep(0)
        with pytest.raises(TimeoutError):
            await stack.enter_async_context(shares.hold(1, 1, PATIENT_S))
        await stack.enter_async_context(shares.hold(2, 1, PATIENT_S))
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    assert (shares.held, len(shares._line)) == (0, 0)

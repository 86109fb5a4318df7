"""Duties of each implementation of `ports.Nodes` and `ports.Commands`, whatever its database.

A lease of no length has ended when it begins, by whichever clock.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from tests import build
from tests.conformance.stores import opened
from tests.fakes import START, FakeClock
from waystation.errors import LeaseLost, NotFound
from waystation.jobs import Job
from waystation.ports import (
    AccountTold,
    Command,
    CommandStatus,
    Ownership,
    ServiceStore,
    Store,
    ToldWait,
)

LONG = timedelta(hours=1)
OVER = timedelta(0)


@pytest.fixture
async def store(where: str) -> AsyncIterator[Store]:
    """A store with two accounts and the nodes `a` and `b`, whose leases run."""
    made = await opened(where, FakeClock())
    await made.add_user("owner@example.org", b"hash", START)
    for number in (1, 2):
        await made.put_account(build.setup(build.account(number)))
    for node_id in ("b", "a"):
        await made.nodes.begin(node_id, "host", LONG)
    yield made
    await made.close()


async def owners(store: Store) -> dict[str, str | None]:
    return dict((await store.nodes.ownership()).owners)


async def seen(store: Store) -> Ownership:
    """Return the ownership without the length of time, which is that of the clock."""
    return replace(await store.nodes.ownership(), next_end_s=None)


# ── nodes ──


async def test_the_first_end_of_a_lease_is_told_in_seconds(store: Store) -> None:
    await store.nodes.begin("c", "host", timedelta(seconds=20))
    left_s = (await store.nodes.ownership()).next_end_s
    assert left_s is not None and 10 < left_s <= 20
    for node_id in ("a", "b", "c"):
        await store.nodes.leave(node_id)
    assert (await store.nodes.ownership()).next_end_s is None


async def test_accounts_belong_to_nobody_until_a_node_takes_them(store: Store) -> None:
    none = {"account-1": None, "account-2": None}
    assert await seen(store) == Ownership(["a", "b"], none)
    assert await store.nodes.take("account-2", "b") == 1
    assert await owners(store) == {"account-1": None, "account-2": "b"}


async def test_an_account_has_one_node(store: Store) -> None:
    await store.nodes.take("account-1", "a")
    with pytest.raises(LeaseLost):
        await store.nodes.take("account-1", "b")
    await store.commit(build.change(epoch=1))


async def test_a_take_gives_a_new_epoch_also_to_the_same_node(store: Store) -> None:
    """I11."""
    assert [await store.nodes.take("account-1", "a") for _ in range(3)] == [1, 2, 3]
    with pytest.raises(LeaseLost):
        await store.commit(build.change(epoch=2))
    await store.commit(build.change(epoch=3))


async def test_an_account_of_the_node_itself_is_not_free(store: Store) -> None:
    await store.nodes.take("account-1", "a")
    with pytest.raises(LeaseLost):
        await store.nodes.take("account-1", "a", free_only=True)
    assert await store.nodes.take("account-2", "a", free_only=True) == 1


async def test_an_absent_account_cannot_be_taken(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.nodes.take("account-9", "a")


async def test_a_lease_that_has_ended_is_never_renewed(store: Store) -> None:
    assert await store.nodes.renew("a", OVER) is True
    assert await store.nodes.renew("a", LONG) is False
    assert (await store.nodes.ownership()).nodes == ["b"]
    with pytest.raises(LeaseLost):
        await store.nodes.take("account-1", "a")


async def test_an_absent_node_neither_renews_nor_takes(store: Store) -> None:
    assert await store.nodes.renew("c", LONG) is False
    with pytest.raises(LeaseLost):
        await store.nodes.take("account-1", "c")


async def test_a_dead_nodes_accounts_are_free_and_its_epochs_void(store: Store) -> None:
    """I11."""
    for account_id in ("account-1", "account-2"):
        await store.nodes.take(account_id, "a")
    await store.nodes.renew("a", OVER)
    assert await owners(store) == {"account-1": None, "account-2": None}
    assert await store.nodes.take("account-1", "b") == 2
    with pytest.raises(LeaseLost):
        await store.commit(build.change(epoch=1))
    assert await owners(store) == {"account-1": "b", "account-2": None}
    assert await store.nodes.renew("a", LONG) is False


async def test_an_account_is_given_back_under_the_epoch_of_its_take(store: Store) -> None:
    await store.nodes.take("account-1", "a")
    await store.nodes.take("account-1", "a")
    for node_id, epoch in (("a", 1), ("b", 2)):
        await store.nodes.let_go("account-1", node_id, epoch)
    assert (await owners(store))["account-1"] == "a"
    await store.nodes.let_go("account-1", "a", 2)
    assert await store.nodes.take("account-1", "b", free_only=True) == 3


async def test_a_node_that_leaves_frees_its_accounts_at_once(store: Store) -> None:
    await store.nodes.take("account-1", "a")
    await store.nodes.leave("a")
    await store.nodes.leave("a")
    assert await seen(store) == Ownership(["b"], {"account-1": None, "account-2": None})


async def test_an_account_that_is_erased_belongs_to_nobody(store: Store) -> None:
    await store.nodes.take("account-1", "a")
    await store.remove_account("account-1", START)
    await store.erase_account("account-1")
    await store.put_account(build.setup())
    assert (await owners(store))["account-1"] is None
    assert await store.nodes.take("account-1", "b") == 2


async def test_a_node_tells_its_name_lease_accounts_and_keys(store: Store) -> None:
    """R45."""
    await store.nodes.take("account-1", "a")
    cast(ServiceStore, store).publish_keys(("new", "old"))
    await store.nodes.begin("c", "another", LONG)
    await store.nodes.begin("d", "gone", OVER)
    found = await store.nodes.live()
    assert [(one.name, one.node_id, one.accounts, one.keys) for one in found] == [
        ("another", "c", 0, ["new", "old"]),
        ("host", "a", 1, []),
        ("host", "b", 0, []),
    ]
    assert all(3500 < one.left_s <= 3600 for one in found)


# ── commands ──

MOST = 3
"""Commands of a user, here."""


def command(number: int = 1, account_id: str = "account-1") -> Command:
    return Command(f"command-{number}", account_id, "cancel", '{"jobid":"x"}')


async def test_a_command_goes_to_the_node_of_its_account_once(store: Store) -> None:
    await store.nodes.take("account-1", "a")
    await store.commands.add(command(), LONG, MOST)
    assert await store.commands.waiting() == 1
    assert list(await store.commands.take("b")) == []
    assert list(await store.commands.take("a")) == [command()]
    assert list(await store.commands.take("a")) == []
    assert await store.commands.look("command-1") == (CommandStatus.TAKEN, None)
    assert await store.commands.waiting() == 0


async def test_commands_are_taken_in_their_order_and_in_pages(store: Store) -> None:
    await store.nodes.take("account-1", "a")
    for number in (2, 1, 3):
        await store.commands.add(command(number), LONG + timedelta(seconds=number), MOST)
    assert list(await store.commands.take("a", 2)) == [command(1), command(2)]
    assert list(await store.commands.take("a", 2)) == [command(3)]


async def test_a_command_is_answered_by_the_node_that_took_it(store: Store) -> None:
    await store.nodes.take("account-1", "a")
    await store.commands.add(command(), LONG, MOST)
    assert await store.commands.answer("command-1", "a", "{}") is False
    await store.commands.take("a")
    assert await store.commands.answer("command-1", "b", "{}") is False
    assert await store.commands.answer("command-1", "a", "{}") is True
    assert await store.commands.look("command-1") == (CommandStatus.DONE, "{}")


async def test_a_user_has_so_many_commands_and_one_that_is_dropped_makes_room(
    store: Store,
) -> None:
    bob = await store.add_user("bob@example.org", b"other", START)
    await store.put_account(build.setup(replace(build.account(3), user_id=bob.user_id)))
    added = [
        await store.commands.add(command(number, f"account-{1 + number % 2}"), LONG, MOST)
        for number in range(4)
    ]
    assert added == [True, True, True, False]
    assert await store.commands.add(command(5, "account-3"), LONG, MOST)
    with pytest.raises(NotFound):
        await store.commands.add(command(6, "account-9"), LONG, MOST)
    await store.commands.drop("command-2")
    assert await store.commands.look("command-2") is None
    assert await store.commands.add(command(7), LONG, MOST)


async def test_a_command_is_taken_or_withdrawn(store: Store) -> None:
    await store.nodes.take("account-1", "a")
    for number in (1, 2):
        await store.commands.add(command(number), LONG, MOST)
    assert await store.commands.withdraw("command-1") is True
    assert list(await store.commands.take("a")) == [command(2)]
    assert await store.commands.withdraw("command-2") is False
    assert await store.commands.look("command-1") == (CommandStatus.WITHDRAWN, None)


async def test_a_command_past_its_end_is_taken_by_nobody(store: Store) -> None:
    await store.nodes.take("account-1", "a")
    await store.commands.add(command(), OVER, MOST)
    assert list(await store.commands.take("a")) == []
    assert await store.commands.waiting() == 0
    assert await store.commands.withdraw("command-1") is True


async def test_a_node_that_is_over_takes_no_command(store: Store) -> None:
    await store.nodes.take("account-1", "a")
    await store.commands.add(command(), LONG, MOST)
    await store.nodes.renew("a", OVER)
    assert list(await store.commands.take("a")) == []
    await store.nodes.take("account-1", "b")
    assert list(await store.commands.take("b")) == [command()]


async def test_a_command_that_a_dead_node_has_taken_goes_to_the_next_node_of_the_account(
    store: Store,
) -> None:
    await store.nodes.take("account-1", "a")
    await store.commands.add(command(), LONG, MOST)
    assert list(await store.commands.take("a")) == [command()]
    await store.nodes.leave("a")
    await store.nodes.take("account-1", "b")
    assert list(await store.commands.take("b")) == [command()]
    assert await store.commands.answer("command-1", "a", "{}") is False
    assert await store.commands.answer("command-1", "b", "{}") is True
    assert list(await store.commands.take("b")) == []


async def test_old_commands_and_nodes_are_purged(store: Store) -> None:
    await store.commands.add(command(1), OVER, MOST)
    await store.commands.add(command(2), LONG, MOST)
    await store.nodes.renew("a", OVER)
    await store.commands.purge(LONG)
    assert await store.commands.look("command-1") is not None
    await store.commands.purge(OVER)
    assert await store.commands.look("command-1") is None
    assert await store.commands.look("command-2") is not None
    assert (await store.nodes.ownership()).nodes == ["b"]


async def test_a_command_counts_until_no_node_can_work_on_it_any_more(store: Store) -> None:
    for number in range(MOST):
        assert await store.commands.add(command(number), OVER, MOST, LONG)
    assert not await store.commands.add(command(5), LONG, MOST, LONG)
    assert await store.commands.add(command(5), LONG, MOST)


async def test_the_unsent_jobs_of_a_node_are_all_told_in_pages(store: Store) -> None:
    await store.nodes.take("account-1", "a")
    added = [
        await store.add_job(build.draft("account-1", takes_slot=False), START) for _ in range(5)
    ]
    for limit in (1, 2, 5, 500):
        assert list(await store.nodes.unsent("a", limit)) == added


# ── what nodes tell each other of their accounts ──

TOLD = AccountTold("connecting", "refused", ToldWait(START + LONG, "slow", is_breaker=True))


async def test_an_account_s_node_tells_all_of_it(store: Store) -> None:
    assert await store.nodes.told("account-1") == AccountTold()
    epoch = await store.nodes.take("account-1", "a")
    await store.nodes.tell("a", [("account-1", epoch, TOLD)])
    assert await store.nodes.told("account-1") == TOLD
    assert await store.nodes.told_of(1) == {"account-1": TOLD}
    assert await store.nodes.told_of(2) == {}
    assert await store.nodes.waits_of(1, START) == {"account-1": TOLD}
    assert await store.nodes.waits_of(1, START + LONG) == {}


async def test_words_of_another_node_or_an_earlier_epoch_count_no_more(
    store: Store,
) -> None:
    epoch = await store.nodes.take("account-1", "a")
    await store.nodes.tell("b", [("account-1", epoch, TOLD)])
    await store.nodes.tell("a", [("account-1", epoch + 1, TOLD), ("account-2", epoch, TOLD)])
    assert await store.nodes.told_of(1) == {}
    await store.nodes.tell("a", [("account-1", epoch, TOLD)])
    await store.nodes.take("account-1", "a")
    assert await store.nodes.told("account-1") == AccountTold()


async def test_words_of_a_node_end_with_it(store: Store) -> None:
    await store.nodes.begin("c", "host", timedelta(seconds=0.3))
    epoch = await store.nodes.take("account-1", "c")
    await store.nodes.tell("c", [("account-1", epoch, TOLD)])
    await store.nodes.leave("c")
    assert await store.nodes.told("account-1") == AccountTold()
    assert await store.nodes.waits_of(1, START) == {}


async def test_the_jobs_that_hold_an_account_are_read_from_their_rows(store: Store) -> None:
    """R31."""
    epoch = await store.nodes.take("account-1", "a")
    drafts = (build.draft("account-1"), build.draft("account-1", takes_slot=False))
    first, info = [await store.add_job(one, START) for one in drafts]
    assert isinstance(first, Job) and isinstance(info, Job)
    assert list(await store.holding_jobs("account-1")) == [first, info]
    assert list(await store.slot_jobs(1)) == [first]
    assert list(await store.slot_jobs(2)) == list(await store.holding_jobs("account-2")) == []
    # a ghost without a slot holds nothing, one with a slot does
    ended = build.failed(info, ghost=True)
    await store.commit(build.change(ended, epoch=epoch))
    held = build.failed(first, ghost=True, slot=True)
    await store.commit(build.change(held, epoch=epoch))
    assert list(await store.holding_jobs("account-1")) == [held.job]
    assert list(await store.slot_jobs(1)) == [held.job]

"""Duties of each implementation of `ports.Store`, whatever its database.

The fixture `reopen` gives a factory: each call closes the store that is open and opens it again on
the same data, as a restart would.
"""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import build
from tests.build import replace
from tests.conformance.stores import opened, quiet
from tests.fakes import START, FakeClock
from tests.harness.leases import claim
from tests.harness.postgresql import Cluster, needs_postgresql, put_away
from tests.limits import PATIENCE
from waystation.callbacks import Attempt, CallbackStatus
from waystation.errors import (
    AccountHalted,
    Conflict,
    LeaseLost,
    NotFound,
    StoreError,
    VersionConflict,
)
from waystation.gateway_events import Seen
from waystation.jobs import (
    Completed,
    InteractionSeen,
    Job,
    JobStatus,
    Nonce,
    Progressed,
    Shown,
    Silent,
    Submitted,
)
from waystation.ports import NoSlot, Store, Unrecognised
from waystation.store.sqlite.database import connect

Reopen = Callable[[], Awaitable[Store]]

ROOT = Path(__file__).parents[2]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def reopen(where: str, clock: FakeClock) -> AsyncIterator[Reopen]:
    current: list[Store] = []

    async def again() -> Store:
        if current:
            await current.pop().close()
        current.append(await opened(where, clock))
        return current[0]

    yield again
    for store in current:
        await store.close()


@pytest.fixture
async def store(reopen: Reopen) -> Store:
    """A store with a user and an account that `me` holds under epoch 1."""
    made = await reopen()
    await made.add_user("owner@example.org", b"hash", START)
    await made.put_account(build.setup())
    await claim(made, "account-1", "me")
    return made


async def added(store: Store, *candidates: str, **fields: object) -> Job:
    job = await store.add_job(build.draft(*candidates, **fields), START)  # type: ignore[arg-type]
    assert isinstance(job, Job)
    return job


# ── users ──


async def test_users_are_kept(store: Store, reopen: Reopen) -> None:
    first = await store.get_user(1)
    assert first is not None
    second = await store.add_user("b@example.org", b"h2", build.later(1))
    await store.change_user(second.user_id, {"expires_at": build.later(9), "name": "B"})
    with pytest.raises(Conflict):
        await store.add_user("b@example.org", b"h3", START)
    with pytest.raises(NotFound):
        await store.change_user(7, {"email": "c@example.org"})
    store = await reopen()
    users = await store.list_users()
    assert [user.user_id for user in users] == [1, 2]
    assert users[1].expires_at == build.later(9)
    assert await store.get_user(3) is None


# ── accounts ──


async def test_accounts_are_listed_oldest_first(store: Store) -> None:
    await store.add_user("b@example.org", b"h", START)
    await store.put_account(build.setup(build.account(3, user_id=2)))
    assert await store.put_account(build.setup(build.account(2))) is True
    assert await store.put_account(build.setup(build.account(2))) is False
    names = [account.account_id for account in await store.list_accounts()]
    assert names == ["account-1", "account-2", "account-3"]
    assert [account.account_id for account in await store.list_accounts(2)] == ["account-3"]
    assert await store.get_account("account-2") == build.account(2)
    assert await store.get_account("account-9") is None


async def test_a_discord_user_and_a_channel_exist_once_in_an_installation(store: Store) -> None:
    """R32."""
    for twin in (
        replace(build.account(2), channel=build.account().channel),
        replace(build.account(2), discord_user_id=build.account().discord_user_id),
    ):
        with pytest.raises(Conflict):
            await store.put_account(build.setup(twin))


async def test_a_removed_account_takes_no_job_and_stays_until_erased(store: Store) -> None:
    job = await added(store)
    await store.remove_account("account-1", build.later(1))
    account = await store.get_account("account-1")
    assert account is not None and not account.usable
    assert isinstance(await store.add_job(build.draft(), START), NoSlot)
    with pytest.raises(Conflict):
        await store.erase_account("account-1")
    await store.commit(build.change(build.failed(job), session=b"sealed"))
    await store.erase_account("account-1")
    assert await store.get_account("account-1") is None
    assert await store.load_session("account-1") is None
    assert await store.get_job(job.jobid, 1) is not None
    with pytest.raises(LeaseLost):
        await store.commit(build.change())


async def test_a_stale_holder_can_write_nothing(store: Store) -> None:
    """I11."""
    job = await added(store)
    await store.nodes.leave("me")
    assert await claim(store, "account-1", "other") == 2
    with pytest.raises(LeaseLost):
        await store.commit(build.change(build.submitted(job), epoch=1))
    await store.commit(build.change(build.submitted(job), epoch=2))
    with pytest.raises(LeaseLost):
        await claim(store, "account-1", "me")


async def test_epochs_are_never_used_again(store: Store, reopen: Reopen) -> None:
    """R39, I11."""
    for _ in range(3):
        await store.nodes.leave("me")
        await claim(store, "account-1", "me")
    await store.remove_account("account-1", START)
    await store.erase_account("account-1")
    store = await reopen()
    await store.put_account(build.setup())
    assert await claim(store, "account-1", "me") == 5


async def test_a_session_is_kept_and_replaced(store: Store, reopen: Reopen) -> None:
    assert await store.load_session("account-1") is None
    await store.commit(build.change(session=b"one"))
    await store.commit(build.change(session=b"two"))
    await store.commit(build.change())
    store = await reopen()
    assert await store.load_session("account-1") == b"two"


async def test_identifies_of_a_day_outlive_the_account_and_the_process(
    store: Store, reopen: Reopen
) -> None:
    newest = None
    for at in (START - timedelta(days=1), START, build.later(5)):
        assert await store.identifies.add("1111", at, at - timedelta(days=1), newest)
        newest = at
    forget = START - timedelta(hours=1)
    assert not await store.identifies.add("1111", build.later(6), forget, START)
    assert await store.identifies.add("2222", build.later(6), forget, None)
    await store.remove_account("account-1", START)
    await store.erase_account("account-1")
    store = await reopen()
    assert await store.identifies.after("1111", START - timedelta(days=9)) == [
        START,
        build.later(5),
    ]
    assert await store.identifies.after("1111", START) == [build.later(5)]
    assert await store.identifies.after("3333", START) == []


# ── jobs ──


async def test_a_job_is_read_back_as_it_was_written(store: Store, reopen: Reopen) -> None:
    job = await added(store)
    assert await store.get_job(job.jobid, 1) == job
    step = build.completed(job, hash="uuid")
    await store.commit(build.change(step))
    store = await reopen()
    assert await store.get_job(job.jobid, None) == step.job


async def test_a_foreign_job_looks_absent(store: Store) -> None:
    job = await added(store)
    assert await store.get_job(job.jobid, 2) is None
    assert await store.get_job("job:unknown", 2) is None


async def test_jobids_of_one_user_never_repeat(store: Store, reopen: Reopen) -> None:
    """R9."""
    jobs = await asyncio.gather(*(added(store, takes_slot=False, lane=99) for _ in range(50)))
    store = await reopen()
    jobs.append(await added(store, takes_slot=False, lane=99))
    milliseconds = [job.jobid[4:21] for job in jobs]
    assert len(set(milliseconds)) == 51
    assert max(milliseconds) == milliseconds[-1]


async def test_many_at_once_never_take_more_than_there_is(store: Store) -> None:
    """R31, I8."""
    for number in (2, 3, 4):
        await store.put_account(build.setup(build.account(number, max_jobs=number)))
    names = [f"account-{number}" for number in (1, 2, 3, 4)]
    answers = await asyncio.gather(
        *(
            store.add_job(build.draft(*random.Random(turn).sample(names, 4)), START)
            for turn in range(200)
        )
    )
    taken = [answer.account_id for answer in answers if isinstance(answer, Job)]
    assert {name: taken.count(name) for name in names} == {
        "account-1": 3,
        "account-2": 2,
        "account-3": 3,
        "account-4": 4,
    }
    for answer in answers:
        if isinstance(answer, NoSlot):
            assert len(answer.executing_jobs) == answer.max_jobs


async def test_running_jobs_are_the_caller_s_that_are_not_final(store: Store) -> None:
    jobs = [await added(store) for _ in range(3)]
    await store.commit(build.change(build.failed(jobs[1])))
    assert list(await store.running_jobs(1)) == [jobs[0].jobid, jobs[2].jobid]
    assert list(await store.running_jobs(2)) == []


async def test_jobs_are_read_in_pages_oldest_first(store: Store) -> None:
    ids = [(await added(store, max_jobs=9)).jobid for _ in range(5)]
    first = [job.jobid for job in await store.jobs_after("", 3)]
    rest = [job.jobid for job in await store.jobs_after(first[-1], 3, 1)]
    assert (first, rest) == (ids[:3], ids[3:])
    assert list(await store.jobs_after("", 3, 2)) == list(await store.jobs_after(ids[-1], 3)) == []


async def test_in_flight_are_running_jobs_ghosts_and_slot_holders(
    store: Store, clock: FakeClock
) -> None:
    running, plain, ghost, holder = [await added(store, max_jobs=9) for _ in range(4)]
    await store.commit(build.change(build.failed(plain)))
    await store.commit(build.change(build.failed(ghost, ghost=True)))
    await store.commit(build.change(build.failed(holder, slot=True)))
    found = [job.jobid for job in await store.in_flight_jobs("account-1")]
    assert found == [running.jobid, ghost.jobid, holder.jobid]
    clock.advance(24 * 3600)
    found = [job.jobid for job in await store.in_flight_jobs("account-1")]
    assert found == [running.jobid, holder.jobid]
    assert list(await store.in_flight_jobs("account-2")) == []


async def test_jobs_are_orphans_while_nobody_holds_their_account(store: Store) -> None:
    job = await added(store)
    assert list(await store.orphaned_jobs()) == []
    await store.nodes.renew("me", timedelta(0))
    assert [orphan.jobid for orphan in await store.orphaned_jobs()] == [job.jobid]
    await claim(store, "account-1", "you")
    assert list(await store.orphaned_jobs()) == []
    await store.nodes.leave("you")
    assert [orphan.jobid for orphan in await store.orphaned_jobs()] == [job.jobid]
    epoch = await claim(store, "account-1", "janitor")
    await store.commit(build.change(build.failed(job), epoch=epoch))
    await store.nodes.let_go("account-1", "janitor", epoch)
    assert list(await store.orphaned_jobs()) == []


async def test_events_are_numbered_per_job_and_read_from_a_cursor(store: Store) -> None:
    """R37."""
    job = await added(store)
    await store.commit(build.change(build.submitted(job)))
    current = await store.get_job(job.jobid, None)
    assert current is not None
    steps = [Progressed(Shown("5", progress=percent), "nonce") for percent in (10, 50)]
    await store.commit(build.change(build.stepped(current, *steps, status=JobStatus.PROGRESS)))
    events = await store.events_after(job.jobid)
    assert [number for number, _ in events] == [1, 2, 3]
    assert isinstance(events[0][1], Submitted)
    assert list(await store.events_after(job.jobid, 1)) == [(2, steps[0]), (3, steps[1])]
    assert list(await store.events_after("job:unknown")) == []


async def test_a_message_shows_the_job_that_it_has_shown_last(store: Store) -> None:
    asked, again, other = [await added(store, max_jobs=15) for _ in range(3)]
    assert await store.last_shown("900") is None
    for seconds, job, shown in ((1, asked, "900"), (3, again, "900"), (2, other, "901")):
        moved = build.stepped(job, message_id=shown, updated_at=build.later(seconds))
        await store.commit(build.change(moved))
    found = await store.last_shown("900")
    assert found is not None and found.jobid == again.jobid


async def test_of_two_changes_from_one_version_one_wins(store: Store) -> None:
    job = await added(store)
    outcomes = await asyncio.gather(
        *(store.commit(build.change(build.submitted(job, str(turn)))) for turn in range(20)),
        return_exceptions=True,
    )
    assert outcomes.count(None) == 1
    assert sum(isinstance(outcome, VersionConflict) for outcome in outcomes) == 19
    assert len(await store.events_after(job.jobid)) == 1


async def test_a_refused_change_leaves_nothing_behind(store: Store) -> None:
    good, bad = await added(store), await added(store)
    await store.commit(build.change(build.failed(bad)))
    both = build.change(
        build.completed(good, callbacks=[build.callback(good)]),
        build.submitted(bad),
        halt=build.halt(),
        session=b"sealed",
        unrecognised=[Unrecognised("1", b"{}")],
    )
    with pytest.raises(VersionConflict):
        await store.commit(both)
    assert await store.get_job(good.jobid, None) == good
    assert list(await store.events_after(good.jobid)) == []
    assert list(await store.find_callbacks(good.jobid)) == []
    assert await store.load_session("account-1") is None
    assert list(await store.unrecognised()) == []
    assert (await store.counts()).mails_pending == 0
    account = await store.get_account("account-1")
    assert account is not None and account.usable


async def test_a_bad_neighbour_in_the_same_commit_harms_nobody(store: Store) -> None:
    jobs = [await added(store, max_jobs=15) for _ in range(10)]
    uuid_twice = [build.completed(job, str(turn), hash="uuid") for turn, job in enumerate(jobs)]
    outcomes = await asyncio.gather(
        *(store.commit(build.change(step)) for step in uuid_twice),
        *(store.add_user(f"{turn}@example.org", b"h", START) for turn in range(10)),
        return_exceptions=True,
    )
    assert outcomes[:10].count(None) == 1
    assert all(isinstance(outcome, StoreError) for outcome in outcomes[:10] if outcome)
    assert len(await store.list_users()) == 11


async def test_a_final_job_cannot_change_its_status(store: Store) -> None:
    """I9."""
    job = await added(store)
    end = build.failed(job, ghost=True)
    await store.commit(build.change(end))
    with pytest.raises(StoreError):
        await store.commit(build.change(build.completed(end.job)))
    assert await store.get_job(job.jobid, None) == end.job


async def test_one_ask_in_flight_per_channel(store: Store) -> None:
    first, second = await added(store), await added(store)
    asked = build.submitted(first, "1")
    await store.commit(build.change(asked))
    with pytest.raises(StoreError):
        await store.commit(build.change(build.submitted(second, "2")))
    await store.commit(build.change(build.stepped(asked.job, Silent(), unclear=True)))
    await store.commit(build.change(build.submitted(second, "2")))


# ── halts ──


async def test_a_halt_writes_one_mail_and_stops_submissions(store: Store) -> None:
    """R34, I12."""
    jobs = [await added(store) for _ in range(2)]
    await asyncio.gather(
        *(store.commit(build.change(halt=build.halt(f"mail-{turn}"))) for turn in range(9))
    )
    counts = await store.counts()
    assert (counts.mails_pending, counts.accounts_halted) == (1, 1)
    with pytest.raises(AccountHalted):
        await store.commit(build.change(build.submitted(jobs[0]), only_if_usable=True))
    answer = await store.add_job(build.draft(), START)
    assert isinstance(answer, NoSlot) and answer.all_halted
    await store.commit(build.change(build.failed(jobs[1])))


async def test_a_reset_account_works_again_and_old_triggers_do_not_halt_it(store: Store) -> None:
    job = await added(store)
    await store.commit(build.change(halt=build.halt("mail-1", at=build.later(5))))
    await store.reset_account("account-1", build.later(10))
    await store.commit(build.change(halt=build.halt("mail-2", at=build.later(5))))
    await store.commit(build.change(build.submitted(job), only_if_usable=True))
    assert (await store.counts()).mails_pending == 1
    with pytest.raises(NotFound):
        await store.reset_account("account-9", START)


# ── callbacks and mails ──


async def test_a_callback_that_is_claimed_with_its_step_is_due_when_the_claim_ends(
    store: Store,
) -> None:
    job = await added(store)
    done = build.completed(job, callbacks=[build.callback(job)])
    await store.commit(build.change(done, claim_until=build.later(45)))
    assert await store.next_due() == build.later(45)
    assert list(await store.claim_callbacks(build.later(44), build.later(90), 10)) == []
    (again,) = await store.claim_callbacks(build.later(45), build.later(90), 10)
    assert again.jobid == job.jobid


async def test_a_callback_goes_out_once_at_a_time_and_survives_a_restart(
    store: Store, reopen: Reopen
) -> None:
    job = await added(store)
    owed = build.callback(job)
    await store.commit(build.change(build.completed(job, callbacks=[owed])))
    assert await store.next_due() == START
    claims = await asyncio.gather(
        *(store.claim_callbacks(START, build.later(30), 10) for _ in range(10))
    )
    assert sorted(len(claim) for claim in claims) == [0] * 9 + [1]
    assert await store.next_due() == build.later(30)
    store = await reopen()
    (claimed,) = await store.claim_callbacks(build.later(30), build.later(60), 10)
    assert (claimed.callback_id, claimed.body, claimed.attempts) == (owed.callback_id, owed.body, 0)
    await store.record_attempt(
        claimed, Attempt(503, None, 0.1), build.later(31), build.later(40), PATIENCE
    )
    (claimed,) = await store.claim_callbacks(build.later(40), build.later(60), 10)
    await store.record_attempt(claimed, Attempt(200, None, 0.1), build.later(41), None, PATIENCE)
    (done,) = await store.find_callbacks(job.jobid)
    assert (done.status, done.attempts) == (CallbackStatus.DELIVERED, 2)
    assert await store.next_due() is None


async def test_a_hung_receiver_does_not_hide_a_fresh_callback(store: Store) -> None:
    jobs = [await added(store, max_jobs=15) for _ in range(3)]
    for turn, job in enumerate(jobs):
        owed = build.callback(job, due=build.later(turn))
        await store.commit(build.change(build.completed(job, str(turn), callbacks=[owed])))
    (first,) = await store.claim_callbacks(START, build.later(30), 1)
    await store.record_attempt(first, Attempt(None, "time-out", 15), START, START, PATIENCE)
    order = [each.jobid for each in await store.claim_callbacks(build.later(5), build.later(9), 9)]
    assert order == [jobs[1].jobid, jobs[2].jobid, jobs[0].jobid]


async def test_one_callback_per_job_and_url(store: Store) -> None:
    """R41, I9."""
    job = await added(store)
    twice = [build.callback(job), replace(build.callback(job), callback_id="x")]
    with pytest.raises(StoreError):
        await store.commit(build.change(build.completed(job, callbacks=twice)))


async def test_mails_are_claimed_retried_and_end(store: Store) -> None:
    await store.commit(build.change(halt=build.halt()))
    assert await store.next_due() == START
    (mail,) = await store.claim_mails(START, build.later(30), 10)
    assert (mail.to, mail.body, mail.attempts) == ("owner@example.org", "text", 0)
    assert list(await store.claim_mails(START, build.later(30), 10)) == []
    await store.record_mail(mail, False, START, build.later(60))
    assert await store.next_due() == build.later(60)
    (mail,) = await store.claim_mails(build.later(60), build.later(90), 10)
    await store.record_mail(mail, True, build.later(61), None)
    assert await store.next_due() is None


# ── upkeep ──


async def test_a_purge_takes_only_what_is_over(store: Store, clock: FakeClock) -> None:
    """R40."""
    done, owed, running = [await added(store) for _ in range(3)]
    await store.commit(build.change(build.failed(done)))
    await store.commit(
        build.change(build.completed(owed, callbacks=[build.callback(owed)]), at=START)
    )
    clock.advance(32 * 86400)
    before = clock.now() - timedelta(days=31)
    assert await store.purge(before, before, 100) == 1
    assert await store.get_job(done.jobid, None) is None
    assert list(await store.events_after(done.jobid)) == []
    assert await store.get_job(owed.jobid, None) is not None
    assert await store.get_job(running.jobid, None) is not None
    assert await store.purge(before, before, 100) == 0


async def test_unrecognised_messages_are_shown_newest_first(store: Store) -> None:
    for number in range(3):
        seen = [Unrecognised(str(number), b'{"n":1}')]
        await store.commit(build.change(unrecognised=seen, at=build.later(number)))
    assert [each.message_id for each in await store.unrecognised(2)] == ["2", "1"]


async def test_seen_messages_are_kept_changed_and_dropped_in_their_order(
    store: Store, reopen: Reopen
) -> None:
    first = [Seen("held", "1", b"a"), Seen("by_hand", "1", b"b"), Seen("held", "2", b"c")]
    await store.commit(build.change(seen=first))
    await store.commit(build.change(seen=[Seen("held", "1", b"d"), Seen("held", "2", None)]))
    again = await reopen()
    assert await again.seen_messages("account-1") == [
        Seen("held", "1", b"d"),
        Seen("by_hand", "1", b"b"),
    ]
    assert await again.seen_messages("account-2") == []


async def test_seen_messages_are_written_with_the_sequence_that_passes_them_or_not_at_all(
    store: Store,
) -> None:
    seen = [Seen("held", "1", b"a")]
    with pytest.raises(LeaseLost):
        await store.commit(build.change(seen=seen, session=b"after", epoch=9))
    assert await store.load_session("account-1") is None
    assert await store.seen_messages("account-1") == []
    await store.commit(build.change(seen=seen, session=b"after"))
    assert await store.load_session("account-1") == b"after"
    assert await store.seen_messages("account-1") == seen
    job = await added(store)
    stale = build.stepped(replace(job, version=7), Progressed(Shown("900")))
    with pytest.raises(VersionConflict):
        await store.commit(build.change(stale, seen=[Seen("held", "1", None)]))
    assert await store.seen_messages("account-1") == seen


@pytest.mark.parametrize("user_id", [1, 2])
async def test_seen_messages_belong_to_the_discord_user_in_the_channel(
    store: Store, reopen: Reopen, user_id: int
) -> None:
    """R19: an account that is removed and added again is the same account."""
    seen = [Seen("settled", "1", b"a"), Seen("held", "2", b"b")]
    await store.commit(build.change(seen=seen))
    await store.remove_account("account-1", build.later(1))
    await store.erase_account("account-1")
    await store.add_user("second@example.org", b"h", START)
    account = build.account(1, user_id=user_id)
    if user_id != 1:
        account = replace(account, account_id="account-again")
    await store.put_account(build.setup(account))
    assert await store.seen_messages(account.account_id) == seen
    epoch = await claim(store, account.account_id, "me")
    gone = build.change(seen=[Seen("held", "2", None)], epoch=epoch)
    await store.commit(replace(gone, account_id=account.account_id))
    again = await reopen()
    assert await again.seen_messages(account.account_id) == seen[:1]


async def test_messages_in_another_channel_are_another_accounts(store: Store) -> None:
    await store.commit(build.change(seen=[Seen("settled", "1", b"a")]))
    await store.remove_account("account-1", build.later(1))
    await store.erase_account("account-1")
    moved = replace(build.account(1), account_id="moved", channel="77")
    await store.put_account(build.setup(moved))
    assert await store.seen_messages("moved") == []


async def test_two_thousand_rows_of_an_account_are_kept_for_two_days(
    store: Store, clock: FakeClock
) -> None:
    for start in range(0, 2_100, 700):
        rows = [Seen("stranger", str(start + number), b"x") for number in range(700)]
        await store.commit(build.change(seen=rows))
    kept = await store.seen_messages("account-1")
    assert [kept[0].id, kept[-1].id, len(kept)] == ["100", "2099", 2_000]
    clock.advance(48 * 3600 - 1)
    late = build.later(48 * 3600 - 1)
    await store.commit(build.change(seen=[Seen("stranger", "new", b"x")], at=late))
    assert len(await store.seen_messages("account-1")) == 2_000
    clock.advance(2)
    assert await store.seen_messages("account-1") == [Seen("stranger", "new", b"x")]
    await store.purge(clock.now(), clock.now(), 1)
    assert await store.seen_messages("account-1") == [Seen("stranger", "new", b"x")]


async def test_counts_add_up(store: Store) -> None:
    await store.commit(build.change(build.failed(await added(store))))
    await added(store)
    counts = await store.counts()
    assert counts.jobs_by_status == {"failed": 1, "created": 1}
    assert (counts.accounts, counts.accounts_halted) == (1, 0)


async def test_counts_tell_since_when_the_oldest_waits(store: Store, clock: FakeClock) -> None:
    counts = await store.counts()
    assert (counts.oldest_job, counts.oldest_slot, counts.oldest_callback) == (None, None, None)
    ended = await added(store)
    asked = await added(store)
    clock.advance(10)
    sent = build.stepped(asked, Submitted(Nonce("1"), clock.now()), submitted_at=clock.now())
    await store.commit(build.change(sent))
    callbacks = [build.callback(ended)]
    await store.commit(build.change(build.completed(ended, callbacks=callbacks)))
    counts = await store.counts()
    assert (counts.oldest_job, counts.oldest_slot) == (clock.now(), clock.now())
    assert counts.oldest_callback == callbacks[0].created_at


async def test_a_ping_succeeds_and_closing_finishes_what_was_asked(
    store: Store, reopen: Reopen
) -> None:
    await store.ping()
    asked = [asyncio.ensure_future(added(store, max_jobs=15)) for _ in range(10)]
    await asyncio.sleep(0)
    store = await reopen()
    jobids = {job.jobid for job in await asyncio.gather(*asked)}
    assert set(await store.running_jobs(1)) == jobids


# ── the whole life, in any order ──

STEPS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["submit", "bind", "complete", "ghost", "halt"])),
    max_size=25,
)


@given(steps=STEPS)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_is_asked_in_whatever_order_the_invariants_hold(
    steps: list[tuple[int, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    asyncio.run(_live(steps, str(tmp_path_factory.mktemp("life") / "w.db")))


@needs_postgresql[0]
@needs_postgresql[1]
@given(steps=STEPS)
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_the_same_on_a_server(steps: list[tuple[int, str]], postgresql: Cluster) -> None:
    with put_away(postgresql) as name:
        asyncio.run(_live(steps, postgresql.url(name)))


async def _live(steps: list[tuple[int, str]], where: str) -> None:
    store = await opened(where, FakeClock())
    try:
        await store.add_user("a@example.org", b"h", START)
        await store.put_account(build.setup(build.account(max_jobs=4)))
        await claim(store, "account-1", "me")
        jobs = [await added(store) for _ in range(4)]
        finals: dict[str, Job] = {}
        for turn, (which, step) in enumerate(steps):
            job = await store.get_job(jobs[which].jobid, 1)
            assert job is not None
            with_error = False
            try:
                await _step(store, job, step, turn)
            except StoreError:
                with_error = True
            after = await store.get_job(job.jobid, 1)
            assert after is not None
            assert not with_error or after == job
            finals = {**finals, **({after.jobid: after} if after.final else {})}
            await _check(store, jobs, finals)
    finally:
        await store.close()


async def _step(store: Store, job: Job, step: str, turn: int) -> None:
    nonce = str(turn)
    match step:
        case "submit":
            await store.commit(build.change(build.submitted(job, nonce), only_if_usable=True))
        case "bind":
            seen = InteractionSeen(nonce)
            await store.commit(build.change(build.stepped(job, seen, interaction_id=nonce)))
        case "complete":
            owed = [build.callback(job)]
            await store.commit(build.change(build.completed(job, nonce, callbacks=owed)))
        case "ghost":
            await store.commit(build.change(build.failed(job, ghost=True, slot=job.slot)))
        case "halt":
            await store.commit(build.change(halt=build.halt(nonce)))


async def _check(store: Store, jobs: list[Job], finals: dict[str, Job]) -> None:
    current = [await store.get_job(job.jobid, 1) for job in jobs]
    assert sum(job.in_flight for job in current if job) <= 1  # I2
    for job in current:
        assert job is not None
        assert (job.finished_at is not None) == job.final
        if job.jobid in finals:  # I9
            assert job.status == finals[job.jobid].status
        events = await store.events_after(job.jobid)
        assert [number for number, _ in events] == list(range(1, job.version + 1))
        ends = [event for _, event in events if isinstance(event, Completed)]
        assert len(await store.find_callbacks(job.jobid)) == len(ends) <= 1
    counts = await store.counts()
    assert counts.mails_pending == counts.accounts_halted  # I12


# ── crashes ──


def test_a_killed_writer_loses_nothing_it_was_told_is_safe(where: str) -> None:
    told: dict[str, str] = {}
    for lines in (40, 300):
        told |= _write_until_killed(where, lines)
    asyncio.run(_check_after_crash(where, told))
    if "://" not in where:
        _check_file(where)


def _write_until_killed(where: str, lines: int) -> dict[str, str]:
    """Return the last step that was acknowledged for each job."""
    told: dict[str, str] = {}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.conformance.store_crash", where],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for number, line in enumerate(process.stdout):
            if number == lines:
                process.send_signal(signal.SIGKILL)
            if line.endswith("\n"):
                step, jobid = line.split()
                told[jobid] = step
    assert process.returncode == -signal.SIGKILL
    assert len(told) > 8
    return told


async def _check_after_crash(where: str, told: dict[str, str]) -> None:
    reached = {"added": 0, "submitted": 1, "completed": 2}
    await quiet(where)
    store = await opened(where, FakeClock())
    try:
        sessions = [
            await store.load_session(account.account_id) for account in await store.list_accounts()
        ]
        assert any(sessions)
        for session in sessions:
            shown = session and await store.get_job(session.decode(), None)
            assert not shown or shown.status == "completed", "the session is ahead of its job"
            assert bool(shown) == bool(session)
        for jobid, step in told.items():
            job = await store.get_job(jobid, None)
            assert job is not None, "told as safe, and gone"
            assert job.version >= reached[step]
            events = await store.events_after(jobid)
            assert len(events) == job.version
            assert (job.status == "completed") == (job.version == 2)
            assert len(await store.find_callbacks(jobid)) == (job.version == 2)
            assert job.slot == (job.version < 2)
    finally:
        await store.close()


def _check_file(path: str) -> None:
    connection = connect(path)
    assert connection.pragma("integrity_check") == "ok"
    assert connection.pragma("foreign_key_check") is None
    connection.close()


async def test_failings_of_an_account_count_for_fifteen_minutes(
    store: Store, reopen: Reopen
) -> None:
    assert await store.failings("account-1", START) == 0
    for minute in (0, 1, 1):
        job = await added(store)
        await store.commit(replace(build.change(build.failed(job)), at=build.later(60 * minute)))
    done = await added(store)
    await store.commit(build.change(build.submitted(done)))
    store = await reopen()
    for seconds, number in ((60, 3), (14 * 60, 3), (15 * 60, 2), (16 * 60, 0)):
        assert await store.failings("account-1", build.later(seconds)) == number, seconds
    assert await store.failings("account-9", START) == 0

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests import build
from tests.build import replace
from tests.harness.blocking import on_sqlite
from tests.harness.leases import claim_in
from waystation.errors import NotFound, SubscriptionExpired, Unauthorized
from waystation.jobs import Job, JobStatus
from waystation.ports import JobDraft, NoSlot, OverQuota, QueueDraft, QueueFull, UserChanges
from waystation.quotas import UserQuotas
from waystation.store.columns import micros
from waystation.store.sqlite.database import Database, connect
from waystation.store.sqlite.migrate import migrate
from waystation.store.transactions import accounts, slots
from waystation.store.transactions.commit import commit


def accepted(database: Database, draft: JobDraft, seconds: float = 0.0) -> Job:
    job = slots.add_job(database, draft, build.later(seconds))
    assert isinstance(job, Job)
    return job


def refused(database: Database, draft: JobDraft) -> NoSlot:
    answer = slots.add_job(database, draft, build.later())
    assert isinstance(answer, NoSlot)
    return answer


def halted(database: Database, number: int) -> None:
    name = f"account-{number}"
    epoch = claim_in(database, name, "me")
    commit(database, build.change(account_id=name, epoch=epoch, halt=build.halt(f"mail-{number}")))


def test_a_new_job_says_what_was_asked_and_where(database: Database) -> None:
    job = accepted(database, build.draft(max_jobs=2), 0.123)
    assert job.jobid == "job:20260102030405123-user:1-channel:100000000000000001-bot:midjourney"
    assert (job.status, job.version, job.slot) == (JobStatus.CREATED, 0, True)
    assert (job.account_id, job.discord, job.max_jobs) == ("account-1", "ABC…secured…xyz", 2)
    assert (job.reply_url, job.reply_ref) == ("https://example.org/callback", "ref")
    assert job.created_at == job.updated_at == build.later(0.123)


@pytest.mark.parametrize("guild_id", ["1145000000000000002", None])
def test_a_new_job_names_the_guild_of_its_channel(database: Database, guild_id: str | None) -> None:
    accounts.put(database, build.setup(replace(build.account(), guild_id=guild_id)))
    assert accepted(database, build.draft()).server == guild_id


def test_milliseconds_in_a_jobid_are_unique_per_user(database: Database) -> None:
    """R9."""
    accounts.add_user(database, "b@example.org", b"h", build.later())
    accounts.put(database, build.setup(build.account(2, user_id=2)))
    first = [accepted(database, build.draft(takes_slot=False)).jobid for _ in range(3)]
    assert [jobid[4:21] for jobid in first] == [f"2026010203040500{n}" for n in range(3)]
    other = accepted(database, build.draft("account-2", user_id=2))
    assert other.jobid[4:21] == "20260102030405000"
    assert accepted(database, build.draft(), -5).jobid[4:21] == "20260102030405003"


def test_the_last_slot_is_taken_once(database: Database) -> None:
    jobs = [accepted(database, build.draft()) for _ in range(3)]
    answer = refused(database, build.draft())
    assert answer.max_jobs == 3
    assert list(answer.executing_jobs) == [job.jobid for job in jobs]
    assert not answer.all_halted


def test_the_limit_of_the_request_goes_before_the_account_s(database: Database) -> None:
    accepted(database, build.draft(max_jobs=1))
    assert refused(database, build.draft(max_jobs=1)).max_jobs == 1
    for _ in range(14):
        accepted(database, build.draft(max_jobs=15))
    assert refused(database, build.draft(max_jobs=15)).max_jobs == 15


def test_the_limit_of_a_request_only_lowers_that_of_a_shared_account(database: Database) -> None:
    """R32."""
    accounts.add_user(database, "b@example.org", b"h", build.later())
    database.connection.execute(
        "insert into account_shares (account_id, user_id, since) values ('account-1', 2, 1)"
    )
    first = accepted(database, build.draft(user_id=2, max_jobs=1))
    assert first.max_jobs == 1
    assert refused(database, build.draft(user_id=2, max_jobs=1)).max_jobs == 1
    assert accepted(database, build.draft(user_id=2, max_jobs=15)).max_jobs == 3
    accepted(database, build.draft(user_id=2, max_jobs=15))
    assert refused(database, build.draft(user_id=2, max_jobs=15)).max_jobs == 3
    # its owner may have more, as ever
    assert accepted(database, build.draft(max_jobs=15)).max_jobs == 15


def test_every_candidate_is_tried_before_none_has_room(database: Database) -> None:
    accounts.put(database, build.setup(build.account(2, max_jobs=1)))
    draft = build.draft("account-1", "account-2")
    used = [accepted(database, draft).account_id for _ in range(4)]
    assert used == ["account-1"] * 3 + ["account-2"]
    answer = refused(database, draft)
    assert (answer.max_jobs, len(answer.executing_jobs)) == (1, 1)


def test_only_the_caller_s_own_jobs_are_named(database: Database) -> None:
    accounts.add_user(database, "b@example.org", b"h", build.later())
    accepted(database, build.draft())
    # as if the account were shared: two users' jobs fill it
    database.connection.execute("update accounts set user_id = 2")
    own = accepted(database, build.draft(user_id=2))
    answer = refused(database, build.draft(user_id=2, max_jobs=2))
    assert answer.executing_jobs == (own.jobid,)


def test_another_user_s_account_is_no_candidate(database: Database) -> None:
    """R32, I3."""
    accounts.add_user(database, "b@example.org", b"h", build.later())
    answer = refused(database, build.draft(user_id=2))
    assert (answer.max_jobs, answer.executing_jobs, answer.all_halted) == (0, (), False)


def test_halted_and_removed_accounts_are_skipped(database: Database) -> None:
    accounts.put(database, build.setup(build.account(2)))
    accounts.put(database, build.setup(build.account(3)))
    halted(database, 1)
    accounts.remove(database, "account-2", build.later())
    draft = build.draft("account-1", "account-2", "account-3")
    assert accepted(database, draft).account_id == "account-3"
    answer = refused(database, build.draft("account-1", "account-2"))
    assert (answer.halted, answer.all_halted) == ((build.account().channel,), True)
    answer = refused(database, build.draft("account-1", "account-3", max_jobs=1))
    assert (answer.all_halted, answer.max_jobs, len(answer.executing_jobs)) == (False, 1, 1)


def test_verbs_without_a_slot_share_a_lane_and_take_no_slot(database: Database) -> None:
    first = accepted(database, build.draft(takes_slot=False, lane=2))
    accepted(database, build.draft(takes_slot=False, lane=2))
    answer = refused(database, build.draft(takes_slot=False, lane=2))
    assert answer.max_jobs == 2
    assert answer.executing_jobs[0] == first.jobid
    assert (first.slot, first.max_jobs) == (False, None)
    for _ in range(3):
        accepted(database, build.draft())
    commit(database, build.change(build.failed(first)))
    accepted(database, build.draft(takes_slot=False, lane=2))


def test_a_ghost_keeps_its_slot_until_it_lets_go(database: Database) -> None:
    job = accepted(database, build.draft(max_jobs=1))
    ghost = build.failed(job, ghost=True, slot=True)
    commit(database, build.change(ghost))
    # R31: nothing of it can be waited for; its slot has an end
    answer = refused(database, build.draft(max_jobs=1))
    assert (answer.executing_jobs, answer.free_at) == ((), build.later(600))
    commit(database, build.change(build.stepped(ghost.job, slot=False, slot_until=None)))
    accepted(database, build.draft(max_jobs=1))


def test_a_slot_is_free_when_its_job_has_lasted_as_long_as_those_before(
    database: Database,
) -> None:
    for seconds, name in ((20, "900"), (40, "901")):
        job = build.submitted(accepted(database, build.draft(max_jobs=1)), name)
        commit(database, build.change(job))
        commit(database, build.change(build.completed(job.job, name, at=build.later(seconds))))
    running = accepted(database, build.draft(max_jobs=1))
    assert refused(database, build.draft(max_jobs=1)).free_at is None  # it is not sent yet
    commit(database, build.change(build.submitted(running, "902")))
    answer = refused(database, build.draft(max_jobs=1))
    assert (answer.executing_jobs, answer.free_at) == ((running.jobid,), build.later(30))


def test_a_limit_of_what_goes_on_says_when_the_first_job_should_end(database: Database) -> None:
    job = build.submitted(accepted(database, build.draft()))
    commit(database, build.change(job))
    commit(database, build.change(build.completed(job.job, at=build.later(20))))
    accounts.change_user(database, 1, {"quotas": UserQuotas(jobs_at_once=1)})
    running = accepted(database, build.draft())
    over = slots.add_job(database, build.draft(), build.later())
    assert isinstance(over, OverQuota)
    assert (over.executing_jobs, over.free_at) == ([running.jobid], None)
    commit(database, build.change(build.submitted(running, "2")))
    over = slots.add_job(database, build.draft(), build.later())
    assert isinstance(over, OverQuota)
    assert over.free_at == build.later(20)
    # so does one of the jobs that wait
    waits = replace(build.draft(), queue=QueueDraft(3, build.later(99), 0))
    assert slots.add_job(database, waits, build.later()) == QueueFull(0, build.later(20))
    pinned = replace(build.draft(), queue=QueueDraft(3, build.later(99), 0, "account-9"))
    assert slots.add_job(database, pinned, build.later()) == QueueFull(0)


def test_jobs_of_another_verb_do_not_tell_how_long_one_lasts(database: Database) -> None:
    job = build.submitted(accepted(database, build.draft(max_jobs=1)))
    commit(database, build.change(job))
    commit(database, build.change(build.completed(job.job, at=build.later(20))))
    draft = replace(build.draft(max_jobs=1), verb="imagine", params={"prompt": "x"})
    other = accepted(database, draft)
    commit(database, build.change(build.submitted(other, "2")))
    assert refused(database, build.draft(max_jobs=1)).free_at is None


def erased_with_a_ghost(database: Database) -> Job:
    """Erase account 1 while Midjourney may still run its job; return that job."""
    job = accepted(database, build.draft(max_jobs=1))
    ghost = build.failed(job, ghost=True, slot=True)
    commit(database, build.change(ghost))
    accounts.remove(database, "account-1", build.later())
    accounts.erase(database, "account-1")
    return job


def test_a_ghost_keeps_its_slot_while_its_account_is_gone(database: Database) -> None:
    erased_with_a_ghost(database)
    accounts.put(database, build.setup())
    assert refused(database, build.draft(max_jobs=1)).free_at == build.later(600)


def test_a_ghost_of_another_users_account_counts_for_nobody_else(database: Database) -> None:
    accounts.add_user(database, "b@example.org", b"h", build.later())
    erased_with_a_ghost(database)
    foreign = replace(build.account(user_id=2), account_id="account-9")
    accounts.put(database, build.setup(foreign))
    accepted(database, build.draft("account-9", user_id=2, max_jobs=1))
    answer = refused(database, build.draft("account-9", user_id=2, max_jobs=1))
    assert (len(answer.executing_jobs), answer.free_at) == (1, None)


@pytest.mark.parametrize(("after_s", "slot"), [(599, 1), (600, 0)])
def test_a_slot_that_nobody_watches_ends_with_its_time(
    database: Database, after_s: float, slot: int
) -> None:
    job = erased_with_a_ghost(database)
    database.run("release_slots", {"at": micros(build.later(after_s))})
    held = "select slot from jobs where jobid = ?"
    assert database.connection.execute(held, (job.jobid,)).fetchall() == [(slot,)]


def test_a_slot_that_an_owner_watches_is_left_to_the_owner(database: Database) -> None:
    accounts.add_user(database, "b@example.org", b"h", build.later())
    job = erased_with_a_ghost(database)
    foreign = replace(build.account(user_id=2), account_id="account-9")
    accounts.put(database, build.setup(foreign))
    database.run("release_slots", {"at": micros(build.later(700))})
    held = "select slot from jobs where jobid = ?"
    assert database.connection.execute(held, (job.jobid,)).fetchall() == [(1,)]


@on_sqlite
def test_a_user_that_is_not_there_gets_no_job(database: Database) -> None:
    database.connection.execute("pragma foreign_keys = 0")
    database.connection.execute("update accounts set user_id = 9")
    with pytest.raises(NotFound):
        slots.add_job(database, build.draft(user_id=9), build.later())


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"revoked_at": build.later()}, Unauthorized),
        ({"expires_at": build.later(5)}, SubscriptionExpired),
    ],
)
def test_a_user_who_may_not_ask_any_more_gets_no_job(
    database: Database, changes: UserChanges, error: type[Exception]
) -> None:
    accepted(database, build.draft(), 4)
    accounts.change_user(database, 1, changes)
    with pytest.raises(error):
        slots.add_job(database, build.draft(), build.later(5))


@given(st.integers(0, 4_000_000_000_000), st.integers(1, 10**6))
def test_a_jobid_carries_its_milliseconds(created_ms: int, user_id: int) -> None:
    jobid = slots.jobid_of(created_ms, user_id, "0")
    assert len(jobid.split("-")[0]) == 4 + 17
    assert jobid.endswith(f"-user:{user_id}-channel:0-bot:midjourney")
    assert int(jobid[18:21]) == created_ms % 1000


class Slots(RuleBasedStateMachine):
    """I8: the slots of a channel are the rows that hold one, and never more than the limit."""

    @initialize(limit=st.integers(1, 4))
    def start(self, limit: int) -> None:
        self.limit = limit
        self.connection = connect(":memory:")
        migrate(self.connection, build.later(), None)
        self.database = Database(self.connection)
        accounts.add_user(self.database, "a@example.org", b"h", build.later())
        accounts.put(self.database, build.setup(build.account(max_jobs=limit)))
        claim_in(self.database, "account-1", "me")
        self.holding: list[Job] = []
        self.count = 0

    @rule()
    def add(self) -> None:
        answer = slots.add_job(self.database, build.draft(), build.later())
        if isinstance(answer, Job):
            assert len(self.holding) < self.limit
            self.holding.append(answer)
        else:
            assert len(self.holding) == self.limit
            assert isinstance(answer, NoSlot)
            assert set(answer.executing_jobs) == {
                job.jobid for job in self.holding if not job.final
            }

    @rule(data=st.data(), ghost=st.booleans())
    def end(self, data: st.DataObject, ghost: bool) -> None:
        running = [job for job in self.holding if not job.final]
        if not running:
            return
        job = data.draw(st.sampled_from(running))
        self.holding.remove(job)
        step = build.failed(job, ghost=ghost, slot=ghost)
        commit(self.database, build.change(step))
        if ghost:
            self.holding.append(step.job)

    @rule(data=st.data())
    def let_go(self, data: st.DataObject) -> None:
        ghosts = [job for job in self.holding if job.final]
        if ghosts:
            ghost = data.draw(st.sampled_from(ghosts))
            self.holding.remove(ghost)
            commit(self.database, build.change(build.stepped(ghost, slot=False)))

    @invariant()
    def slots_are_rows(self) -> None:
        rows = self.connection.execute("select jobid from jobs where slot").fetchall()
        assert {jobid for (jobid,) in rows} == {job.jobid for job in self.holding}

    def teardown(self) -> None:
        self.connection.close()


TestSlots = Slots.TestCase
TestSlots.settings = settings(
    max_examples=30,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.build import replace
from tests.harness.desk import (
    ACCOUNT,
    acknowledged,
    create,
    described,
    desk,
    opened,
    said,
    told,
    until,
)
from waystation.callbacks import Callback
from waystation.engine.account.listener import Listener
from waystation.errors import LocalProtocolError, StoreError, UuidTaken
from waystation.gateway_events import (
    CaughtUp,
    Disconnected,
    GatewayEvent,
    HumanCheckSeen,
    MessageSeen,
    Passed,
    SeenAs,
)
from waystation.ignored import Ignored
from waystation.jobs import Acknowledged, JobStatus
from waystation.midjourney import receiving
from waystation.midjourney.state import State
from waystation.midjourney.steps import Step
from waystation.ports import Commit
from waystation.wire.message import Attachment

UUID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"


async def test_an_event_that_cannot_be_applied_is_skipped_and_not_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = receiving._received

    def received(state: State, event: GatewayEvent, now: datetime) -> Step:
        if getattr(event, "sequence", None) == 5:
            raise LocalProtocolError("a bug")
        return real(state, event, now)

    monkeypatch.setattr(receiving, "_received", received)
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.send()
        with capture_logs() as logs:
            here.discord.say(told(job), acknowledged(job), create(said("801"), 5))
            await until(lambda: "gateway.event_not_applied" in [line["event"] for line in logs])
        assert {line.get("account") for line in logs if "gateway" in line["event"]} == {
            here.owner.account.account_id
        }
        await here.quiet()
        assert (await here.job(job.jobid)).status is JobStatus.STARTED
        assert len(here.discord.transports) == 1
        assert here.adapters.ignored == {Ignored.NOT_APPLIED: 1}
        # the next process does not ask for it again
        await here.owner.stop()
        assert await here.session() == opened(5)


# ── events that wait together ──


async def test_events_that_wait_together_share_one_transaction(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.bind()
        published: list[JobStatus] = []
        here.feed.publish = lambda job: published.append(job.status)  # type: ignore[method-assign]
        commits = here.store._connections.writer.connection
        counted: list[int] = []
        commits.set_commit_hook(lambda: bool(counted.append(1)))
        here.discord.say(acknowledged(job), described(job), Passed(9))
        await here.becomes(job.jobid, JobStatus.COMPLETED)
        assert len(counted) == 1
        # a reader of the store may see the commit before it is adopted and told
        await until(lambda: len(published) == 2)
        # each step is told, in its order, and the session stands at the last event
        assert published == [JobStatus.STARTED, JobStatus.COMPLETED]
        kinds = await here.kinds(job.jobid)
        assert kinds == ["Submitted", "InteractionSeen", "Acknowledged", "Completed"]
        await here.owner.stop()
        assert await here.session() == opened(9)


async def test_a_crash_before_the_transaction_of_several_events_leaves_none_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.bind()
        before = await here.session()
        committing = asyncio.Event()

        async def hang(change: object) -> None:
            committing.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(here.failing, "commit", hang, raising=False)
        here.discord.say(acknowledged(job), described(job))
        await committing.wait()
        # nobody sees what is not on disk
        assert here.owner.current(job.jobid) == await here.job(job.jobid)
        assert [one.status for one in here.owner.jobs] == [JobStatus.SUBMITTED]
        assert [one.jobid for one in here.owner.holding] == [job.jobid]
        monkeypatch.undo()
        await here.restart()
        assert (await here.job(job.jobid)).status is JobStatus.SUBMITTED
        assert await here.session() == before
        # the session is resumed, and what was missed comes again
        here.discord.say(acknowledged(job), described(job))
        await here.becomes(job.jobid, JobStatus.COMPLETED)


async def test_a_store_that_fails_takes_none_of_several_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(change: object) -> None:
        raise StoreError("disk full")

    async with desk(tmp_path) as here:
        await here.start()
        job = await here.bind()
        owner = here.owner
        monkeypatch.setattr(here.failing, "commit", fail, raising=False)
        events = [acknowledged(job), described(job)]
        with pytest.raises(StoreError, match="disk full"):
            await owner.receive(events)
        assert owner.current(job.jobid) == await here.job(job.jobid)
        monkeypatch.undo()
        assert len(await owner.receive(events)) == 2
        assert (await here.job(job.jobid)).status is JobStatus.COMPLETED


async def test_one_event_that_the_store_refuses_does_not_hold_up_those_beside_it(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.bind()
        real, refused = here.store.commit, []

        async def commit(change: Commit) -> Sequence[Callback] | None:
            if any(isinstance(e, Acknowledged) for one in change.jobs for e in one.events):
                refused.append(len(change.jobs))
                raise UuidTaken("another job has it")
            return await real(change)

        here.failing.commit = commit  # type: ignore[attr-defined]
        by_hand = said("801", nonce="99", interaction_id="701")
        here.discord.say(acknowledged(job), create(by_hand, 5), described(job))
        await here.becomes(job.jobid, JobStatus.COMPLETED)
        assert refused == [2, 1]
        assert here.adapters.ignored == {Ignored.UUID_TAKEN: 1, Ignored.BY_HAND: 1}


async def test_an_end_of_the_connection_waits_for_the_events_before_it(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.bind()
        here.discord.say(
            acknowledged(job),
            Disconnected("gone"),
            described(job),
            CaughtUp(True, ACCOUNT.discord_user_id, opened(5)),
        )
        await here.becomes(job.jobid, JobStatus.COMPLETED)
        await until(lambda: here.owner.caught_up)
        assert here.owner.lost_for == "gone"


async def test_a_lost_connection_stops_verdicts_until_it_is_back(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.say(Disconnected("gone"))
        await until(lambda: not here.owner.caught_up)
        assert (here.owner.state, here.owner.lost_for) == ("connecting", "gone")
        here.discord.say(CaughtUp(True, ACCOUNT.discord_user_id, opened(4)))
        await until(lambda: here.owner.caught_up)
        assert here.owner.state == "connected"
        assert here.discord.reads == []


async def test_replayed_events_are_applied_before_the_connection_counts_as_current(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.send()
        here.discord.say(
            Disconnected("gone"),
            told(job),
            acknowledged(job),
            described(job),
            CaughtUp(True, ACCOUNT.discord_user_id, opened(5)),
        )
        await until(lambda: not here.owner.caught_up)
        await until(lambda: here.owner.caught_up)
        assert (await here.job(job.jobid)).status is JobStatus.COMPLETED


async def test_a_fatal_human_check_means_not_heard_any_more(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.say(HumanCheckSeen("look", fatal=True))
        await until(lambda: not here.owner.caught_up)
        assert here.owner.account.halt == "look"


async def test_a_passing_human_check_halts_and_goes_on_listening(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.send()
        here.discord.say(HumanCheckSeen("look", fatal=False), told(job), acknowledged(job))
        await here.becomes(job.jobid, JobStatus.STARTED)
        assert here.owner.account.halt == "look"
        assert here.owner.caught_up


async def test_a_connection_that_ends_by_itself_is_followed_by_another(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.now.end()
        await here.pass_until(lambda: len(here.discord.transports) == 2)
        assert here.discord.now.session == opened(1)


async def test_a_session_moves_on_with_events_that_concern_nobody(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        here.discord.say(Passed(70))
        await here.quiet()
        await here.owner.stop()
        assert await here.session() == opened(70)


# ── what is ignored ──


async def test_a_message_that_changes_no_job_is_logged_with_its_reason_and_counted_once(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        message = said("801", nonce="99")
        listener = Listener(here.owner)
        with capture_logs() as logs:
            await listener.receive(create(message, 2))
            await listener.receive(MessageSeen(SeenAs.HISTORY, message))
        assert here.adapters.ignored == {Ignored.BY_HAND: 1}
        lines = [line for line in logs if line["event"] == "message.ignored"]
        assert [line["step"] for line in lines] == ["created", "history"]
        assert lines[0] == {
            "event": "message.ignored",
            "log_level": "debug",
            "account": ACCOUNT.account_id,
            "message": "801",
            "channel": ACCOUNT.channel,
            "step": "created",
            "reason": "by_hand",
        }


async def test_a_message_that_changes_a_job_is_not_counted_as_ignored(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.send()
        here.discord.say(told(job), acknowledged(job), described(job))
        await here.becomes(job.jobid, JobStatus.COMPLETED)
        assert here.adapters.ignored == {}


async def test_a_message_with_a_uuid_that_the_store_knows_of_another_job_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(change: object) -> None:
        raise UuidTaken("another job has it")

    async with desk(tmp_path) as here:
        await here.start()
        job = await here.bind()
        monkeypatch.setattr(here.failing, "commit", refuse, raising=False)
        await Listener(here.owner).receive(acknowledged(job))
        assert here.adapters.ignored == {Ignored.UUID_TAKEN: 1}


async def test_a_picture_that_is_told_apart_at_once_is_not_counted_as_ignored(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as here:
        await here.start()
        job = await here.imagine("a red fox")
        await until(lambda: len(here.discord.performed) == 1)
        job = await here.job(job.jobid)
        picture = replace(
            said("900", content=f"**a red fox** - <@{ACCOUNT.discord_user_id}> (fast)"),
            interaction_metadata=None,
            attachments=(Attachment("1", filename=f"ada_fox_{UUID}.png"),),
        )
        here.discord.say(told(job), create(picture))
        completed = await here.becomes(job.jobid, JobStatus.COMPLETED)
        assert (completed.hash, here.adapters.ignored) == (UUID, {})
        # of which nobody is left who could own it
        here.discord.say(create(replace(picture, id="901"), 4))
        await until(lambda: here.adapters.ignored.total() == 1)

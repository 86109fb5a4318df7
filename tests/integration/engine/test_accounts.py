from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.harness.desk import ACCOUNT, told
from tests.harness.house import INFO, House, house
from waystation.engine import accounts
from waystation.engine.accounts import RESETS
from waystation.engine.everywhere import Known
from waystation.engine.tokens import TOKENS
from waystation.errors import (
    HumanCheckRequired,
    InvalidRequest,
    NotAuthorised,
    NotFound,
    Throttled,
)
from waystation.ports import DiscordIdentity
from waystation.secret import Secret

TOKEN = Secret("MTAx.a-discord-token.xyz")
ANOTHER = Secret("MTAx.another-token.xyz")


async def test_a_token_finds_its_direct_messages(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        user = await here.user()
        here.probe.identity = DiscordIdentity("500", "bob", "777")
        added, created = await here.accounts.add(user, TOKEN, None)
        assert (added.channel, added.guild_id, added.max_jobs, created) == ("777", None, 3, True)
        assert added.masked_token == "MTA…secured…xyz"
        again, created = await here.accounts.add(user, TOKEN, 5)
        assert (again.account_id, again.max_jobs, created) == (added.account_id, 5, False)
        here.probe.identity = DiscordIdentity("501", "eve", None)
        with pytest.raises(InvalidRequest, match="Midjourney bot not configured"):
            await here.accounts.add(user, ANOTHER, None)


async def test_a_channel_must_be_readable_and_a_discord_user_stands_once(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        user = await here.user()
        with pytest.raises(InvalidRequest, match="same discord value"):
            await here.accounts.put(user, "778", TOKEN, "9", 3)
        eve = await here.here.store.add_user("eve@example.org", b"h", here.here.clock.now())
        with pytest.raises(InvalidRequest, match="Channel 778 configuration has same discord"):
            await here.accounts.put(eve, "778", TOKEN, "9", 3)
        here.probe.readable = False
        with pytest.raises(InvalidRequest, match="is not valid Discord channel id"):
            await here.accounts.put(user, "778", TOKEN, "9", 3)


async def test_another_users_token_waits_for_running_jobs(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        user = await here.user()
        asked = await here.ask()
        await here.performed()
        here.probe.identity = DiscordIdentity("999", "other", None)
        with pytest.raises(InvalidRequest, match="running jobs of another Discord user"):
            await here.accounts.put(user, ACCOUNT.channel, TOKEN, "9", 3)
        here.probe.identity = DiscordIdentity(ACCOUNT.discord_user_id, "ada", None)
        changed = await here.accounts.put(user, ACCOUNT.channel, TOKEN, "9", 7)
        assert (changed.account_id, changed.max_jobs) == (ACCOUNT.account_id, 7)
        asked.cancel()


@pytest.mark.parametrize("error", [NotAuthorised("no"), HumanCheckRequired("look")])
async def test_rejected_tokens_are_counted(tmp_path: Path, error: Exception) -> None:
    """R35."""
    async with house(tmp_path) as here:
        user = await here.user()
        here.probe.fails = error
        for _ in range(5):
            with pytest.raises(InvalidRequest, match="Discord rejected the token"):
                await here.accounts.add(user, TOKEN, None)
        with pytest.raises(Throttled):
            await here.accounts.add(user, TOKEN, None)
        here.here.clock.advance(3660)
        here.probe.fails = None
        here.probe.identity = DiscordIdentity("500", "bob", "777")
        await here.accounts.add(user, TOKEN, None)


async def test_removal_and_reset_go_to_the_owner(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        user = await here.user()
        with pytest.raises(NotFound, match="Configuration not found for provided channel"):
            await here.accounts.remove(user, "1")
        await here.here.store._write(
            lambda database: database.connection.execute(
                "update accounts set halt = 'look', halted_at = 1"
            )
        )
        await here.accounts.reset(user, ACCOUNT.channel)
        assert (await here.accounts.get(user, ACCOUNT.channel)).halt is None
        await here.accounts.remove(user, ACCOUNT.channel)
        assert await here.accounts.of(user) == []
        assert await here.here.store.get_account(ACCOUNT.account_id) is None


async def test_a_removed_account_says_how_many_jobs_hold_it(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        user = await here.user()
        await here.ask()
        await here.performed(1)
        await here.accounts.remove(user, ACCOUNT.channel)
        with pytest.raises(NotFound) as going:
            await here.accounts.get(user, ACCOUNT.channel)
        assert "its running job has ended" in str(going.value.details)


async def test_two_jobs_that_hold_a_removed_account_are_counted(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        user = await here.user()
        await here.ask()
        (first,) = await here.performed(1)
        here.here.discord.say(told(first))
        await here.ask(INFO)
        # a job that was not asked yet would end with the removal
        await here.performed(2)
        await here.accounts.remove(user, ACCOUNT.channel)
        with pytest.raises(NotFound) as going:
            await here.accounts.remove(user, ACCOUNT.channel)
        assert "its 2 running jobs have ended" in str(going.value.details)


async def _known(here: House) -> Known:
    user = await here.user()
    known = await here.accounts.known(user, await here.accounts.of(user))
    return known[ACCOUNT.account_id]


async def test_an_account_tells_how_it_stands_with_discord(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        assert await _known(here) == Known("waiting")
        await here.live()
        assert await _known(here) == Known("connected")
        owner = here.pool.get(ACCOUNT.account_id)
        assert owner is not None
        owner.disconnected("no connection to Discord: refused")
        assert await _known(here) == Known("connecting", "no connection to Discord: refused")


async def test_an_account_tells_which_jobs_hold_its_slots(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        assert (await _known(here)).slots == ()
        await here.ask()
        (first,) = await here.performed(1)
        assert [job.jobid for job in (await _known(here)).slots] == [first.jobid]


async def test_people_are_shown_the_instants_of_their_own_clock(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        here.here.clock.set_wall(timedelta(hours=1))
        now = here.here.clock.now()
        assert here.accounts.shown(now) == now + timedelta(hours=1)


async def test_discord_is_asked_about_so_many_tokens_an_hour(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        user = await here.user()
        here.probe.identity = DiscordIdentity("500", "bob", None)
        for _ in range(TOKENS):
            with pytest.raises(InvalidRequest, match="not configured"):
                await here.accounts.add(user, ANOTHER, None)
        with pytest.raises(
            Throttled, match="Discord was asked about 60 tokens of this user within an hour; wait"
        ):
            await here.accounts.add(user, ANOTHER, None)
        here.here.clock.advance(3660)
        with pytest.raises(InvalidRequest, match="not configured"):
            await here.accounts.add(user, ANOTHER, None)


RESET_OFTEN = "The account was reset 20 times within an hour; look why it is halted again, and wait"


async def test_an_account_is_reset_so_many_times_an_hour(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        user = await here.user()
        for _ in range(RESETS):
            await here.accounts.reset(user, ACCOUNT.channel)
        with pytest.raises(Throttled, match=RESET_OFTEN):
            await here.accounts.reset(user, ACCOUNT.channel)
        here.here.clock.advance(3660)
        await here.accounts.reset(user, ACCOUNT.channel)


async def test_a_user_has_so_many_accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "MAX_ACCOUNTS", 1)
    async with house(tmp_path) as here:
        user = await here.user()
        here.probe.identity = DiscordIdentity("500", "bob", "777")
        with pytest.raises(
            InvalidRequest, match="Maximum of 1 accounts supported; DELETE one that is not needed"
        ):
            await here.accounts.add(user, ANOTHER, None)
        here.probe.identity = DiscordIdentity(ACCOUNT.discord_user_id, "ada", None)
        changed = await here.accounts.put(user, ACCOUNT.channel, TOKEN, "9", 7)
        assert changed.max_jobs == 7

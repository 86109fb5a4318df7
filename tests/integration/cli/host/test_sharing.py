"""waystation users share, unshare and shares, on a database of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import build
from tests.harness.command_line import Ran, run
from waystation.app import open_state
from waystation.settings import load

CHANNEL = build.account(1).channel


@pytest.fixture
def users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Return what runs the command, on a host with two users and an account of the first."""
    monkeypatch.chdir(tmp_path)
    environment = {"WAYSTATION_DATA_DIR": str(tmp_path / "data")}
    for name in ("ada", "bob"):
        run("users", "add", "--email", f"{name}@example.org", environment=environment)

    async def set_up() -> None:
        async with open_state(load(environ=environment)) as state:
            await state.store.put_account(build.setup())

    asyncio.run(set_up())
    return lambda *arguments: run("users", *arguments, environment=environment)


def test_an_account_is_shared_listed_and_taken_back(users: Callable[..., Ran]) -> None:
    assert users("shares").out.strip() == "No account is shared."
    assert users("shares", "--json").json == []
    shared = users("share", "bob@example.org", CHANNEL)
    assert shared.exit_code == 0
    assert f"bob@example.org may use the account of channel {CHANNEL}" in shared.out
    listed = users("shares")
    assert CHANNEL in listed.out and "bob@example.org" in listed.out
    (row,) = users("shares", "--json").json
    assert (row["channel"], row["user"], row["email"]) == (CHANNEL, 2, "bob@example.org")
    ended = users("unshare", "2", CHANNEL, "--json")
    assert ended.json == {"channel": CHANNEL, "user": 2, "shared": False}
    assert users("shares", "--json").json == []


@pytest.mark.parametrize(
    ("who", "channel", "said"),
    [
        ("eve@example.org", CHANNEL, "There is no user eve@example.org"),
        ("bob@example.org", "1", "There is no account of channel 1"),
        ("ada@example.org", CHANNEL, "The user owns the account."),
    ],
)
def test_wrong_names_are_told(users: Callable[..., Ran], who: str, channel: str, said: str) -> None:
    ran = users("share", who, channel)
    assert ran.exit_code != 0 and said in ran.err


def test_taking_back_what_was_not_shared_is_told(users: Callable[..., Ran]) -> None:
    ran = users("unshare", "bob@example.org", CHANNEL)
    assert ran.exit_code != 0 and "not shared with this user" in ran.err


def test_an_account_is_limited_and_freed(users: Callable[..., Ran]) -> None:
    limited = users("limit-account", CHANNEL, "--jobs-a-day", "50")
    assert limited.exit_code == 0 and "at most 50 jobs a day" in limited.out
    freed = users("limit-account", CHANNEL, "--jobs-a-day", "0", "--json")
    assert freed.json == {"channel": CHANNEL, "jobsADay": 0}
    assert users("limit-account", "1", "--jobs-a-day", "5").exit_code != 0

"""waystation users, on a database of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.command_line import Ran, run
from waystation.app import State, open_state
from waystation.cli.host import database as host
from waystation.cli.host import users as cli
from waystation.ports import User
from waystation.quotas import UserQuotas
from waystation.settings import load

Users = Callable[..., Ran]


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.chdir(tmp_path)
    return {"WAYSTATION_DATA_DIR": str(tmp_path / "data")}


@pytest.fixture
def users(environment: dict[str, str]) -> Users:
    return lambda *arguments: run("users", *arguments, environment=environment)


@pytest.fixture
def stored(environment: dict[str, str]) -> Callable[[], User]:
    """Return what reads user 1 and proves that a token is hers."""

    async def read() -> User:
        async with open_state(load(environ=environment)) as state:
            user = await state.store.get_user(1)
            assert user is not None
            return user

    return lambda: asyncio.run(read())


def hashed(environment: dict[str, str], token: str) -> bytes:
    async def work() -> bytes:
        async with open_state(load(environ=environment)) as state:
            return state.vault.hash_token(token.partition("-")[2])

    return asyncio.run(work())


def test_add_prints_a_token_that_is_kept_only_as_a_hash(
    users: Users, environment: dict[str, str], stored: Callable[[], User], tmp_path: Path
) -> None:
    ran = users("add", "--email", "ada@example.org", "--json")
    assert ran.exit_code == 0
    token = ran.json["token"]
    assert ran.json == {"id": 1, "email": "ada@example.org", "token": token}
    assert token.startswith("user:1-") and len(token) == len("user:1-") + 43
    assert stored().token_hash == hashed(environment, token)
    secret = token.partition("-")[2].encode()
    files = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert files and all(secret not in path.read_bytes() for path in files)


def test_add_tells_a_person_to_keep_the_token(users: Users) -> None:
    ran = users("add", "--email", "ada@example.org")
    assert "user:1-" in ran.out and "cannot be shown again" in ran.out


def test_an_address_that_exists_is_told_how_to_get_a_new_token(users: Users) -> None:
    users("add", "--email", "ada@example.org")
    ran = users("add", "--email", "ada@example.org")
    assert ran.exit_code == 1 and "\n  waystation users rotate ada@example.org\n" in ran.err
    assert "which it ends" in ran.err


def test_add_refuses_what_is_no_address_and_one_that_exists(users: Users) -> None:
    assert users("add", "--email", "ada@example.org\nBcc: x@example.org").exit_code == 2
    assert users("add", "--email", "ada@example.org").exit_code == 0
    assert users("add", "--email", "ada@example.org", "--json").json["code"] == 409


def test_rotate_replaces_the_token_and_lifts_a_revocation(
    users: Users, environment: dict[str, str], stored: Callable[[], User]
) -> None:
    first = users("add", "--email", "ada@example.org", "--json").json["token"]
    users("revoke", "1")
    assert stored().revoked_at is not None
    second = users("rotate", "ada@example.org", "--json").json["token"]
    assert second != first
    assert stored().token_hash == hashed(environment, second)
    assert stored().revoked_at is None


def test_rotate_says_that_the_old_token_has_ended(users: Users) -> None:
    users("add", "--email", "ada@example.org")
    assert "The old token has stopped working: programs" in users("rotate", "1").err
    assert "the old one stops working" in " ".join(users("rotate", "--help").out.split())


def test_expire_sets_moves_and_lifts_the_end(users: Users, stored: Callable[[], User]) -> None:
    users("add", "--email", "ada@example.org")
    assert users("expire", "1", "--on", "2999-12-31").exit_code == 0
    until = stored().expires_at
    assert until is not None and until.isoformat() == "2999-12-31T23:59:59+00:00"
    assert "active until 2999-12-31 23:59" in users("list").out
    assert users("expire", "1", "--now", "--json").json["expires"] is not None
    assert "expired" in users("list").out
    assert users("expire", "1", "--never", "--json").json["expires"] is None
    assert stored().expires_at is None


def test_expire_takes_dates_only(users: Users) -> None:
    ran = users("expire", "1", "--on", "tomorrow")
    assert ran.exit_code == 2 and "2027-01-31" in ran.err


@pytest.mark.parametrize("flags", ["--on 2999-12-31 --never", "--now --never"])
def test_an_end_and_no_end_exclude_each_other(users: Users, flags: str) -> None:
    users("add", "--email", "ada@example.org")
    assert users("expire", "1", *flags.split()).exit_code == 2
    assert users("list", "--json").json[0]["expires"] is None


def test_a_change_that_was_made_is_shown_as_done(users: Users) -> None:
    users("add", "--email", "ada@example.org")
    for change in ("expire 1 --now", "revoke 1"):
        assert users(*change.split()).out.splitlines()[1].startswith("✓  1")


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_expire_without_a_date_and_nobody_to_ask_changes_nothing(
    users: Users, stored: Callable[[], User], flags: tuple[str, ...]
) -> None:
    users("add", "--email", "ada@example.org")
    ran = users("expire", "1", *flags)
    assert ran.exit_code == 2 and "--on DATE, --now or --never" in ran.out + ran.err
    assert stored().expires_at is None


def test_expire_without_a_date_asks_and_names_the_user(
    users: Users, stored: Callable[[], User], monkeypatch: pytest.MonkeyPatch
) -> None:
    users("add", "--email", "ada@example.org")
    monkeypatch.setattr("waystation.cli.confirming.person_is_there", lambda: True)
    ran = run("users", "expire", "1", stdin="n\n", environment={"WAYSTATION_DATA_DIR": "data"})
    assert ran.exit_code == 1 and "subscription of ada@example.org now?" in ran.err
    assert stored().expires_at is None
    run("users", "expire", "1", stdin="y\n", environment={"WAYSTATION_DATA_DIR": "data"})
    assert stored().expires_at is not None


def test_times_are_written_as_the_api_does(users: Users) -> None:
    users("add", "--email", "ada@example.org")
    users("expire", "1", "--on", "2999-12-31")
    user = users("list", "--json").json[0]
    assert user["expires"] == "2999-12-31T23:59:59.000Z"
    assert len(user["created"]) == len(user["expires"]) and user["created"].endswith("Z")


@pytest.mark.parametrize("command", ["list", "admin 1", "expire 1 --now", "rotate 1", "revoke 1"])
def test_only_add_makes_a_database(users: Users, tmp_path: Path, command: str) -> None:
    ran = users(*command.split(), "--json")
    path = str(tmp_path / "data" / "waystation.db")
    assert (ran.exit_code, ran.json["code"]) == (2, 400)
    assert ran.json["error"] == f"There is no database at {path}"
    assert not (tmp_path / "data").exists()
    assert "WAYSTATION_DATA_DIR" in ran.json["errorDetails"]
    made = users("add", "--email", "ada@example.org").err
    assert f"made the database {path}" in made and "WAYSTATION_DATA_DIR" in made
    assert "made the database" not in users("add", "--email", "eve@example.org").err
    assert "made" not in users("add", "--email", "bob@example.org").err


def test_a_data_directory_that_cannot_be_made_is_one_object(users: Users, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    ran = users("add", "--email", "ada@example.org", "--json")
    assert (ran.exit_code, ran.json["code"]) == (2, 400)


def test_a_misspelt_variable_is_warned_of(users: Users, environment: dict[str, str]) -> None:
    environment["WAYSTATION_PROT"] = "1"
    ran = users("add", "--email", "ada@example.org", "--json")
    assert ran.json["id"] == 1
    assert ran.err == "! WAYSTATION_PROT is not a setting; did you mean `WAYSTATION_PORT`?\n"


def test_list_shows_everybody(users: Users, environment: dict[str, str]) -> None:
    run("migrate", environment=environment)
    told = users("list").out.split()
    assert " ".join(told[:6]) == "There is no user yet in"
    assert users("list", "--json").json == []
    users("add", "--email", "ada@example.org")
    users("add", "--email", "bob@example.org")
    users("revoke", "bob@example.org")
    listed = users("list", "--json").json
    assert [(user["id"], user["email"]) for user in listed] == [
        (1, "ada@example.org"),
        (2, "bob@example.org"),
    ]
    assert listed[0]["revoked"] is None and listed[1]["revoked"] is not None
    shown = users("list").out.splitlines()
    assert "active" in shown[1] and "revoked" in shown[2]


def test_admin_is_granted_shown_and_taken_back(users: Users, stored: Callable[[], User]) -> None:
    users("add", "--email", "ada@example.org")
    assert not stored().is_admin and "admin" not in users("list").out
    assert users("admin", "ada@example.org", "--json").json["admin"] is True
    assert stored().is_admin and "active, admin" in users("list").out
    users("expire", "1", "--on", "2999-12-31")
    assert "23:59, admin" in users("list").out
    assert users("admin", "1", "--off", "--json").json["admin"] is False
    assert not stored().is_admin


@pytest.mark.parametrize("command", ["admin", "expire", "rotate", "revoke"])
def test_somebody_unknown_has_an_exit_code(users: Users, command: str) -> None:
    users("add", "--email", "ada@example.org")
    flags = ("--now",) if command == "expire" else ()
    assert users(command, "nobody@example.org", *flags).exit_code == 8


def test_the_database_may_be_named_by_a_settings_file(
    users: Users, tmp_path: Path, environment: dict[str, str]
) -> None:
    config = tmp_path / "other.toml"
    config.write_text(f'data_dir = "{tmp_path / "other"}"\n')
    ran = run("users", "add", "--email", "a@example.org", "--config", str(config))
    assert ran.exit_code == 0
    assert (tmp_path / "other" / "waystation.db").exists()


@pytest.mark.parametrize("command", ["rotate", "expire", "revoke"])
def test_a_profile_that_is_set_meanwhile_is_kept(
    users: Users,
    stored: Callable[[], User],
    environment: dict[str, str],
    command: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    users("add", "--email", "ada@example.org")
    found = host.find

    async def find_and_let_the_service_write(state: State, who: str) -> User:
        user = await found(state, who)
        await state.store.change_user(1, {"name": "Ada"})
        return user

    monkeypatch.setattr(cli, "find", find_and_let_the_service_write)
    assert users(command, "1", *(("--now",) if command == "expire" else ())).exit_code == 0
    user = stored()
    assert user.name == "Ada"
    changed = {"rotate": user.token_hash, "expire": user.expires_at, "revoke": user.revoked_at}
    assert changed[command]


@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_a_token_in_place_of_a_user_is_not_repeated(
    environment: dict[str, str], flags: tuple[str, ...]
) -> None:
    run("users", "add", "--email", "ada@example.org", environment=environment)
    ran = run("users", "rotate", "user:1-abcdefghijklmnopqrst", *flags, environment=environment)
    assert ran.exit_code == 8 and "There is no user" in ran.out + ran.err
    assert "abcdefghij" not in ran.out + ran.err


@pytest.mark.parametrize("date", ["31.01.2027", "tomorrow", "2027-13-01", "2027-01-31 12:00"])
def test_a_date_of_another_form_is_told_the_right_one(date: str) -> None:
    ran = run("users", "expire", "ada@example.org", "--on", date, "--json")
    assert ran.exit_code == 2
    assert date in ran.json["error"]
    assert "2027-01-31, or a moment in UTC as 2027-01-31T12:00:00" in ran.json["error"]


def test_limit_sets_and_ends_limits_one_by_one(users: Users, stored: Callable[[], User]) -> None:
    users("add", "--email", "ada@example.org")
    assert "limits" not in users("list", "--json").json[0]
    ran = users("limit", "ada@example.org", "--jobs-a-day", "100", "--waiting-jobs", "7")
    assert ran.exit_code == 0
    assert " ".join(ran.out.split()).endswith("ada@example.org 100 not limited 7")
    assert stored().quotas == UserQuotas(jobs_a_day=100, waiting_jobs=7)
    told = users("limit", "1", "--jobs-at-once", "2", "--waiting-jobs", "0", "--json").json
    assert told["limits"] == {"jobsADay": 100, "jobsAtOnce": 2}
    users("limit", "1", "--jobs-at-once", "0", "--jobs-a-day", "0")
    assert stored().quotas is None
    shown = " ".join(users("limit", "1").out.split())
    assert shown.endswith("ada@example.org not limited not limited not limited")


def test_the_queue_of_a_user_is_set_and_shown(users: Users, stored: Callable[[], User]) -> None:
    users("add", "--email", "ada@example.org")
    usual = {"on": False, "weight": 1, "priority": 3}
    assert users("queue", "ada@example.org", "--json").json["queue"] == usual
    given = ("--on", "--weight", "4", "--priority", "5", "--json")
    set_ = {"on": True, "weight": 4, "priority": 5}
    assert users("queue", "1", *given).json["queue"] == set_
    user = stored()
    assert (user.queues, user.queue_weight, user.queue_priority) == (True, 4, 5)
    shown = users("queue", "1", "--off").out
    assert "by default" in shown and "no" in shown
    assert stored().queue_weight == 4

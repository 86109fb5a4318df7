"""waystation accounts."""

from __future__ import annotations

import getpass
import io
from typing import Any

import pytest
import typer

from tests.harness.command_line import answer_with, run
from waystation.cli.program import app
from waystation.errors import NotFound

ACCOUNT = {
    "channel": "2",
    "discord": "ABC…secured…xyz",
    "maxJobs": 3,
    "connection": {"state": "connected"},
}
GONE = NotFound("Configuration not found for provided channel")
GOING = NotFound(
    "Configuration not found for provided channel",
    details="The account of channel 2 is being removed: it goes when its 2 running jobs have "
    "ended, in 20 min at the latest. POST its token again to keep it.",
)
HALTED = ACCOUNT | {"channel": "3", "pendingModMessage": "Please [b]acknowledge[/b]\x1b"}


def test_the_discord_token_is_never_an_argument() -> None:
    command = typer.main.get_command(app)
    params = command.commands["accounts"].commands["add"].params  # type: ignore[attr-defined]
    assert {name for param in params for name in param.opts} == {
        "--server",
        "--channel",
        "--max-jobs",
        "--token-stdin",
        "--json",
    }


TOKEN = "MTAwMDAwMDAwMDAwMDAwMDAx.GabcdE.abcdefghijklmnopqrstuvwxyz0123456789AB"


@pytest.mark.parametrize("given", [(TOKEN,), ("add", TOKEN), (TOKEN, "--token-stdin")])
@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_a_token_as_an_argument_is_refused_without_repeating_it(
    monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...], flags: tuple[str, ...]
) -> None:
    client = answer_with(monkeypatch)
    ran = run("accounts", "add", *given, *flags, stdin="tok.en\n")
    assert ran.exit_code == 2 and client.calls == []
    said = ran.out + ran.err
    assert "history" in said and "--token-stdin" in said
    assert TOKEN not in said and "GabcdE" not in said


def test_add_reads_the_token_from_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    client = answer_with(monkeypatch, ACCOUNT)
    ran = run("accounts", "add", "--token-stdin", "--max-jobs", "3", "--json", stdin=" tok.en \n")
    assert ran.exit_code == 0 and ran.json == ACCOUNT
    assert client.calls == [("add_discord_account", ("tok.en",), {"max_jobs": 3})]


@pytest.mark.parametrize(
    ("known", "flags", "most"),
    [
        ({}, (), 3),
        ({"2": ACCOUNT | {"maxJobs": 7}}, (), 7),
        ({"2": ACCOUNT | {"maxJobs": 7}}, ("--max-jobs", "5"), 5),
    ],
)
def test_add_can_name_the_channel_of_a_server(
    monkeypatch: pytest.MonkeyPatch, known: dict[str, object], flags: tuple[str, ...], most: int
) -> None:
    client = answer_with(monkeypatch, known, None, ACCOUNT | {"server": "9"})
    where = ("--server", "9", "--channel", "2", *flags)
    ran = run("accounts", "add", *where, "--token-stdin", stdin="tok.en\n")
    assert ran.exit_code == 0 and "account saved" in ran.out and "server      9" in ran.out
    assert client.calls[1:] == [
        ("put_discord_account", ("2",), {"server": "9", "discord": "tok.en", "max_jobs": most}),
        ("discord_account", ("2",), {}),
    ]


@pytest.mark.parametrize(
    "where", [("--server", "9"), ("--channel", "2"), ("--server", "my server", "--channel", "2")]
)
def test_add_takes_server_and_channel_together_and_as_ids(
    monkeypatch: pytest.MonkeyPatch, where: tuple[str, ...]
) -> None:
    client = answer_with(monkeypatch)
    ran = run("accounts", "add", *where, "--token-stdin", stdin="tok.en\n")
    assert ran.exit_code == 2 and client.calls == []
    assert "--server" in ran.err


def test_add_shows_the_channel_and_never_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, ACCOUNT)
    ran = run("accounts", "add", "--token-stdin", stdin="tok.en\n")
    assert "✓ account saved" in ran.out and "channel     2" in ran.out
    assert "tok.en" not in ran.out + ran.err


def test_add_asks_a_person_without_showing_what_is_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    from waystation.cli import accounts

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr(getpass, "getpass", lambda prompt: " tok.en ")
    assert accounts._token(from_stdin=False) == "tok.en"


@pytest.mark.parametrize("arguments", [("--token-stdin",), ()])
def test_add_without_a_token_is_refused_before_asking(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    client = answer_with(monkeypatch)
    assert run("accounts", "add", *arguments, stdin="\n").exit_code == 2
    assert client.calls == []


def test_list_tells_connected_from_halted(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, {"2": ACCOUNT, "3": HALTED})
    lines = [line.rstrip() for line in run("accounts", "list").out.splitlines()]
    assert lines[1].startswith("✓  2") and lines[1].endswith("connected")
    assert lines[2].startswith("✗  3")
    assert lines[2].endswith("halted: Please [b]acknowledge[/b]\\x1b")


def test_list_in_json_is_keyed_by_channel_as_the_api_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer_with(monkeypatch, {"2": ACCOUNT})
    assert run("accounts", "list", "--json").json == {"2": ACCOUNT}


def test_an_empty_list_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, {})
    assert run("accounts", "list").out == "There is no account yet.\n"


def test_show_names_the_mend_of_a_halt(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, HALTED | {"server": "9"})
    ran = run("accounts", "show", "3")
    assert "waystation accounts reset 3" in ran.out and "server   9" in ran.out


def test_remove_asks_first_and_may_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    client = answer_with(monkeypatch, ACCOUNT, ACCOUNT, None, GONE)
    monkeypatch.setattr("waystation.cli.confirming.person_is_there", lambda: True)
    kept = run("accounts", "remove", "2", stdin="n\n")
    assert kept.exit_code == 1 and "ABC…secured…xyz of channel 2" in kept.err
    assert run("accounts", "remove", "2", stdin="y\n").exit_code == 0
    looked: tuple[str, tuple[str, ...], dict[str, object]] = ("discord_account", ("2",), {})
    removed = ("remove_discord_account", ("2",), {"force": False})
    assert client.calls == [looked, looked, removed, looked]


def test_remove_looks_before_it_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, NotFound("Configuration not found for provided channel"))
    monkeypatch.setattr("waystation.cli.confirming.person_is_there", lambda: True)
    ran = run("accounts", "remove", "123")
    assert ran.exit_code == 8 and "Remove" not in ran.err


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_remove_without_anybody_to_ask_wants_yes(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    client = answer_with(monkeypatch)
    ran = run("accounts", "remove", "2", *arguments)
    assert ran.exit_code == 2 and "use --yes" in ran.out + ran.err
    assert client.calls == []


def test_add_to_a_halted_account_names_the_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, HALTED)
    ran = run("accounts", "add", "--token-stdin", stdin="tok.en\n")
    assert "still halted" in ran.out and "waystation accounts reset 3" in ran.out


def test_remove_and_reset_say_so_in_json(monkeypatch: pytest.MonkeyPatch) -> None:
    client = answer_with(monkeypatch, None, GONE, None)
    assert run("accounts", "remove", "2", "--yes", "--json").json == {
        "channel": "2",
        "removed": True,
    }
    assert run("accounts", "reset", "2", "--json").json == {"channel": "2", "reset": True}
    assert [call[0] for call in client.calls] == [
        "remove_discord_account",
        "discord_account",
        "reset_discord_account",
    ]


def test_an_unknown_channel_has_an_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, NotFound("Configuration not found for provided channel"))
    assert run("accounts", "reset", "9").exit_code == 8


def test_remove_can_be_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    client = answer_with(monkeypatch, None, GONE)
    assert run("accounts", "remove", "2", "--yes", "--force").exit_code == 0
    assert client.calls[:1] == [("remove_discord_account", ("2",), {"force": True})]


def test_remove_says_how_many_jobs_the_account_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, None, GOING, None, GOING)
    ran = run("accounts", "remove", "2", "--yes")
    assert ran.exit_code == 0
    assert ran.out.startswith("! The account of channel 2 is being removed: it goes when its 2 ")
    assert "is removed" not in ran.out and "POST" not in ran.out
    for command in ("jobs list", "accounts remove 2 --yes --force", "accounts add"):
        assert f"\n  waystation {command}\n" in ran.err
    told = run("accounts", "remove", "2", "--yes", "--json").json
    assert told == {"channel": "2", "removed": False, "details": GOING.details}


def test_an_account_set_up_again_at_once_was_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, None, ACCOUNT)
    assert run("accounts", "remove", "2", "--yes").out == "The account is removed.\n"


@pytest.mark.parametrize(
    ("connection", "said"),
    [
        ({"state": "connected"}, "✓  2        ABC…secured…xyz  3        connected"),
        (
            {"state": "connecting", "reason": "no [b]answer"},
            "!  2        ABC…secured…xyz  3        not connected, tries again: no [b]answer",
        ),
        (
            {"state": "connecting"},
            "!  2        ABC…secured…xyz  3        not connected, tries again",
        ),
        (
            {"state": "waiting"},
            "!  2        ABC…secured…xyz  3        not connected: this process begins, or another "
            "one acts for the account",
        ),
        ({"state": "resting"}, "!  2        ABC…secured…xyz  3        resting"),
        (None, "✓  2        ABC…secured…xyz  3        works"),
    ],
)
def test_list_and_show_tell_how_the_account_stands_with_discord(
    monkeypatch: pytest.MonkeyPatch, connection: dict[str, str] | None, said: str
) -> None:
    account = {name: value for name, value in ACCOUNT.items() if name != "connection"}
    if connection is not None:
        account["connection"] = connection
    answer_with(monkeypatch, {"2": account}, account)
    assert run("accounts", "list").out.splitlines()[1] == said
    shown = run("accounts", "show", "2").out
    assert connection is None or said.split("  ")[-1].strip() in shown


def test_show_names_the_jobs_that_hold_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    since, heard = "2026-01-02T03:04:05.678Z", "2026-01-02T03:05:06.789Z"
    slots = [{"jobid": "job:1", "since": since, "heard": heard}, {"since": since, "heard": heard}]
    answer_with(monkeypatch, ACCOUNT | {"slots": slots})
    shown = " ".join(run("accounts", "show", "2").out.split())
    assert f"slot 1 job:1, since {since}, last heard {heard}" in shown
    assert f"slot 2 another user's job, since {since}, last heard {heard}" in shown


def test_list_and_show_tell_that_another_user_owns_it(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = HALTED | {"shared": True}
    answer_with(monkeypatch, {"3": shared}, shared)
    assert "xyz (shared)" in run("accounts", "list").out
    shown = run("accounts", "show", "3").out
    assert "its owner" in shown and "mend" not in shown


def test_a_rejected_token_is_mended_by_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    halt = "Discord rejected the account's token (close code 4004)"
    answer_with(monkeypatch, ACCOUNT | {"pendingModMessage": halt})
    shown = run("accounts", "show", "2").out
    assert "waystation accounts add" in shown and "accounts reset" not in shown


SIDELINED: dict[str, Any] = ACCOUNT | {
    "sidelined": {
        "cause": "Discord refuses what this account sends: HTTP status 403 with code 50013",
        "details": '{"message": "Missing [b]Permissions"}',
        "since": "2026-01-02T03:04:05.678Z",
        "until": "2026-01-02T03:14:05.678Z",
    }
}


def test_list_tells_sidelined_with_its_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, {"2": SIDELINED})
    line = run("accounts", "list").out.splitlines()[1].rstrip()
    assert line.startswith("!  2")
    assert line.endswith("sidelined: " + SIDELINED["sidelined"]["cause"])


def test_show_says_what_discord_answered_and_when_the_account_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer_with(monkeypatch, SIDELINED)
    out = run("accounts", "show", "2").out
    assert "Missing [b]Permissions" in out and "2026-01-02T03:14:05.678Z" in out
    assert "waystation accounts reset 2" in out


@pytest.mark.parametrize("channel", ["", " ", "general", "1/2", "²"])
@pytest.mark.parametrize("command", ["show", "remove", "reset"])
def test_a_text_that_is_no_channel_id_is_refused_before_asking(
    monkeypatch: pytest.MonkeyPatch, command: str, channel: str
) -> None:
    client = answer_with(monkeypatch)
    ran = run("accounts", command, channel)
    assert ran.exit_code == 2 and client.calls == []
    assert "waystation accounts list" in ran.err


@pytest.mark.parametrize(
    ("options", "a_day", "at_once", "said"),
    [
        ("--jobs-a-day 50", 50, None, "at most 50 jobs a day"),
        ("--jobs-a-day 0", 0, None, "any number a day"),
        ("--max-jobs 3", None, 3, "at most 3 at once"),
        ("--max-jobs 3 --jobs-a-day 9", 9, 3, "at most 9 jobs a day, at most 3 at once"),
    ],
)
def test_limit_sets_the_jobs_of_a_day_and_at_once(
    monkeypatch: pytest.MonkeyPatch,
    options: str,
    a_day: int | None,
    at_once: int | None,
    said: str,
) -> None:
    client = answer_with(monkeypatch, None)
    ran = run("accounts", "limit", "2", *options.split())
    assert said in ran.out
    named = {"jobs_a_day": a_day, "max_jobs": at_once}
    assert client.calls == [("limit_discord_account", ("2",), named)]


def test_limit_needs_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    client = answer_with(monkeypatch, None)
    assert "Name a limit" in run("accounts", "limit", "2").err
    assert client.calls == []


def test_show_names_the_jobs_of_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, ACCOUNT | {"jobsADay": 50})
    assert "jobs a day  50" in run("accounts", "show", "2").out

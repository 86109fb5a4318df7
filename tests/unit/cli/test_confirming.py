"""Asking a person before something ends."""

from __future__ import annotations

import pytest
import typer

from waystation.cli import confirming
from waystation.cli.confirming import confirm, must_ask, person_is_there
from waystation.cli.screen import Screen
from waystation.errors import InvalidRequest


def test_a_no_ends_the_command_and_says_what_stays(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(typer, "confirm", lambda text, err: bool(asked.append(text)))
    with pytest.raises(typer.Exit) as ended:
        confirm(Screen(as_json=False), "Remove \x1b?", "it is kept")
    assert (ended.value.exit_code, asked) == (1, ["Remove \\x1b?"])
    assert capsys.readouterr().err == "it is kept\n"


@pytest.mark.parametrize(("as_json", "there"), [(True, True), (False, False)])
def test_nobody_to_ask_is_told_what_to_give_instead(
    monkeypatch: pytest.MonkeyPatch, as_json: bool, there: bool
) -> None:
    monkeypatch.setattr(confirming, "person_is_there", lambda: there)
    with pytest.raises(InvalidRequest, match="This is not a terminal; use --yes"):
        must_ask(Screen(as_json=as_json), "use --yes")


def test_without_a_terminal_nobody_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    assert not person_is_there()

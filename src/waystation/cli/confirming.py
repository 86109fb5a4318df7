"""Confirming: a person is asked before something ends; nobody there is told which flag says yes."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from waystation.cli.exits import Exit
from waystation.cli.screen import Screen, escaped
from waystation.errors import InvalidRequest

__all__ = ["Yes", "confirm", "must_ask", "person_is_there"]

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def person_is_there() -> bool:
    """Tell whether somebody can answer a question."""
    return sys.stdin.isatty()


def confirm(screen: Screen, question: str, kept: str) -> None:
    """Ask on stderr; the command ends unless the answer is yes.

    Args:
        question: may hold foreign text
        kept: what is told to a person who says no
    Raises: typer.Exit: the answer is no
    """
    if not typer.confirm(escaped(question), err=True):
        screen.note(kept)
        raise typer.Exit(Exit.FAILED)


def must_ask(screen: Screen, otherwise: str) -> None:
    """Let nobody be asked who is not there. Args: otherwise: what to give instead of an answer

    Raises: InvalidRequest
    """
    if screen.as_json or not person_is_there():
        raise InvalidRequest(f"This is not a terminal; {otherwise}")

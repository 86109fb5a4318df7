"""HINTS: the right form of a command that was written wrongly, beside typer's own words.

Rules: a text that a shell has cut into words is the commonest mistake, so the hint has quotes.
"""

from __future__ import annotations

from collections.abc import Sequence

from waystation.secret import veiled

__all__ = ["HINTS", "NOT_AN_ARGUMENT", "with_hint"]

_TOO_MANY = "unexpected extra argument"
_NO_OPTION = "No such option"
_PARAMETER = (
    "Midjourney's own parameters stand in the quotes of the prompt:"
    ' waystation {command} "a red fox --ar 3:2"'
)
_QUOTES = 'A text of several words stands in quotes: waystation {command} "a red fox in the snow"'

_SUFFIX = 'The text is an option, in quotes: waystation {command} --suffix "--v 7"'

HINTS: Sequence[tuple[str, str, str]] = (
    ("imagine", _TOO_MANY, _QUOTES),
    ("imagine", _NO_OPTION, _PARAMETER),
    ("shorten", _TOO_MANY, _QUOTES),
    ("shorten", _NO_OPTION, _PARAMETER),
    (
        "button",
        _TOO_MANY,
        "A label or text of several words stands in quotes:"
        ' waystation button JOBID "Vary (Subtle)"',
    ),
    ("prefer_suffix", _TOO_MANY, _SUFFIX),
    ("prefer_suffix", _NO_OPTION, _SUFFIX),
    (
        "settings",
        _TOO_MANY,
        'The option to press is an option, in quotes: waystation settings --option "Remix mode"',
    ),
    (
        "describe",
        _TOO_MANY,
        "It takes one picture; several become one with: waystation blend PICTURE PICTURE",
    ),
    (
        "users expire",
        _TOO_MANY,
        "The date is an option: waystation users expire EMAIL --on 2027-01-31",
    ),
    (
        "users add",
        "Missing option",
        "The address is an option: waystation users add --email you@example.org",
    ),
)
"""Command, a part of typer's sentence, and the hint."""

_PLAIN = (
    ("a valid integer, unable to parse string as an integer", "a whole number, such as 3"),
    ("a valid number, unable to parse string as a number", "a number, such as 30"),
    ("Input should be ", "it must be "),
)
"""Words of a programmer, and those for everybody."""

NOT_AN_ARGUMENT = (
    "The Discord token is no argument; nothing was sent. What is typed there stays in the shell's "
    "history, where other programs read it: delete that line. Then run `waystation accounts add` "
    "and paste the token when asked, or pipe it in with --token-stdin"
)
"""Sentence in place of typer's, which would repeat the token."""


def with_hint(command: str, sentence: str) -> str:
    """Return typer's sentence about a wrong usage, with the right form where one is known.

    Args: command: as typed, without the program's name: `users expire`
    """
    if command == "accounts add" and _TOO_MANY in sentence:
        return NOT_AN_ARGUMENT
    sentence = veiled(sentence)
    for theirs, ours in _PLAIN:
        sentence = sentence.replace(theirs, ours)
    for name, part, hint in HINTS:
        if name == command and part in sentence:
            return f"{sentence.rstrip('.')}. {hint.format(command=command)}"
    return sentence

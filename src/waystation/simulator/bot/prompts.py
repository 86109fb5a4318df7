"""Prompts: what their parameters ask for, and how the bot repeats them.

A parameter is `--name` with or without a value; an em dash counts as two hyphens. What the bot does
not act upon is left alone: parameters are not checked beyond those that change a picture here.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import gcd

__all__ = [
    "BadPrompt",
    "Parameters",
    "collapsed",
    "edit_links",
    "file_words",
    "is_part",
    "mode_asked",
    "read_parameters",
    "resembles",
    "rewritten",
    "short_link",
    "shortened",
    "with_short_links",
]

_PARAMETER = re.compile(r"(?:^|(?<=\s))(?:--|—)([A-Za-z]+)(?:[ =]+((?!--|—)\S+))?")
_EDIT = re.compile(r"(?:^|(?<=\s))(?:--|—)edit((?:[ =]+<?https?://[^\s<>]+>?)*)(?=\s|$)", re.I)
"""`--edit` and the links behind it. Source: Midjourney's note on the Edit model, 2026-08-27."""
_RATIO = re.compile(r"(\d{1,4}):(\d{1,4})")
_URL = re.compile(r"<?(https?://[^\s<>]+)>?")
_SPACES = re.compile(r"\s+")
_NOT_WORD = re.compile(r"\W+", re.ASCII)
_FILE_WORDS_CHARS = 60
_MAX_RATIO = 14
"""Neither side may be longer than the other by more: our choice."""
_BEGINNING = 100
"""Characters from which on a beginning tells a prompt."""
_MODES = {"fast": "Fast", "relax": "Relaxed", "turbo": "Turbo"}


class BadPrompt(ValueError):
    """A prompt that the bot refuses, with the name of the title that says so."""

    def __init__(self, title: str, details: str) -> None:
        super().__init__(details)
        self.title = title
        self.details = details


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a prompt."""

    words: str
    """The prompt without its parameters."""
    ratio: tuple[int, int] = (1, 1)
    """Width to height, reduced."""
    version: str | None = None
    seed: int | None = None
    zoom: float | None = None
    motion: str = "low"
    is_video: bool = False
    mode: str | None = None
    """`Fast`, `Relaxed` or `Turbo`; None takes the account's."""
    names: frozenset[str] = frozenset()
    """Of all parameters, whatever they are."""
    edits: tuple[str, ...] = ()
    """Links of the pictures to edit."""


def read_parameters(prompt: str) -> Parameters:
    """Read a prompt.

    Raises: BadPrompt: no words at all, or a value that means nothing
    """
    edits = edit_links(prompt)
    bare = _EDIT.sub(" --edit ", prompt)
    given = {name.lower(): value for name, value in _PARAMETER.findall(bare)}
    words = collapsed(_PARAMETER.sub(_kept_after_edit, bare))
    if not words:
        raise BadPrompt("empty_prompt", "Your prompt is empty.")
    ratio = given.get("ar", given.get("aspect"))
    zoom = given.get("zoom")
    return Parameters(
        words=words,
        ratio=(1, 1) if ratio is None else _read_ratio(ratio),
        version=_read_version(given),
        seed=_read_seed(given["seed"]) if "seed" in given else None,
        zoom=None if zoom is None else _read_zoom(zoom),
        motion=given.get("motion", "low"),
        is_video="video" in given,
        mode=mode_asked(prompt),
        names=frozenset(given),
        edits=edits,
    )


def edit_links(prompt: str) -> tuple[str, ...]:
    """Return the links behind `--edit`, in their order."""
    listed = " ".join(found[1] for found in _EDIT.finditer(prompt))
    return tuple(found[1] for found in _URL.finditer(listed))


def _kept_after_edit(found: re.Match[str]) -> str:
    """Return what a parameter leaves behind: words behind `--edit` are not its value."""
    return f" {found[2] or ''}" if found[1].lower() == "edit" else ""


def _read_version(given: Mapping[str, str]) -> str | None:
    """Return a row of `buttons.MODELS`, or what looks like one; `--niji` names its own."""
    niji = given.get("niji")
    return f"niji {niji}" if niji is not None else given.get("v", given.get("version"))


def mode_asked(prompt: str) -> str | None:
    """Return the mode that a prompt asks for: `Fast`, `Relaxed`, `Turbo`."""
    given = {name.lower() for name, _ in _PARAMETER.findall(prompt)}
    return next((mode for flag, mode in _MODES.items() if flag in given), None)


def _read_ratio(text: str) -> tuple[int, int]:
    found = _RATIO.fullmatch(text)
    width, height = (int(found[1]), int(found[2])) if found else (0, 0)
    if not width or not height or max(width, height) > _MAX_RATIO * min(width, height):
        raise _invalid("ar", text)
    common = gcd(width, height)
    return width // common, height // common


def _read_seed(text: str) -> int:
    if not text.isdigit() or int(text) >= 1 << 32:
        raise _invalid("seed", text)
    return int(text)


def _read_zoom(text: str) -> float:
    try:
        zoom = float(text)
    except ValueError:
        raise _invalid("zoom", text) from None
    if not 1 <= zoom <= 2:
        raise _invalid("zoom", text)
    return zoom


def _invalid(name: str, value: str) -> BadPrompt:
    return BadPrompt("invalid_parameter", f"Invalid value provided for argument --{name}: {value}")


def collapsed(prompt: str) -> str:
    """Return a prompt with runs of spaces made one, and em dashes made hyphens again."""
    return _SPACES.sub(" ", prompt.replace("—", "--")).strip()


def rewritten(prompt: str) -> str:
    """Return a prompt as the bot may repeat it: single spaces, parameters last and in order.

    Source: wire notes 4.1, "Prompt rewriting".
    """
    tidy = collapsed(prompt)
    given = sorted(_PARAMETER.finditer(tidy), key=lambda found: found[1].lower())
    flags = (f"--{found[1]} {found[2]}".strip() for found in given)
    return " ".join((collapsed(_PARAMETER.sub("", tidy)), *flags))


def shortened(prompt: str) -> str:
    """Return a prompt without every other of its words, as the shortener of V8 may leave it.

    Source: wire notes 12.1, "automatic shortener"; which words it drops was not captured
    """
    found = _PARAMETER.search(collapsed(prompt))
    words, parameters = collapsed(prompt), ""
    if found is not None:
        words, parameters = words[: found.start()], words[found.start() :]
    kept = [word for number, word in enumerate(words.split()) if number % 2 == 0]
    return f"{' '.join(kept)} {parameters}".strip()


def resembles(said: str, asked: str) -> bool:
    """Tell whether a repeated prompt is the asked one, or its beginning of at least 100 characters.

    Blanks, case, links, parameters and dots where it was cut do not count. What resembles no ask is
    evidence of nothing.
    """
    one, other = _plain(said).rstrip(" .\u2026"), _plain(asked).rstrip(" .")
    return one == other or (len(one) >= _BEGINNING and other.startswith(one))


def is_part(said: str, asked: str) -> bool:
    """Tell whether a repeated prompt has some of the asked words in their order, and no others."""
    one, other = _WORD.findall(_plain(said)), _WORD.findall(_plain(asked))
    places = iter(other)
    return 0 < len(one) < len(other) and all(word in places for word in one)


_WORD = re.compile(r"[^\s.,;:!?\u2026\u2014\"'`*()\[\]{}]+")


def _plain(prompt: str) -> str:
    found = _PARAMETER.search(prompt)
    words = prompt if found is None else prompt[: found.start()]
    return collapsed(_URL.sub("", words)).casefold()


def short_link(url: str) -> str:
    """Return the short link that the bot shows for a picture; the same for the same URL."""
    code = hashlib.sha256(url.encode()).hexdigest()[:11]
    return f"<https://s.mj.run/{code}>"


def with_short_links(prompt: str) -> str:
    """Return a prompt with every URL in it made short. Source: wire notes 4.1."""
    return _URL.sub(lambda found: short_link(found[1]), prompt)


def file_words(prompt: str) -> str:
    """Return the words of a prompt as the name of a result's file holds them."""
    return _NOT_WORD.sub("_", prompt).strip("_")[:_FILE_WORDS_CHARS].strip("_")

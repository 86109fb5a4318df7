"""BUTTONS: what a press of a button does and needs, one row per label; and reading them.

What can be pressed, and under which custom_id, is always read from the message: the bot changes
both with every model (wire notes 3.3). A label without a row can be pressed too.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from msgspec import UNSET

from waystation.jobs import PRESSED_ONCE, Button
from waystation.wire.message import Component, ComponentType, Message

__all__ = [
    "BUTTONS",
    "CANCEL_JOB",
    "SETTING_ON",
    "ButtonRow",
    "Needs",
    "all_components",
    "button_row",
    "buttons_of",
    "custom_id_hash",
    "is_known_deed",
    "is_same_deed",
    "message_hash",
    "names_job",
]

SETTING_ON = 3
"""Style of a setting that is on; 2 is off. Source: wire notes 3.4, 5.4."""

CANCEL_JOB = "MJ::CancelJob"
"""How the custom_id of a progress message's button begins. Source: wire notes 3.4."""

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_IN_CUSTOM_ID = re.compile(rf"::({_UUID})(?:::|\Z)", re.IGNORECASE)
_IN_LINK = re.compile(rf"/jobs/({_UUID})/?\Z", re.IGNORECASE)
_IN_FILE_NAME = re.compile(
    rf"(?:\A|_)({_UUID})(?:_grid_\d+|_\d+_step_\d+|_\d+(?:_\d+_N)?)?\.\w+\Z", re.IGNORECASE
)
"""The last part of a name; before it stand words of the prompt. Source: wire notes 4.2."""


class Needs(StrEnum):
    """True when a press takes a `prompt`."""

    NO = "no"
    MAY = "may"
    """Only when a modal opens, in remix mode."""
    MUST = "must"


@dataclass(frozen=True, slots=True)
class ButtonRow:
    """One label, as API v2 writes it.

    `shows` are the deeds that captions of its results name.
    """

    label: str
    shows: frozenset[str]
    prompt: Needs = Needs.NO
    mask: bool = False
    asks_always: bool = False
    """True when a form opens at each press, not in remix mode only."""
    results: int = 1
    """How many messages with pictures it brings."""

    @property
    def once(self) -> bool:
        """True when it works once per job."""
        return self.label in PRESSED_ONCE


def _row(label: str, *shows: str, prompt: Needs = Needs.NO, asks: bool = False) -> ButtonRow:
    return ButtonRow(label, frozenset(shows), prompt, asks_always=asks)


_STRENGTHS = ("2x", "4x", "subtle", "creative")
_VARIATIONS = ("variations", "variations (strong)", "variations (subtle)")
"""Deeds that depend on the account's variability mode, not on the button."""
_SIDES = {"⬅️": "left", "➡️": "right", "⬆️": "up", "⬇️": "down"}
_DIGITS = ("1️⃣", "2️⃣", "3️⃣", "4️⃣", "5️⃣")

_ROWS: Sequence[ButtonRow] = (
    *(_row(f"U{n}", f"image #{n}") for n in range(1, 5)),
    *(_row(f"V{n}", *_VARIATIONS, prompt=Needs.MAY) for n in range(1, 5)),
    _row("🔄", "", "variations", prompt=Needs.MAY),
    *(_row(f"Upscale ({s.capitalize()})", f"upscaled ({s})") for s in _STRENGTHS),
    *(_row(f"Redo Upscale ({s.capitalize()})", f"upscaled ({s})") for s in _STRENGTHS),
    _row("Vary (Subtle)", "variations (subtle)", prompt=Needs.MAY),
    _row("Vary (Strong)", "variations (strong)", prompt=Needs.MAY),
    ButtonRow("Vary (Region)", frozenset({"variations (region)"}), Needs.MAY, mask=True),
    _row("Zoom Out 2x", "zoom out"),
    _row("Zoom Out 1.5x", "zoom out"),
    _row("Custom Zoom", "zoom out", prompt=Needs.MUST, asks=True),
    _row("Make Square", "zoom out"),
    *(_row(label, f"pan {side}", prompt=Needs.MAY) for label, side in _SIDES.items()),
    _row("Make Variations", "variations"),
    _row("Remaster", "remaster", "remastered"),
    _row("Animate (High motion)", "", "animate (high motion)", prompt=Needs.MAY),
    _row("Animate (Low motion)", "", "animate (low motion)", prompt=Needs.MAY),
    _row("Extend (High motion)", "", "animate (high motion)", prompt=Needs.MAY),
    _row("Extend (Low motion)", "", "animate (low motion)", prompt=Needs.MAY),
    *(_row(digit, "", prompt=Needs.MAY, asks=True) for digit in _DIGITS),
    ButtonRow("Imagine all 🎉", frozenset({""}), results=4),
    _row("Show Details", ""),
    _row("❤️"),
)
"""Labels: v2 notes 12 and 15; deeds: wire notes 4.1."""

BUTTONS: Mapping[str, ButtonRow] = {row.label: row for row in _ROWS}


_KNOWN_DEEDS = frozenset(shown.partition(" (")[0] for row in _ROWS for shown in row.shows if shown)


def is_known_deed(deed: str) -> bool:
    """Tell whether a row's caption names this deed, whatever its strength."""
    return deed.partition(" (")[0] in _KNOWN_DEEDS


def is_same_deed(one: str, other: str) -> bool:
    """Tell whether two captions name one deed; a strength that is left out is any."""
    (name, _, strength), (other_name, _, other_strength) = (
        one.partition(" ("),
        other.partition(" ("),
    )
    return name == other_name and (strength == other_strength or not (strength and other_strength))


def button_row(label: str | None) -> ButtonRow:
    """Return a label's row; for one that has none, one that promises nothing."""
    return BUTTONS.get(label or "") or ButtonRow(label or "", frozenset(), Needs.MAY)


def all_components(components: Sequence[Component]) -> Sequence[Component]:
    """Return components with those inside them, each before its own."""
    found: list[Component] = []
    for component in components:
        found.append(component)
        if component.components:
            found += all_components(component.components)
        if component.accessory is not None:
            found += all_components((component.accessory,))
    return found


def buttons_of(message: Message) -> tuple[Button, ...] | None:
    """Return what can be pressed, under its v2 label; None when the message does not say."""
    if message.components is UNSET:
        return None
    return tuple(
        button
        for component in all_components(message.components)
        if component.custom_id and not component.disabled
        for button in _pressable(component, component.custom_id)
    )


def _pressable(component: Component, custom_id: str) -> Iterator[Button]:
    """Yield a button, or the entries of a menu."""
    if component.type == ComponentType.SELECT:
        for option in component.options:
            name = option.label or option.value
            yield Button(name, custom_id, option.value, is_on=option.default)
    label = component.label or (component.emoji.name if component.emoji else None)
    if component.type == ComponentType.BUTTON and label:
        yield Button(label, custom_id, is_on=component.style == SETTING_ON)


def custom_id_hash(custom_id: str) -> str | None:
    """Return the job uuid that a custom_id names."""
    found = _IN_CUSTOM_ID.search(custom_id)
    return None if found is None else found[1].lower()


def names_job(filename: str) -> bool:
    """Tell whether a file is named after a job of Midjourney."""
    return _IN_FILE_NAME.search(filename) is not None


def message_hash(message: Message) -> str | None:
    """Return the job uuid that a message names: by custom_id, web link, or file name (R20)."""
    components = all_components(message.components or ())
    for component in components:
        if component.custom_id and (found := custom_id_hash(component.custom_id)):
            return found
    for component in components:
        if component.url and (match := _IN_LINK.search(_path(component.url))):
            return match[1].lower()
    for attachment in message.attachments or ():
        if match := _IN_FILE_NAME.search(attachment.filename):
            return match[1].lower()
    return None


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""

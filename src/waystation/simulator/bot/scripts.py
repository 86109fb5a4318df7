"""SCRIPTS and PRESSES: what the bot does in time for each command, and for each kind of button.

A script is a timeline of steps (`timeline`), its words are in `captions`, `wording`, `preferences`
and `titles`, and what it makes is a function of `studio`. Adding a command is adding a row here and
one in `commands`; adding a button, one here and one in `buttons`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from waystation.simulator.bot import captions, opened, preferences, studio, wording
from waystation.simulator.bot.buttons import Opens
from waystation.simulator.bot.gallery import finished, singles
from waystation.simulator.bot.job import Ask, Ending, Job, Press, Write
from waystation.simulator.bot.studio import Make
from waystation.simulator.bot.timeline import (
    Kind,
    Step,
    Timeline,
    acknowledge,
    drawn,
    finish,
    opening,
)
from waystation.simulator.payload import Payload
from waystation.wire.message import MessageFlag

__all__ = ["FORM", "IFRAME", "PRESSES", "SCRIPTS", "SEED", "UNKNOWN", "Script", "script_of"]

_THINKING = MessageFlag.LOADING
_PRIVATE = MessageFlag.EPHEMERAL | MessageFlag.LOADING


@dataclass(frozen=True, slots=True)
class Script:
    """How the bot serves one command, or one kind of button."""

    verb: str
    timeline: Timeline
    takes_slot: bool = True
    """It counts as a running job of the account and may have to queue."""
    ephemeral: bool = False
    sees_picture: bool = False
    make: Make | None = None
    """The work that comes of the command, if there is one."""
    reads_pictures: bool = False
    """Making it decodes pictures, which is done in a thread."""


def _private(verb: str, write: Write) -> Script:
    """Return a script that answers the asking user alone, without a slot."""
    timeline = (*opening(), acknowledge(_PRIVATE), finish(write, after_s=0.3))
    return Script(verb, timeline, takes_slot=False, ephemeral=True)


def _edits(verb: str, write: Write, after_s: float, *, takes_slot: bool = False) -> Script:
    """Return a script that edits the pressed message and does nothing else."""
    edit = Step(Kind.REVISE, after_s=after_s, write=write, ends=Ending.COMPLETED)
    return Script(verb, (*opening(), edit), takes_slot=takes_slot)


_DRAWN = drawn(captions.waiting, captions.running, captions.result)
_ECHO = Step(Kind.REVISE, after_s=0.1, write=captions.recoloured)
"""The pressed message comes again, recoloured, and looks like a result. Source: wire notes 4.4."""
_PRESSED = (*opening(), _ECHO, *_DRAWN[2:])
_AT_ONCE = Step(Kind.CREATE, first=True, nonce=True, ends=Ending.COMPLETED)
_PICKED: Timeline = (
    *opening(),
    _ECHO,
    replace(_AT_ONCE, after_s=1.5, write=captions.result, paint=finished),
)
"""U1-U4: one message and no progress. Source: wire notes 4.4."""
_SHOWN = (
    *opening(),
    Step(Kind.CREATE, after_s=0.25, write=captions.displaying, first=True, nonce=True),
    replace(finish(captions.shown, after_s=1.0), paint=finished),
)
_SEEDED = (
    Step(
        Kind.DIRECT,
        after_s=1.0,
        write=captions.seeded,
        paint=singles,
        first=True,
        ends=Ending.COMPLETED,
    ),
)

SCRIPTS: Mapping[str, Script] = {
    script.verb: script
    for script in (
        Script("imagine", _DRAWN, make=studio.imagine),
        Script("blend", _DRAWN, make=studio.blend, reads_pictures=True),
        Script(
            "describe",
            (*opening(), acknowledge(_THINKING), finish(wording.described, after_s=6.0)),
            sees_picture=True,
        ),
        Script(
            "shorten",
            (*opening(), acknowledge(_THINKING), finish(wording.shortened, after_s=2.0)),
            takes_slot=False,
        ),
        Script("show", _SHOWN, takes_slot=False, make=studio.show),
        _private("info", wording.info),
        _private("settings", preferences.settings),
        _private("fast", preferences.mode("Fast")),
        _private("relax", preferences.mode("Relaxed")),
        _private("turbo", preferences.mode("Turbo")),
        _private("stealth", preferences.visibility("Stealth")),
        _private("public", preferences.visibility("Public")),
        _private("prefer remix", preferences.toggle_remix),
        _private("prefer variability", preferences.toggle_variability),
        _private("prefer auto_dm", preferences.toggle_auto_dm),
        _private("prefer suffix", preferences.set_suffix),
        _private("prefer option set", preferences.set_option),
        _private("prefer option list", preferences.list_options),
        Script(
            "Cancel Job",
            (
                *opening(),
                Step(Kind.STOP, after_s=0.2),
                Step(Kind.REVISE, write=captions.stopped, ends=Ending.COMPLETED),
            ),
            takes_slot=False,
        ),
    )
}
"""One row per command. Source: wire notes 4.3 (about 35 s), 5.1 (about 6 s) and 5.2; order of
wire notes 11.16 and 11.19."""

PRESSES: Mapping[str, Script] = {
    script.verb: script
    for script in (
        Script("tile", _PICKED, takes_slot=False, make=studio.tile),
        Script("clip", _PICKED, takes_slot=False, make=studio.clip),
        Script("reroll", _PRESSED, make=studio.reroll),
        Script("variation", _PRESSED, make=studio.variation),
        Script("vary", _PRESSED, make=studio.vary),
        Script("remaster", _PRESSED, make=studio.remaster),
        Script("upscale", _PRESSED, make=studio.upscale),
        Script("zoom", _PRESSED, make=studio.zoom),
        Script("square", _PRESSED, make=studio.square),
        Script("pan", _PRESSED, make=studio.pan),
        Script("region", _DRAWN[2:], make=studio.region, reads_pictures=True),
        Script("animate", _PRESSED, make=studio.animate),
        Script("extend", _PRESSED, make=studio.extend),
        Script(
            "rate",
            (*opening(), replace(_AT_ONCE, after_s=0.3, write=wording.rated)),
            takes_slot=False,
        ),
        replace(SCRIPTS["Cancel Job"], verb="cancel"),
        Script("describe_pick", _PRESSED, make=studio.described),
        _edits("describe_again", wording.described_again, 6.0, takes_slot=True),
        Script(
            "describe_all",
            (*_PRESSED[:3], Step(Kind.BRANCH), *_PRESSED[3:]),
            make=studio.described,
        ),
        Script("describe_each", _DRAWN[2:], make=studio.described),
        Script("shorten_pick", _PRESSED, make=studio.described),
        _edits("shorten_details", wording.shortened_details, 0.5),
        replace(_edits("settings", preferences.settings_pressed, 0.3), ephemeral=True),
    )
}
"""One row per kind of button (`Button.deed`). Source: wire notes 4.4."""

SEED = Script("seed", _SEEDED, takes_slot=False, make=studio.recall)
"""The script for an envelope under one of the bot's messages. Source: wire notes 4.10."""


def _opens(verb: str, event: str, write: Callable[[Job], Payload]) -> Script:
    """Return what a press does that opens something.

    The event comes before the success, because one client answers as soon as it hears of that.
    """
    create, success = opening()
    told = Step(Kind.EVENT, after_s=0.2, event=(event, write), first=True, ends=Ending.OPENED)
    return Script(verb, (create, told, success), takes_slot=False)


FORM = _opens("form", "INTERACTION_MODAL_CREATE", opened.form_opened)
"""A press that opens a form."""
IFRAME = _opens("iframe", "INTERACTION_IFRAME_MODAL_CREATE", opened.iframe_opened)
"""A press that opens the iframe of Vary (Region). Source: wire notes 3.6."""

UNKNOWN = Script("", (opening()[0], Step(Kind.INTERACTION_FAILURE, after_s=3.0)), takes_slot=False)
"""Discord's words when an application does not answer within 3 s. Source: wire notes 2.7."""


def script_of(ask: Ask, *, keeps_closed: bool = False, remixes: bool = True) -> Script:
    """Return the script that serves an ask.

    Args:
        keeps_closed: start at once where a form would open
        remixes: whether remix mode concerns what was pressed
    """
    press = ask.press
    if press is None or ask.verb in SCRIPTS:
        return SCRIPTS.get(ask.verb, UNKNOWN)
    if ask.verb == "seed":
        return SEED
    if ask.verb == "button" and press.button.deed == "region":
        return IFRAME
    if ask.verb == "button" and not keeps_closed and _needs_form(ask, press, remixes):
        return FORM
    return PRESSES.get(press.button.deed, UNKNOWN)


def _needs_form(ask: Ask, press: Press, remixes: bool) -> bool:
    """Tell whether a press opens a form. Source: wire notes 3.5, remix mode."""
    match press.button.opens:
        case Opens.NEVER:
            return False
        case Opens.ALWAYS:
            return True
        case Opens.IN_REMIX:
            return remixes and ask.account is not None and ask.account.standing.remix

"""Preferences: the commands and buttons that change how an account stands with the bot.

Source: wire notes 3.4 and 5.4 (/settings), 4.7 and 4.8 (modes, /prefer); the literal texts of fast,
turbo, remix and variability: v2 notes 6.7. What no source tells is ours: texts of /stealth,
/public, suffix, auto_dm and options, most labels of /settings and the ids of its lower buttons.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from waystation.simulator.bot.buttons import MODELS, Button, row
from waystation.simulator.bot.job import Job, Scene, Write
from waystation.simulator.discord.messages import Draft
from waystation.simulator.discord.world import Standing
from waystation.simulator.payload import Payload
from waystation.wire.message import ComponentType, MessageFlag

__all__ = [
    "SETTINGS",
    "VERSION_MENU",
    "Setting",
    "list_options",
    "mode",
    "set_option",
    "set_suffix",
    "setting_button",
    "settings",
    "settings_pressed",
    "toggle_auto_dm",
    "toggle_remix",
    "toggle_variability",
    "visibility",
]

VERSION_MENU = "MJ::Settings::VersionSelector"
_ON, _OFF = 3, 2
"""Styles of the buttons of /settings. Source: wire notes 3.4."""
_HOURS = (
    "Done! Note that once you exhaust your fast hours, you can purchase more on the website: "
    "<https://midjourney.com/account>. To conserve your fast hours, use `/relax` to switch back "
    "to relax mode."
)
_MODE_TEXTS = {
    "Fast": _HOURS,
    "Turbo": _HOURS,
    "Relaxed": "Done! Your jobs now do not consume fast-hours, but might take a little longer. "
    "You can always switch back with /fast",
}
_VISIBILITY_TEXTS = {
    "Stealth": "Done! Your images will not be shown on the website.",
    "Public": "Done! Your images will be shown on the website.",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """One button of /settings."""

    label: str
    custom_id: str
    is_on: Callable[[Standing], bool]
    press: Callable[[Standing], None]


def _choice(label: str, custom_id: str, field: str, value: object) -> Setting:
    """Return a button that sets a field to one value."""
    return Setting(
        label,
        custom_id,
        lambda standing: bool(getattr(standing, field) == value),
        lambda standing: setattr(standing, field, value),
    )


def _switch(label: str, custom_id: str, field: str) -> Setting:
    """Return a button that turns a field on and off."""
    return Setting(
        label,
        custom_id,
        lambda standing: bool(getattr(standing, field)),
        lambda standing: setattr(standing, field, not getattr(standing, field)),
    )


def _reset(standing: Standing) -> None:
    fresh = Standing()
    for name in ("version", "remix", "high_variation", "raw", "stylize", "personalization"):
        setattr(standing, name, getattr(fresh, name))
    standing.suffix = fresh.suffix


SETTINGS: tuple[tuple[Setting, ...], ...] = (
    (
        _switch("RAW Mode", "MJ::Settings::Style::raw", "raw"),
        _choice("Stylize low", "MJ::Settings::Stylization::50", "stylize", 50),
        _choice("Stylize med", "MJ::Settings::Stylization::100", "stylize", 100),
        _choice("Stylize high", "MJ::Settings::Stylization::250", "stylize", 250),
        _choice("Stylize very high", "MJ::Settings::Stylization::750", "stylize", 750),
    ),
    (
        _switch("Personalization", "MJ::Settings::Personalization", "personalization"),
        _choice("Public mode", "MJ::Settings::PrivateMode::off", "visibility", "Public"),
        _choice("Stealth", "MJ::Settings::PrivateMode::on", "visibility", "Stealth"),
        _switch("Remix mode", "MJ::Settings::RemixMode", "remix"),
    ),
    (
        _choice(
            "High Variation Mode", "MJ::Settings::HighVariabilityMode::1", "high_variation", True
        ),
        _choice(
            "Low Variation Mode", "MJ::Settings::HighVariabilityMode::0", "high_variation", False
        ),
        _choice("Turbo mode", "MJ::Settings::TurboMode::on", "mode", "Turbo"),
        _choice("Fast mode", "MJ::Settings::FastMode::on", "mode", "Fast"),
        _choice("Relax mode", "MJ::Settings::RelaxMode::on", "mode", "Relaxed"),
    ),
    (Setting("Reset Settings", "MJ::Settings::Reset", lambda standing: False, _reset),),
)
"""Buttons by row; the menu of versions stands above them."""

_BY_CUSTOM_ID = {setting.custom_id: setting for line in SETTINGS for setting in line}


def setting_button(custom_id: str) -> Button | None:
    """Return a button or the menu of /settings as something that can be pressed."""
    setting = _BY_CUSTOM_ID.get(custom_id)
    if setting is None and custom_id != VERSION_MENU:
        return None
    label = setting.label if setting is not None else "Version"
    return Button(label, custom_id, "settings")


def settings(job: Job, scene: Scene) -> Draft:
    """Write what can be set and how it is set now."""
    standing = _standing(job)
    suffix = f"Current suffix: `{standing.suffix}`" if standing.suffix else ""
    rows = [row(_version_menu(standing))]
    rows += [row(*(_button(setting, standing) for setting in line)) for line in SETTINGS]
    return Draft(suffix, components=tuple(rows), flags=int(MessageFlag.EPHEMERAL))


def settings_pressed(job: Job, scene: Scene) -> Draft:
    """Change a setting, and write all of them again."""
    press = job.ask.press
    assert press is not None, "settings change by a press"
    setting = _BY_CUSTOM_ID.get(press.custom_id)
    if setting is not None:
        setting.press(_standing(job))
    elif press.values and press.values[0] in MODELS:
        _standing(job).version = press.values[0]
    return settings(job, scene)


def _version_menu(standing: Standing) -> Payload:
    options = [
        {
            "label": model.title,
            "value": version,
            "default": version == standing.version,
        }
        for version, model in MODELS.items()
    ]
    return {
        "type": int(ComponentType.SELECT),
        "custom_id": VERSION_MENU,
        "placeholder": "Select a model",
        "min_values": 1,
        "max_values": 1,
        "options": options,
    }


def _button(setting: Setting, standing: Standing) -> Payload:
    return {
        "type": int(ComponentType.BUTTON),
        "style": _ON if setting.is_on(standing) else _OFF,
        "label": setting.label,
        "custom_id": setting.custom_id,
    }


# Commands.


def mode(name: str) -> Write:
    """Return what switches the mode: `Fast`, `Relaxed` or `Turbo`."""

    def write(job: Job, scene: Scene) -> Draft:
        _standing(job).mode = name
        return _said(_MODE_TEXTS[name])

    return write


def visibility(name: str) -> Write:
    """Return what switches the visibility: `Public` or `Stealth`."""

    def write(job: Job, scene: Scene) -> Draft:
        _standing(job).visibility = name
        return _said(_VISIBILITY_TEXTS[name])

    return write


def _toggle(field: str, called: str, command: str, then: str) -> Write:
    """Return what turns a field on and off. Args: then: said when it is on"""

    def write(job: Job, scene: Scene) -> Draft:
        standing = _standing(job)
        is_on = not getattr(standing, field)
        setattr(standing, field, is_on)
        if is_on:
            return _said(f"{called} turned on! {then}")
        again = f"You can always turn this on by running `/prefer {command}` again."
        return _said(f"{called} turned off! {again}")

    return write


toggle_remix = _toggle(
    "remix",
    "Remix mode",
    "remix",
    "Clicking the variation buttons will now give you a chance to edit your prompt!",
)
toggle_variability = _toggle(
    "high_variation",
    "High variability mode",
    "variability",
    "Variations will now differ more.",
)
toggle_auto_dm = _toggle(
    "auto_dm", "Auto DM mode", "auto_dm", "Results will also be sent to you directly."
)


def set_suffix(job: Job, scene: Scene) -> Draft:
    """Set what is put behind every prompt, or nothing."""
    standing = _standing(job)
    standing.suffix = job.ask.options.get("new_value", "").strip()
    if standing.suffix:
        return _said(f"Your preferred suffix has been set to `{standing.suffix}`.")
    return _said("Your preferred suffix has been removed.")


def set_option(job: Job, scene: Scene) -> Draft:
    """Store a custom option, or remove it."""
    options = _standing(job).options
    name, value = job.ask.options.get("option", ""), job.ask.options.get("value", "")
    if value:
        options[name] = value
        return _said(f"Custom option `--{name}` set to `{value}`.")
    options.pop(name, None)
    return _said(f"Custom option `--{name}` removed.")


def list_options(job: Job, scene: Scene) -> Draft:
    """List the custom options."""
    options = _standing(job).options
    lines = [f"`--{name}`: `{value}`" for name, value in options.items()]
    return _said("\n".join(lines) or "No custom options set.")


def _said(text: str) -> Draft:
    return Draft(text, flags=int(MessageFlag.EPHEMERAL))


def _standing(job: Job) -> Standing:
    assert job.ask.account is not None, "only accounts have preferences"
    return job.ask.account.standing

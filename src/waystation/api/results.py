"""RESULTS: what the bot's written answers say, as the job form shows it.

`midjourney/results.py` reads them; every field is left out when the bot does not say it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

__all__ = ["RESULTS", "InfoForm", "LinkForm", "SeedForm", "SettingsForm", "Usage"]


class Usage(msgspec.Struct):
    """Pictures made, and the hours that took."""

    images: int
    hours: float


class InfoForm(msgspec.Struct, omit_defaults=True, rename="camel"):
    """The answer to `/info`."""

    plan: str | None = None
    subscription: str | None = None
    renews_at: str | None = None
    mode: str | None = None
    visibility: str | None = None
    fast_hours_left: float | None = None
    fast_hours_total: float | None = None
    lifetime: Usage | None = None
    relaxed: Usage | None = None
    queued_fast: int | None = None
    queued_relax: int | None = None
    running: int | None = None


class SettingsForm(msgspec.Struct, omit_defaults=True, rename="camel"):
    """The answer to `/settings`."""

    version: str | None = None
    mode: str | None = None
    variability: str | None = None
    stylize: str | None = None
    remix: bool | None = None
    raw: bool | None = None
    personalization: bool | None = None
    public: bool | None = None
    stealth: bool | None = None
    sticky_style: bool | None = None
    options: Annotated[
        Mapping[str, bool] | None, Meta(description="switches without a field of their own")
    ] = None


class SeedForm(msgspec.Struct):
    """A seed, and the bot's words that told it."""

    content: str
    value: int


class LinkForm(msgspec.Struct):
    """One picture or clip at Midjourney's own content network."""

    id: int
    url: str


_LINKS = "drawn pictures: the single ones, in reading order, when links to them are switched on"

RESULTS: Mapping[str, tuple[Any, str]] = {
    "info": (InfoForm, "info: what the bot's answer says (an addition to v2)"),
    "settings": (SettingsForm, "settings: what the bot's answer shows (an addition to v2)"),
    "prompts": (Sequence[str], "shorten: the suggestions (an addition to v2)"),
    "seed": (SeedForm, "seed, seed_async: when it is known"),
    "imageUx": (Sequence[LinkForm], _LINKS),
    "videoUx": (Sequence[LinkForm], "films: the same of their clips"),
}
"""Field of the job form → its type, and which verbs show it."""

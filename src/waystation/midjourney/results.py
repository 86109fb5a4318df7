"""Results: what the bot's written answers mean, as the objects that the job form shows.

All readers are tolerant: a line or button that is missing or unknown leaves its field out.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from waystation.jobs import Job, Shown
from waystation.midjourney.buttons import SETTING_ON, all_components
from waystation.wire.message import Component, ComponentType, Embed

__all__ = [
    "collected",
    "info_result",
    "is_choice",
    "listed_prompt",
    "mode_shown",
    "picture_links",
    "remix_shown",
    "remix_switched",
    "seed_of",
    "seed_result",
    "settings_result",
    "shorten_result",
    "shortened_from",
    "unmarked",
]

Result = Mapping[str, object]

# ── info ──

_LINE = re.compile(r"\*\*(?P<name>[^*]+)\*\*:\s*(?P<value>.*)")
_PLAN = re.compile(r"(?P<plan>[^()]*?)\s*\((?P<state>[^()]*)\)")
_RENEWAL = re.compile(r"<t:(\d{1,11})(?::\w)?>")
_OF = re.compile(r"([\d.,]+)\s*/\s*([\d.,]+)\s*(hours?|minutes?)")
_USAGE = re.compile(r"([\d,]+) images? \(([\d.,]+) hours?\)")
_COUNT = re.compile(r"[\d,]+")
_NUMBER = re.compile(r"\d{1,12}(?:\.\d{1,12})?")


def info_result(embed: Embed | None) -> Result:
    """Return `{"info": {…}}`: plan, renewal (ISO 8601 UTC), hours, images and jobs.

    Source: v2 notes 6.6, the embed's lines; wire notes 5.2
    """
    text = (embed.description if embed else None) or ""
    lines = {match["name"].strip().casefold(): match["value"] for match in _LINE.finditer(text)}
    info: dict[str, object] = {}
    info |= _plan(lines.get("subscription", ""))
    for name, field in (("job mode", "mode"), ("visibility mode", "visibility")):
        if name in lines:
            info[field] = lines[name].strip().casefold()
    info |= _fast_hours(lines.get("fast time remaining", ""))
    for name, field in (("lifetime usage", "lifetime"), ("relaxed usage", "relaxed")):
        if usage := _USAGE.search(lines.get(name, "")):
            images, hours = _number(usage[1]), _number(usage[2])
            if images is not None and hours is not None:
                info[field] = {"images": int(images), "hours": hours}
    for name, field in (
        ("queued jobs (fast)", "queuedFast"),
        ("queued jobs (relax)", "queuedRelax"),
    ):
        count = _COUNT.search(lines.get(name, ""))
        if count is not None and (jobs := _number(count[0])) is not None:
            info[field] = int(jobs)
    if "running jobs" in lines and (running := _running(lines["running jobs"])) is not None:
        info["running"] = running
    return {"info": info} if info else {}


def _plan(value: str) -> Result:
    match = _PLAN.match(value)
    fields: dict[str, object] = {}
    if match is not None:
        fields["plan"] = match["plan"]
        fields["subscription"] = match["state"].partition(",")[0].strip()
    elif value.strip():
        fields["plan"] = value.strip()
    if renewal := _RENEWAL.search(value):
        moment = datetime.fromtimestamp(int(renewal[1]), UTC)
        fields["renewsAt"] = moment.isoformat(timespec="milliseconds")[:23] + "Z"
    return fields


def _fast_hours(value: str) -> Result:
    match = _OF.search(value)
    if match is None:
        return {}
    left, total = _number(match[1]), _number(match[2])
    if left is None or total is None:
        return {}
    per_hour = 60 if match[3].startswith("minute") else 1
    return {"fastHoursLeft": left / per_hour, "fastHoursTotal": total / per_hour}


def _number(text: str) -> float | None:
    """Return the number that a text is, None when it is none; commas stand between thousands."""
    plain = text.replace(",", "")
    return float(plain) if _NUMBER.fullmatch(plain) else None


def _running(value: str) -> int | None:
    """Count running jobs: `None`, a number, or their uuids."""
    if _COUNT.fullmatch(value.strip()) is not None:
        jobs = _number(value.strip())
        return None if jobs is None else int(jobs)
    return 0 if value.strip() in ("", "None") else len(value.split(","))


# ── settings ──

_SWITCHES: Mapping[str, str] = {
    "remix mode": "remix",
    "raw mode": "raw",
    "personalization": "personalization",
    "public mode": "public",
    "stealth mode": "stealth",
    "stealth": "stealth",
    "sticky style": "stickyStyle",
}
"""Label → a field that is true or false. Source: v2 notes 13, wire notes 3.4."""

_CHOICES: Mapping[str, tuple[str, str]] = {
    "fast mode": ("mode", "fast"),
    "relax mode": ("mode", "relax"),
    "turbo mode": ("mode", "turbo"),
    "high variability mode": ("variability", "high"),
    "low variability mode": ("variability", "low"),
    "high variation mode": ("variability", "high"),
    "low variation mode": ("variability", "low"),
    "stylize low": ("stylize", "low"),
    "stylize med": ("stylize", "medium"),
    "stylize high": ("stylize", "high"),
    "stylize very high": ("stylize", "very high"),
}
"""Label → a field and the value that it has while this button is on."""


_DEEDS = frozenset({"reset settings"})
"""Buttons that do something once and are never on."""


def is_choice(label: str) -> bool:
    """Tell whether an option belongs to a group in which one option is on at each time."""
    return label.casefold() in _CHOICES


def settings_result(components: Sequence[Component]) -> Result:
    """Return `{"settings": {…}}`; what no table knows stands in `options`, label → on or off.

    Source: wire notes 3.4 and 5.4
    """
    settings: dict[str, object] = {}
    options: dict[str, bool] = {}
    for component in all_components(components):
        for option in component.options:
            if option.default:
                settings["version"] = option.label or option.value
        if component.type != ComponentType.BUTTON or not component.label:
            continue
        name, is_on = component.label.casefold(), component.style == SETTING_ON
        if name in _SWITCHES:
            settings[_SWITCHES[name]] = is_on
        elif name in _CHOICES and is_on:
            field, value = _CHOICES[name]
            settings[field] = value
        elif name not in _CHOICES and name not in _DEEDS:
            options[component.label] = is_on
    return {"settings": settings | ({"options": options} if options else {})}


# ── mode ──


def mode_shown(job: Job) -> str | None:
    """Return the mode that a result shows, which stands under its verb: fast, relax or turbo."""
    told = job.result.get(job.verb)
    mode = told.get("mode") if isinstance(told, Mapping) else None
    return {"relaxed": "relax"}.get(str(mode), str(mode)) if mode else None


def remix_shown(job: Job) -> bool:
    """Tell whether the settings show that remix mode is on."""
    told = job.result.get("settings")
    return isinstance(told, Mapping) and told.get("remix") is True


def remix_switched(job: Job) -> bool:
    """Tell whether an answer says that remix mode was turned on."""
    return "turned on" in (job.content or "")


# ── seed ──

_SEED = re.compile(
    r"\*\*Job ID\*\*:\s*([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\s*"
    r"\*\*seed\*\*\s*(\d{1,18})\s*\Z",
    re.IGNORECASE,
)
"""The end of the message; the caller's prompt stands before it. Source: wire notes 4.10."""


def seed_of(content: str) -> tuple[str, int] | None:
    """Return job uuid and seed, None when a content does not end with them."""
    match = _SEED.search(content)
    return None if match is None else (match[1].lower(), int(match[2]))


def seed_result(content: str) -> Result:
    """Return `{"seed": {"content", "value"}}`. Source: v2 notes 6.5"""
    found = seed_of(content)
    return {} if found is None else {"seed": {"content": content, "value": found[1]}}


# ── shorten ──

_MARKS = re.compile(r"[*~]")

_SUGGESTION = re.compile(r"^[1-5]️?⃣ ?(.+?)\s*$", re.MULTILINE)


_LINK = re.compile(r"\[([^\]]*)\]\(<?https?://[^)]*\)")
"""Older descriptions hold links; a form holds their words. Source: wire notes 5.1."""


def listed_prompt(embeds: Sequence[Embed], label: str) -> str | None:
    """Return the prompt that an answer lists behind a number such as `2️⃣`, without links."""
    for embed in embeds:
        for line in (embed.description or "").splitlines():
            if line.startswith(label):
                return _LINK.sub(r"\1", line.removeprefix(label)).strip()
    return None


def shortened_from(embed: Embed | None) -> Sequence[str]:
    """Return the lines of a shorten's answer that may be its prompt, without marks of importance.

    The layout was never captured: a line that is no prompt says nothing. Source: notes 5.3.
    """
    text = (embed.description if embed else None) or ""
    listed = _SUGGESTION.search(text)
    lines = text[: listed.start() if listed else None].splitlines()
    return [bare for line in lines if (bare := unmarked(line).strip())]


def unmarked(text: str) -> str:
    """Return a text without the signs by which the bot marks how much a word matters."""
    return _MARKS.sub("", text)


def shorten_result(embed: Embed | None) -> Result:
    """Return `{"prompts": […]}`, the shortened prompts in the bot's order. Source: notes 5.3."""
    prompts = _SUGGESTION.findall((embed.description if embed else None) or "")
    return {"prompts": prompts} if prompts else {}


# ── pictures ──

_LINKS: Sequence[tuple[str, str, str, int]] = (
    ("MJ::JOB::video_virtual_upscale::", "videoUx", "video/{hash}/{n}.mp4", 4),
    ("MJ::JOB::animate_high_extend::", "videoUx", "video/{hash}/{n}.mp4", 1),
    ("MJ::JOB::animate_low_extend::", "videoUx", "video/{hash}/{n}.mp4", 1),
    ("MJ::JOB::upsample::", "imageUx", "{hash}/0_{n}.png", 4),
    ("", "imageUx", "{hash}/0_{n}.png", 1),
)
"""How a custom_id begins → field, path at Midjourney's own content network, how many.

Source: wire notes 1.6, 3.4; that videos lie under `video/` is what clients of API v3 show
"""


def picture_links(cdn_url: str, shown: Shown) -> Result:
    """Return `{"imageUx": [{"id", "url"}]}` or `videoUx`: the single pictures or clips of a result.

    `id` counts from 1, in reading order of the grid.

    Args: cdn_url: without a slash at its end; empty: no links
    """
    if not cdn_url or shown.hash is None:
        return {}
    ids = [button.custom_id for button in shown.buttons or ()]
    _, field, path, count = next(
        row for row in _LINKS if not row[0] or any(one.startswith(row[0]) for one in ids)
    )
    places = (path.format(hash=shown.hash, n=n) for n in range(count))
    links = [{"id": n, "url": f"{cdn_url}/{place}"} for n, place in enumerate(places, start=1)]
    return {field: links}


def collected(known: Result, shown: Shown) -> Result:
    """Return what several messages with pictures show together, this one last.

    Returns: `attachments`, and `imageUx` with ids that go on counting; nothing when this one is in
    `known` already
    """
    attachments = _list(known.get("attachments"))
    new = [msgspec.to_builtins(one) for one in shown.attachments]
    if any(one in attachments for one in new):
        return {}
    links = (*_list(known.get("imageUx")), *_list(shown.result.get("imageUx")))
    numbered = [link | {"id": n} for n, link in enumerate(links, start=1)]
    return {"attachments": [*attachments, *new]} | ({"imageUx": numbered} if numbered else {})


def _list(value: object) -> list[dict[str, object]]:
    return list(value) if isinstance(value, list | tuple) else []

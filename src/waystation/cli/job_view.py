"""How a job looks in a terminal: its fields, then what the bot said."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from rich.console import RenderableType
from rich.text import Text

from waystation.cli.screen import fields, indented, link, plain

__all__ = ["headline", "job_view", "pictures", "prompts", "readable", "sayings"]

_SIGNS: Mapping[str, tuple[str, str]] = {
    "completed": ("✓", "bold green"),
    "moderated": ("✗", "bold yellow"),
    "failed": ("✗", "bold red"),
    "cancelled": ("–", "bold"),
}
_RUNNING = ("…", "bold cyan")

_ROWS = (
    ("jobid", "jobid"),
    ("channel", "channel"),
    ("account", "discord"),
    ("describeUrl", "describeUrl"),
    ("maxJobs", "maxJobs"),
    ("replyUrl", "replyUrl"),
    ("replyRef", "replyRef"),
    ("created", "created"),
    ("updated", "updated"),
    ("messageId", "messageId"),
    ("code", "code"),
)
"""Label and v2 field, in the order shown; missing fields are left out."""


_TIME = re.compile(r"<t:(-?\d{1,15})(?::[tTdDfFR])?>")
"""Source: Discord's message formatting, timestamps."""


def job_view(job: Mapping[str, object]) -> Sequence[RenderableType]:
    """Return a whole job for the screen, piece by piece."""
    rows = {label: job[field] for label, field in _ROWS if field in job}
    parts: list[RenderableType] = [headline(job), indented(fields(rows))]
    for said in sayings(job):
        parts += [Text(), indented(plain(readable(said), lines=True))]
    for url in pictures(job):
        parts += [Text(), link(url)]
    return parts


def headline(job: Mapping[str, object]) -> Text:
    """Return one line: sign, verb, status, how long it took, and why it failed."""
    status = str(job.get("status", "unknown"))
    sign, style = _SIGNS.get(status, _RUNNING)
    line = Text.assemble((sign, style), " ", plain(f"{job.get('verb', 'job')} {status}", "bold"))
    took = _took_s(job)
    if took is not None:
        line.append(f" in {took:.1f} s", "dim")
    why = [str(job[field]) for field in ("error", "errorDetails") if job.get(field)]
    return line.append(plain(": " + " — ".join(why), style)) if why else line


def sayings(job: Mapping[str, object]) -> list[str]:
    """Return what the bot said, titles first, without saying the same twice (info does)."""
    embeds = list(_dicts(job.get("embeds")))
    texts = [str(embed.get("title") or "") for embed in embeds]
    texts.append(str(job.get("content") or ""))
    texts += [str(embed.get("description") or "") for embed in embeds]
    return [text for text in dict.fromkeys(texts) if text.strip()]


def readable(said: str) -> str:
    """Return the bot's words for eyes: its times as dates, without the stars of Markdown."""
    return _TIME.sub(_date, said).replace("**", "")


def _date(found: re.Match[str]) -> str:
    try:
        return f"{datetime.fromtimestamp(int(found[1]), UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, ValueError, OSError):
        return found[0]


def prompts(job: Mapping[str, object]) -> list[str]:
    """Return the prompts of a describe, one per paragraph of the bot's embed."""
    for embed in _dicts(job.get("embeds")):
        text = str(embed.get("description") or "")
        if text.strip():
            return [part.strip() for part in text.split("\n\n") if part.strip()]
    return []


def pictures(job: Mapping[str, object]) -> Iterator[str]:
    """Yield the links of a job's pictures."""
    for attachment in _dicts(job.get("attachments")):
        if attachment.get("url"):
            yield str(attachment["url"])


def _dicts(value: object) -> Iterator[Mapping[str, object]]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        yield from (item for item in value if isinstance(item, dict))


def _took_s(job: Mapping[str, object]) -> float | None:
    if job.get("status") not in _SIGNS:
        return None
    try:
        created, updated = (
            datetime.fromisoformat(str(job[field])) for field in ("created", "updated")
        )
        return (updated - created).total_seconds()
    except (KeyError, ValueError, TypeError):
        return None

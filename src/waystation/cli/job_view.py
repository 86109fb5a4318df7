"""How a job looks in a terminal: its fields, then what the bot said."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import zip_longest

from rich.cells import cell_len
from rich.console import RenderableType
from rich.text import Text

from waystation.cli.screen import escaped, fields, indented, link, plain

__all__ = ["headline", "job_view", "labels", "pictures", "prompts", "readable", "sayings"]

_SIGNS: Mapping[str, tuple[str, str]] = {
    "completed": ("✓", "bold green"),
    "moderated": ("✗", "bold yellow"),
    "failed": ("✗", "bold red"),
    "cancelled": ("–", "bold"),
}
_RUNNING = ("…", "bold cyan")

_ELSEWHERE = frozenset(
    {"verb", "status", "error", "errorDetails", "content", "timestamp", "attachments", "embeds"}
)
"""Fields of the headline, or below the rows; `timestamp` is Discord's word for `updated`."""

_LABELS: Mapping[str, str] = {"discord": "account"}
"""Fields with another name here."""

_READ = frozenset({"info", "settings", "prompts", "seed"})
"""Fields that say what the bot's words say; those are left out then."""

_ACTS = frozenset({"Reset Settings"})
"""Buttons among the options of the settings that are pressed, and never on or off."""

_TIME = re.compile(r"<t:(-?\d{1,15})(?::[tTdDfFR])?>")
"""Source: Discord's message formatting, timestamps."""

_MENTION = re.compile(r"(?: -| by)? <@!?\d{1,20}>")
"""Whom the bot answers, with what leads to it."""

_WEBSITE = re.compile(r" \[\(Open on website\)\]\([^)]*\)")
"""The words behind the prompt of a film; the link is of Midjourney's own page."""

_JOINED = "\N{NO-BREAK SPACE}"
"""Keeps a label in one piece; `Grid` shows it as a space."""


def job_view(job: Mapping[str, object]) -> Sequence[RenderableType]:
    """Return a whole job for the screen, piece by piece: every field as the API has it."""
    rows = {
        _LABELS.get(field, field): _cell(field, value, job)
        for field, value in job.items()
        if field not in _ELSEWHERE
    }
    parts: list[RenderableType] = [headline(job)]
    if details := job.get("errorDetails"):
        parts.append(indented(plain(details, lines=True)))
    parts.append(indented(fields(rows)))
    if not _READ & job.keys():
        for said in sayings(job):
            parts += [Text(), indented(plain(readable(said), lines=True))]
    links = [link(url) for url in pictures(job)]
    return [*parts, Text(), *links] if links else parts


def _cell(field: str, value: object, job: Mapping[str, object]) -> Text:
    match value:
        case {**given}:
            # a seed repeats the message that told it
            kept = {name: one for name, one in given.items() if one != job.get("content")}
            alone = [str(one) for one in kept.values()] if len(kept) == 1 else []
            return plain(*alone) if alone else _columns(list(_rows(kept)))
        case [{}, *_]:
            return _columns([list(_told(row)) for row in _dicts(value)], no_wrap=True)
        case list() if field in ("buttons", "labels"):
            return plain(labels(value))
        case list():
            return _columns([(str(number), str(one)) for number, one in enumerate(value, 1)])
        case _:
            return plain(value, lines=True)


def labels(buttons: Sequence[str]) -> str:
    """Return what can be pressed, for `Grid` to fold between labels only."""
    return f"{_JOINED}· ".join(str(label).replace(" ", _JOINED) for label in buttons)


def _rows(given: Mapping[object, object]) -> Iterator[Sequence[str]]:
    """Yield name and value of each field; those of an object within stand behind its name."""
    for name, value in given.items():
        if name in _ACTS:
            continue
        match value:
            case {**within}:
                for number, row in enumerate(_rows(within)):
                    yield ("" if number else str(name), *row)
            case bool():
                yield str(name), "on" if value else "off"
            case _:
                yield str(name), str(value)


def _told(row: Mapping[str, object]) -> Iterator[str]:
    """Yield the values of a child or a link; a message's id says nothing here."""
    yield from (str(value or "") for name, value in row.items() if name != "messageId")


def _columns(rows: Sequence[Sequence[str]], *, no_wrap: bool = False) -> Text:
    cells = [[escaped(word) for word in row] for row in rows]
    # the last word of a row makes no column wider
    columns = zip_longest(*(row[:-1] for row in cells), fillvalue="")
    widths = [max(map(cell_len, column)) for column in columns]
    lines = []
    for *first, last in cells:
        padded = (
            word + " " * (width + 2 - cell_len(word))
            for word, width in zip(first, widths, strict=False)
        )
        lines.append("".join(padded) + last)
    return Text("\n".join(lines), no_wrap=no_wrap)


def headline(job: Mapping[str, object]) -> Text:
    """Return one line: sign, verb, status, how long it took, and why it failed."""
    status = str(job.get("status", "unknown"))
    sign, style = _SIGNS.get(status, _RUNNING)
    what = " ".join(str(job[field]) for field in ("verb", "button") if job.get(field)) or "job"
    line = Text.assemble((sign, style), " ", plain(f"{what} {status}", "bold"))
    took = _took_s(job)
    if took is not None:
        line.append(f" in {took:.1f} s", "dim")
    why = job.get("error")
    return line.append(plain(f": {why}", style)) if why else line


def sayings(job: Mapping[str, object]) -> list[str]:
    """Return what the bot said, titles first, without saying the same twice (info does)."""
    embeds = list(_dicts(job.get("embeds")))
    texts = [str(embed.get("title") or "") for embed in embeds]
    texts.append(str(job.get("content") or ""))
    texts += [str(embed.get("description") or "") for embed in embeds]
    return [text for text in dict.fromkeys(texts) if text.strip()]


def readable(said: str) -> str:
    """Return the bot's words for eyes: times as dates, no mention, no stars of Markdown."""
    for what in (_MENTION, _WEBSITE):
        said = what.sub("", said)
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

"""Logs: one line an event, with every live secret taken out (R46).

Rules: what a user's requests cause is logged so many times a minute and event, and no more: nobody
can fill the disk by asking. What the service does by itself is always logged, and the acceptance of
a job, which has lines without such a limit anyway: each of them names the job, so that it can be
followed from its POST to its callback.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sys
from collections import Counter
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import msgspec
import structlog

from waystation.secret import redact

__all__ = ["MAX_LINES", "configure"]

MAX_LINES: Final = 60
"""Of one event that one user's requests cause in a minute; strangers together count as one user."""

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure(level: str, style: Literal["console", "json"], *, for_good: bool = False) -> None:
    """Send every log line, ours and the libraries', to standard error.

    Args: level: the least important level shown; style: for eyes, or one JSON object a line;
    for_good: nobody configures it anew, so that no logger is made anew for each of its lines
    """
    render: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(serializer=_to_json)
        if style == "json"
        else structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else _plainly
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, _FewOfACaller(), render, _redacted],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=lambda *_: _StandardError(),
        cache_logger_on_first_use=for_good,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LibraryLines(shared, render))
    logging.basicConfig(level=max(_LEVELS[level], logging.WARNING), handlers=[handler], force=True)


class _StandardError:
    """Prints lines; a standard error that takes none, such as a file on a full disk, loses them."""

    def msg(self, line: str) -> None:
        with contextlib.suppress(OSError):
            print(line, file=sys.stderr, flush=True)

    debug = info = warning = error = critical = exception = msg


@dataclass(slots=True)
class _FewOfACaller:
    """Drops lines of requests beyond so many a minute, user and event."""

    _minute: str = ""
    _lines: Counter[tuple[object, object]] = field(default_factory=Counter)

    def __call__(
        self, logger: Any, method: str, line: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        if "request_id" not in line or line["event"] == "job.accepted":
            return line
        minute = str(line.get("timestamp"))[: len("2026-01-02T03:04")]
        if minute != self._minute:
            self._minute = minute
            self._lines.clear()
        caused = (line.get("user"), line["event"])
        self._lines[caused] += 1
        if self._lines[caused] > MAX_LINES:
            raise structlog.DropEvent
        if self._lines[caused] == MAX_LINES:
            line["more"] = "left out until the minute is over"
        return line


class _LibraryLines(logging.Formatter):
    """The libraries' own log records in the same form."""

    def __init__(
        self, shared: list[structlog.typing.Processor], render: structlog.typing.Processor
    ) -> None:
        super().__init__()
        self._processors = [*shared, render, _redacted]

    def format(self, record: logging.LogRecord) -> str:
        line: Any = {"event": record.getMessage(), "logger": record.name}
        if record.exc_info:
            line["exc_info"] = record.exc_info
        for processor in self._processors:
            line = processor(None, record.levelname.lower(), line)
        return str(line)


def _plainly(logger: Any, method: str, line: MutableMapping[str, Any]) -> str:
    """Write a line as structlog does for a terminal, without its colours and in half its time."""
    trace = line.pop("exception", None)
    head = f"{line.pop('timestamp')} [{line.pop('level'):<9}] {line.pop('event'):<30}"
    facts = " ".join(f"{name}={_shown(line[name])}" for name in sorted(line))
    text = f"{head} {facts}".rstrip()
    return text if trace is None else f"{text}\n{trace}"


def _shown(value: Any) -> str:
    return value if isinstance(value, str) and not _PARTING.search(value) else repr(value)


_PARTING: Final = re.compile(r"[\s=\"']")
"""Stands in a text that is not told from its neighbours without quotes."""


def _redacted(logger: Any, method: str, line: str | MutableMapping[str, Any]) -> str:
    return redact(str(line))


def _to_json(value: Any, default: Any = None, **_: Any) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()

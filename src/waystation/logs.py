"""Logs: one line an event, with every live secret taken out (R46)."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import msgspec
import structlog

from waystation.secret import redact

__all__ = ["configure"]

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure(level: str, style: Literal["console", "json"]) -> None:
    """Send every log line, ours and the libraries', to standard error.

    Args: level: the least important level shown; style: for eyes, or one JSON object a line
    """
    render: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(serializer=_to_json)
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, render, _redacted],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=lambda *_: _StandardError(),
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


def _redacted(logger: Any, method: str, line: str | MutableMapping[str, Any]) -> str:
    return redact(str(line))


def _to_json(value: Any, default: Any = None, **_: Any) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()

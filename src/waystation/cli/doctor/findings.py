"""Findings: what the doctor says about one thing, and how it looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.console import Group, RenderableType
from rich.text import Text

from waystation.cli.screen import indented, marked, plain

__all__ = ["Finding", "Level", "error", "findings_view", "ok", "remark", "warning"]

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing seen.

    `level`: error when the service or an account cannot work, warning when a person should know.
    """

    level: Level
    what: str
    mend: str = ""
    """The mend; empty when the part is fine."""
    is_remark: bool = False
    """True: what depends on the part can be looked at all the same."""


def ok(what: str) -> Finding:
    """Return that something is fine."""
    return Finding("ok", what)


def warning(what: str, mend: str) -> Finding:
    """Return that something should be known."""
    return Finding("warning", what, mend)


def remark(what: str, mend: str) -> Finding:
    """Return that something should be known which stops no other look."""
    return Finding("warning", what, mend, is_remark=True)


def error(what: str, mend: str) -> Finding:
    """Return that something cannot work."""
    return Finding("error", what, mend)


def findings_view(title: str, findings: Sequence[Finding]) -> RenderableType:
    """Return one check's findings for the screen."""
    lines: list[RenderableType] = [Text(title, "bold")]
    for finding in findings:
        lines.append(indented(marked(finding.level, finding.what)))
        if finding.mend:
            lines.append(indented(plain(f"→ {finding.mend}", "dim"), 4))
    return Group(*lines)

"""Draw docs/state/*.md from the tables: `make charts`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from waystation.discord import session_rules
from waystation.midjourney import machine

__all__ = ["PAGES", "draw"]

_STATE = Path(__file__).parents[2] / "docs" / "state"

PAGES: Mapping[Path, Callable[[], str]] = {
    _STATE / "job.md": machine.chart,
    _STATE / "session.md": session_rules.chart,
}


def draw() -> None:
    """Write every page anew."""
    for path, chart in PAGES.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(chart(), encoding="utf-8")


if __name__ == "__main__":
    draw()

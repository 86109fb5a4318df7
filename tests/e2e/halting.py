"""An account that is halted."""

from __future__ import annotations

from typing import Any


def halted(channel: str) -> dict[str, Any]:
    """Return v2's short form of 596 (v2 notes 6.3)."""
    return {
        "error": "Your Discord account has received a pending moderation message from Midjourney. "
        f"Please address this issue and POST account/midjourney/{channel}/reset "
        "before making any new API calls.",
        "code": 596,
    }

"""The README's blocks as scripts."""

from __future__ import annotations

import re
import socket
from pathlib import Path

__all__ = ["ROOT", "block", "on_free_ports"]

ROOT = Path(__file__).parents[2]


def block(mark: str, page: str = "README.md") -> str:
    """Return the shell block that follows `<!-- test: mark -->`."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.search(rf"<!-- test: {mark} -->\n```sh\n(.*?)```", text, re.DOTALL)
    assert found is not None, f"{page} has no block marked {mark}"
    return found[1]


def on_free_ports(script: str, *ports: int) -> str:
    """Return the script with its fixed ports replaced, so that tests can run side by side."""
    for port in ports:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            script = script.replace(str(port), str(taken.getsockname()[1]))
    return script

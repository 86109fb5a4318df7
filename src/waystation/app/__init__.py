"""Composition root: settings in, a running service out; it alone knows all the others."""

from __future__ import annotations

from waystation.app.parts import mailer_of
from waystation.app.running import run, serve
from waystation.app.state import State, open_state

__all__ = ["State", "mailer_of", "open_state", "run", "serve"]

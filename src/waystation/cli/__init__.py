"""The command line face."""

from __future__ import annotations

from waystation.cli.program import main

__all__ = ["main"]

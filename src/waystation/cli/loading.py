"""Loading: the settings as the commands read them, with a line about each misspelt variable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from waystation.cli.options import Config
from waystation.cli.screen import escaped

if TYPE_CHECKING:
    from waystation.settings import Settings

__all__ = ["load_settings"]


def load_settings(config: Config = None) -> Settings:
    """Read every setting, and warn on stderr. Raises: ConfigurationError."""
    from waystation import settings

    found = settings.load(config)
    for warning in found.warnings:
        typer.echo(f"! {escaped(warning)}", err=True)
    return found

"""Loading: the settings as the commands read them, with a line about each misspelt variable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from waystation.cli.options import Config
from waystation.cli.screen import escaped
from waystation.errors import ConfigurationError

if TYPE_CHECKING:
    from waystation.settings import Settings

__all__ = ["load_settings", "make_data_dir"]


def load_settings(config: Config = None) -> Settings:
    """Read every setting, and warn on stderr. Raises: ConfigurationError."""
    from waystation import settings

    found = settings.load(config)
    for warning in found.warnings:
        typer.echo(f"! {escaped(warning)}", err=True)
    return found


def make_data_dir(settings: Settings) -> None:
    """Make the data directory unless it is there. Raises: ConfigurationError: it cannot be made."""
    path = settings.data_dir
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigurationError(
            f"The data directory {path} cannot be made: {error.strerror}",
            details="Set WAYSTATION_DATA_DIR to a directory that this user may write.",
        ) from error

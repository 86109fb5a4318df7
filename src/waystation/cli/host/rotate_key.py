"""waystation rotate-key: seal what comes next with a new key."""

from __future__ import annotations

from waystation.cli.loading import load_settings
from waystation.cli.options import Config, Json
from waystation.cli.screen import marked, opened, plain

__all__ = ["rotate_key"]


def rotate_key(config: Config = None, as_json: Json = False) -> None:
    """Put a new sealing key first in the key file; the old ones still open what they sealed.

    Restart a running service afterwards: it goes on with the keys it read. API
    tokens stay as they are. Back up the key file anew.
    """
    with opened(as_json) as screen:
        from waystation.vault import KEY_FILE, rotate_keys

        settings = load_settings(config)
        rotate_keys(settings.data_dir)
        path = str(settings.data_dir / KEY_FILE)
        screen.answer(
            {"key_file": path},
            marked("ok", f"{path} has a new sealing key"),
            plain("  restart a running service, and back up the key file", "dim"),
        )

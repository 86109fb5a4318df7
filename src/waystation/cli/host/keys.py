"""waystation make-key and rotate-key: the keys that seal what the database holds (R45)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from waystation.cli.host.database import on_host
from waystation.cli.loading import load_settings
from waystation.cli.options import Config, Json
from waystation.cli.screen import marked, opened, plain
from waystation.errors import VaultError

if TYPE_CHECKING:
    from waystation.app import State
    from waystation.ports import LiveNode
    from waystation.settings import Settings
    from waystation.vault import Vault

__all__ = ["make_key", "rotate_key"]


def make_key(config: Config = None, as_json: Json = False) -> None:
    """Make the key file of a new installation; one that is there is left alone.

    `serve` makes it by itself where the database is a file. On PostgreSQL each
    node needs a copy of one file, so none makes its own.
    """
    with opened(as_json) as screen:
        from waystation.vault import KEY_FILE, make_keys

        settings = load_settings(config)
        make_keys(settings.data_dir)
        path = str(settings.data_dir / KEY_FILE)
        screen.answer(
            {"key_file": path},
            marked("ok", f"made {path}"),
            plain("  give each node a copy, and keep one apart from the database", "dim"),
        )


def rotate_key(
    prepare: Annotated[
        bool,
        typer.Option(
            "--prepare",
            help="Add a key that opens, and seals nothing yet: the first step with several nodes.",
        ),
    ] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Put a new sealing key first in the key file; the old ones still open what they sealed.

    Restart a running service afterwards: it goes on with the keys it read. API
    tokens stay as they are. Back up the key file anew. With several nodes:
    --prepare, copy the file to each node, restart each; then rotate, copy and
    restart again. A rotation is refused while a node lacks the prepared key.
    """
    with opened(as_json) as screen:
        from waystation.vault import KEY_FILE, prepare_key

        settings = load_settings(config)
        path = str(settings.data_dir / KEY_FILE)
        if prepare:
            vault = prepare_key(settings.data_dir)
            screen.answer(
                {"key_file": path, "prepared": vault.prepared[0]},
                marked("ok", f"{path} has a prepared key, {vault.prepared[0]}"),
                plain("  copy it to each node, restart them, then rotate the key", "dim"),
            )
            return
        _rotated(config, settings)
        screen.answer(
            {"key_file": path},
            marked("ok", f"{path} has a new sealing key"),
            plain("  restart a running service, and back up the key file", "dim"),
        )


def _rotated(config: Config, settings: Settings) -> None:
    from waystation.vault import rotate_keys

    if settings.postgresql_url is None:
        rotate_keys(settings.data_dir)
        return

    async def rotate(state: State) -> None:
        _require_known(state.vault, await state.store.nodes.live())
        vault = rotate_keys(settings.data_dir)
        # a node that starts without the new key is refused
        await state.store.save_check(vault.new_check())

    on_host(config, rotate)


def _require_known(vault: Vault, nodes: Sequence[LiveNode]) -> None:
    """Make sure that each node opens what the new key seals. Raises: VaultError."""
    if not vault.prepared:
        if len(nodes) > 1:
            raise VaultError(
                f"{len(nodes)} nodes run, and none knows a key that is made now. Run `waystation "
                "rotate-key --prepare`, copy the key file to each node and restart them first."
            )
        return
    for node in nodes:
        if vault.prepared[0] not in node.keys:
            raise VaultError(
                f"The node {node.name} ({node.node_id}) does not have the prepared key "
                f"{vault.prepared[0]}. Copy the key file there and restart the node first."
            )

"""waystation migrate: bring this host's database to this version's schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType

from waystation.cli.host.database import database_name
from waystation.cli.host.moving import move
from waystation.cli.loading import load_settings
from waystation.cli.options import Config, Json
from waystation.cli.screen import marked, opened, plain
from waystation.errors import ConfigurationError, StoreError

if TYPE_CHECKING:
    from waystation.settings import Settings

__all__ = ["migrate"]


def migrate(
    to: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Move the SQLite database to this empty PostgreSQL database.",
            show_default=False,
        ),
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Bring the database to this version's schema, with a backup first.

    A new database is made without one, and PostgreSQL has backups of its own;
    where the schema is this version's already, nothing is done. `serve` does the
    same at its start. Stop it before you migrate a SQLite file. On PostgreSQL, nodes
    of the version before may go on meanwhile.

    With --to, the SQLite database is copied into an empty PostgreSQL database
    while no service runs, and each table is compared. Jobs that wait or run go
    on there. Others on this host can read the URL of a running command: leave
    the password out of it, and set PGPASSWORD.
    """
    with opened(as_json) as screen:
        from waystation.secret import Secret

        settings = load_settings(config)
        if to is not None:
            move(screen, settings, Secret(to))
            return
        url = settings.postgresql_url
        found = _migrated(settings) if url is None else _on_postgresql(settings, url)
        if found["from"] == found["to"]:
            said = f"nothing to do: {found['database']} has schema {found['to']}"
        else:
            said = f"{found['database']}: schema {found['from']} is now {found['to']}"
        lines: list[RenderableType] = [marked("ok", said)]
        if found["backup"]:
            lines.append(plain(f"  backup: {found['backup']}", "dim"))
        screen.answer(found, *lines)


def _on_postgresql(settings: Settings, url: str) -> dict[str, object]:
    import asyncio

    from waystation.app.state import require_postgresql
    from waystation.clock import SystemClock

    require_postgresql()
    from waystation.store.postgresql import migrate as schema

    before = asyncio.run(
        schema.migrate(url, SystemClock().now(), connect_s=settings.database_connect_s)
    )
    after = schema.migrations()[-1].number
    return {"database": database_name(settings), "from": before, "to": after, "backup": None}


def _migrated(settings: Settings) -> dict[str, object]:
    import apsw

    from waystation.clock import SystemClock
    from waystation.store.sqlite import migrate as schema
    from waystation.store.sqlite.database import connect

    path = settings.database_path
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        connection = connect(path)
        try:
            before = schema.schema_number(connection)
            backup = schema.migrate(connection, SystemClock().now(), path.parent / "backups")
            after = schema.schema_number(connection)
        finally:
            connection.close()
    except OSError as error:
        raise ConfigurationError(
            f"The database {path} cannot be used: {error.strerror}",
            details="Set WAYSTATION_DATA_DIR to a directory that this user may write.",
        ) from error
    except apsw.Error as error:
        raise StoreError(f"The database {path} cannot be used", details=str(error)) from error
    return {
        "database": str(path),
        "from": before,
        "to": after,
        "backup": str(backup) if backup else None,
    }

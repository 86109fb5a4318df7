"""waystation migrate --to: take a SQLite installation to PostgreSQL."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rich.console import RenderableType

from waystation.cli.host.database import database_name, must_be_there
from waystation.cli.screen import Grid, Screen, marked, plain
from waystation.errors import ConfigurationError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from waystation.secret import Secret
    from waystation.settings import Settings
    from waystation.store.moving import Sum
    from waystation.store.sqlite.moving import SqliteOrigin

__all__ = ["move"]

_SCHEMES = ("postgresql://", "postgres://")


def move(screen: Screen, settings: Settings, target: Secret) -> None:
    """Copy the database of the settings into an empty one on PostgreSQL, and tell each table.

    Raises: ConfigurationError, Conflict, SchemaMismatch, StoreError, VaultError: nothing was moved
    """
    import apsw

    from waystation.store.postgresql.place import place_of
    from waystation.store.sqlite.moving import opened_to_move

    url = target.reveal()
    path = settings.database_path
    _check(settings, url)
    place = str(place_of(url))
    try:
        with opened_to_move(path, place) as origin:
            _check_key(settings, origin)
            sums = asyncio.run(_receive(screen, settings, url, origin))
    except apsw.Error as error:
        raise StoreError(f"The database {path} cannot be moved", details=str(error)) from error
    screen.answer(
        {
            "from": str(path),
            "to": place,
            "tables": {
                name: {"rows": one.rows, "checksum": one.checksum} for name, one in sums.items()
            },
        },
        *_shown(settings, place, sums),
    )


def _check(settings: Settings, url: str) -> None:
    from waystation.app.state import require_postgresql

    if settings.postgresql_url is not None:
        raise ConfigurationError(
            f"`waystation migrate --to` moves a SQLite file, and the database is "
            f"{database_name(settings)}",
            details="Unset WAYSTATION_DATABASE_URL for this command; it is set for the service "
            "after the move.",
        )
    if not url.startswith(_SCHEMES):
        raise ConfigurationError(
            "--to names no PostgreSQL database",
            details="Give a URL like postgresql://user@host:5432/name.",
        )
    must_be_there(settings.database_path)
    require_postgresql()


def _check_key(settings: Settings, origin: SqliteOrigin) -> None:
    from waystation.vault import open_vault

    if origin.check is not None:
        key = settings.key if settings.key.reveal() else None
        open_vault(settings.data_dir, sealed_rows_exist=True, check=origin.check, key=key)


async def _receive(
    screen: Screen, settings: Settings, url: str, origin: SqliteOrigin
) -> Mapping[str, Sum]:
    from waystation.clock import SystemClock
    from waystation.store.postgresql.moving import receive

    return await receive(
        url,
        origin,
        SystemClock().now(),
        connect_s=settings.database_connect_s,
        told=lambda table: screen.note(f"copying {table}"),
    )


def _shown(settings: Settings, place: str, sums: Mapping[str, Sum]) -> Iterator[RenderableType]:
    rows = sum(one.rows for one in sums.values())
    told = f"{rows} rows of {len(sums)} tables are in {place}, and were compared"
    yield marked("ok", told)
    grid = Grid("table", "rows", "checksum")
    for name, one in sorted(sums.items()):
        grid.add_row(plain(name), plain(str(one.rows)), plain(one.checksum, "dim"))
    yield grid
    where = "WAYSTATION_KEY" if settings.key.reveal() else f"{settings.data_dir}/keys.json"
    yield plain(f"  the key is not in the database: give {where} to each service that uses it")
    yield plain("  next: set WAYSTATION_DATABASE_URL for the service, and start it")
    yield plain(f"  {settings.database_path} is kept, and no service starts on it", "dim")

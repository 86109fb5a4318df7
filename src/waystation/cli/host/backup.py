"""waystation backup and restore: copies of this host's database, and putting one back (R39)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType

from waystation.cli.confirming import Yes, confirm, must_ask
from waystation.cli.host.database import require_sqlite
from waystation.cli.host.files import WRITABLE, must_be_new
from waystation.cli.loading import load_settings
from waystation.cli.options import Config, Json
from waystation.cli.screen import Screen, marked, opened, plain
from waystation.errors import ConfigurationError, StoreError

if TYPE_CHECKING:
    import apsw

    from waystation.settings import Settings
    from waystation.store.sqlite.backup import Contents

__all__ = ["backup", "restore"]

_NO_DATABASE = (
    "Set WAYSTATION_DATA_DIR, or --config, as it is set for `waystation serve`; "
    "`waystation doctor` shows where the database is."
)


def backup(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="File to write; without one, a new one in backups/ of the data directory.",
            show_default=False,
        ),
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Copy the database into a file, also beside a running service.

    The copy holds no key: keep keys.json of the data directory, or WAYSTATION_KEY,
    apart from it. Without the key a backup gives nobody a Discord token.
    """
    with opened(as_json) as screen:
        from waystation.store.sqlite.backup import back_up, look_into

        settings = load_settings(config)
        require_sqlite(settings, "backup")
        with _told(settings):
            target = file or _new_file(settings)
            must_be_new(target)
            with _connected(settings) as connection:
                back_up(connection, target)
            found = look_into(target)
        size = target.stat().st_size
        screen.answer(
            {"backup": str(target), "bytes": size, **_as_json(found)},
            marked("ok", f"{target}: {_counted(found)}, {size / 1e6:.1f} MB"),
            plain("  keep the key apart from it: keys.json, or WAYSTATION_KEY", "dim"),
        )


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File of `waystation backup`.")],
    yes: Yes = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Put a backup in the place of the database, while no service runs.

    The database of now is kept as a backup. The next `serve` ends the jobs that
    were open in the backup as failed; what was asked since then is not asked
    again. The key must be the one of the backup's time, or a later one that was
    rotated from it.
    """
    with opened(as_json) as screen:
        from waystation.store.sqlite.backup import look_into, put_back
        from waystation.store.sqlite.migrate import migrations

        settings = load_settings(config)
        require_sqlite(settings, "restore")
        with _told(settings):
            found = look_into(file)
            _check_key(settings, found)
            if not yes:
                _ask(screen, settings, found)
            kept = put_back(
                file, settings.database_path, _new_file(settings), migrations()[-1].number
            )
        lines: list[RenderableType] = [
            marked("ok", f"{settings.database_path} is {file} now: {_counted(found)}")
        ]
        if kept:
            lines.append(plain(f"  the database of before: {kept}", "dim"))
        if found.open_jobs:
            lines.append(plain(f"  the next start ends {found.open_jobs} open jobs", "dim"))
        answer = {"database": str(settings.database_path), "kept": str(kept) if kept else None}
        screen.answer({**answer, **_as_json(found)}, *lines)


def _ask(screen: Screen, settings: Settings, found: Contents) -> None:
    must_ask(screen, "give --yes to restore without a question")
    question = f"Replace {settings.database_path} by {_counted(found)}?"
    confirm(screen, question, "Nothing was changed.")


def _check_key(settings: Settings, found: Contents) -> None:
    from waystation.vault import open_vault

    if found.check is not None:
        key = settings.key if settings.key.reveal() else None
        open_vault(settings.data_dir, sealed_rows_exist=True, check=found.check, key=key)


def _new_file(settings: Settings) -> Path:
    from waystation.clock import SystemClock
    from waystation.store.sqlite.migrate import backup_name

    directory = settings.database_path.parent / "backups"
    if not settings.database_path.exists():
        return directory / "waystation.db"
    with _connected(settings) as connection:
        return directory / backup_name(connection, SystemClock().now())


@contextmanager
def _connected(settings: Settings) -> Iterator[apsw.Connection]:
    from waystation.store.sqlite.database import connect

    if not settings.database_path.exists():
        raise ConfigurationError(
            f"There is no database {settings.database_path}", details=_NO_DATABASE
        )
    connection = connect(settings.database_path, read_only=True)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _told(settings: Settings) -> Iterator[None]:
    import apsw

    try:
        yield
    except apsw.Error as error:
        raise StoreError(
            f"The database {settings.database_path} cannot be copied", details=str(error)
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"The file {error.filename} cannot be used: {error.strerror}",
            details=WRITABLE,
        ) from error


def _counted(found: Contents) -> str:
    return f"{found.users} users, {found.accounts} accounts, {found.jobs} jobs"


def _as_json(found: Contents) -> dict[str, object]:
    return {
        "schema": found.schema,
        "users": found.users,
        "accounts": found.accounts,
        "jobs": found.jobs,
        "open_jobs": found.open_jobs,
    }

"""waystation restored: say that this host's database is a copy of an earlier moment (R39)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from waystation.cli.confirming import Yes, confirm, must_ask
from waystation.cli.host.database import database_name, must_be_there
from waystation.cli.loading import load_settings
from waystation.cli.options import Config, Json
from waystation.cli.screen import marked, opened, plain
from waystation.errors import StoreError

if TYPE_CHECKING:
    from waystation.settings import Settings

__all__ = ["restored"]


def restored(yes: Yes = False, config: Config = None, as_json: Json = False) -> None:
    """Declare the database a restored copy, while no service runs.

    The next `serve` ends the jobs that are open in it as failed: they may have gone
    on since the copy was made. Use it after a restore that Waystation cannot
    notice (`pg_restore --data-only`), or to use a SQLite file again that was moved.
    """
    with opened(as_json) as screen:
        settings = load_settings(config)
        name = database_name(settings)
        if not yes:
            must_ask(screen, "give --yes to declare it without a question")
            confirm(
                screen, f"End all open jobs of {name} at the next start?", "Nothing was changed."
            )
        _declare(settings)
        screen.answer(
            {"database": name},
            marked("ok", f"{name} is a restored copy now"),
            plain("  the next start ends its open jobs", "dim"),
        )


def _declare(settings: Settings) -> None:
    url = settings.postgresql_url
    if url is not None:
        import asyncio

        from waystation.app.state import require_postgresql

        require_postgresql()
        from waystation.store.postgresql.restored import declare as declare_on_server

        asyncio.run(declare_on_server(url, connect_s=settings.database_connect_s))
        return
    import apsw

    from waystation.store.sqlite.restored import declare

    path = settings.database_path
    must_be_there(path)
    try:
        declare(path)
    except apsw.Error as error:
        raise StoreError(f"The database {path} cannot be used", details=str(error)) from error

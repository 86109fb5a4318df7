"""Host: this host's database, opened for one command, also beside a running service (R39)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from msgspec import to_builtins

from waystation.cli.loading import load_settings
from waystation.cli.options import Config
from waystation.cli.screen import Screen
from waystation.contract import instant
from waystation.errors import ConfigurationError, NotFound

if TYPE_CHECKING:
    from waystation.app import State
    from waystation.ports import User
    from waystation.settings import Settings

__all__ = ["database_name", "find", "must_be_there", "on_host", "require_sqlite", "user_json"]

_T = TypeVar("_T")

_NO_DATABASE = (
    "Set WAYSTATION_DATA_DIR, or --config, as it is set for `waystation serve`; for a new "
    "installation `waystation users add` makes a database."
)

_THERE = "Set WAYSTATION_DATA_DIR, or --config, as it is set for `waystation serve`."

_NEW_DATABASE = (
    "The token is good for a service that uses this database. If yours uses another one, set "
    "WAYSTATION_DATA_DIR as it is set for `waystation serve`, and add the user there."
)

_OTHER_DATABASE = (
    "Set WAYSTATION_DATA_DIR as it is set for `waystation serve`, if it uses another one."
)

_DUMP = (
    "Use PostgreSQL's own tools, pg_dump and pg_restore: docs/postgresql.md says how. "
    "Keep the key apart from the dump: keys.json of the data directory, or WAYSTATION_KEY."
)


def on_host(
    config: Config, work: Callable[[State], Awaitable[_T]], making: Screen | None = None
) -> _T:
    """Open this host's database, also beside a running server (R39), and do one thing with it.

    Args: making: where to tell that there was no database and one was made; None: it must exist
    Raises: ConfigurationError: there is no database
    """
    from waystation import app as service
    from waystation import logs

    async def run() -> _T:
        async with service.open_state(found) as state:
            return await work(state)

    found = load_settings(config)
    path = found.database_path
    is_new = found.postgresql_url is None and not os.path.exists(path)  # noqa: PTH110 - Path.exists raises where it may not look
    if is_new and making is None:
        raise ConfigurationError(f"There is no database at {path}", details=_NO_DATABASE)
    logs.configure("warning", "console")
    answer = asyncio.run(run())
    if is_new and making is not None:
        making.note(f"made the database {path}")
        making.note(_NEW_DATABASE)
    return answer


def database_name(settings: Settings) -> str:
    """Return the database of the settings in words, without a password."""
    if settings.postgresql_url is None:
        return str(settings.database_path)
    from waystation.store.postgresql.place import place_of

    return str(place_of(settings.postgresql_url))


def must_be_there(path: Path) -> None:
    """Make sure that there is a SQLite file. Raises: ConfigurationError."""
    if not os.path.exists(path):  # noqa: PTH110 - Path.exists raises where it may not look
        raise ConfigurationError(f"There is no database {path}", details=_THERE)


def require_sqlite(settings: Settings, command: str) -> None:
    """Make sure that the database is a file. Raises: ConfigurationError."""
    if settings.postgresql_url is not None:
        raise ConfigurationError(
            f"`waystation {command}` copies SQLite files, and the database is "
            f"{database_name(settings)}",
            details=_DUMP,
        )


async def find(state: State, who: str) -> User:
    """Return the user with that e-mail address or id. Raises: NotFound."""
    for user in await state.store.list_users():
        if who in (str(user.user_id), user.email):
            return user
    raise NotFound(f"There is no user {who} in {state.store.name}", details=_OTHER_DATABASE)


def user_json(user: User) -> dict[str, object]:
    """Return a user as `--json` shows it."""
    return {
        "id": user.user_id,
        "email": user.email,
        "name": user.name,
        "admin": user.is_admin,
        "queue": {
            "on": user.queues,
            "weight": user.queue_weight,
            "priority": user.queue_priority,
        },
        "created": instant(user.created_at),
        "expires": instant(user.expires_at) if user.expires_at else None,
        "revoked": instant(user.revoked_at) if user.revoked_at else None,
        **({} if user.quotas is None else {"limits": to_builtins(user.quotas)}),
    }

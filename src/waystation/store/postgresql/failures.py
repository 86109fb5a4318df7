"""Failures: why a PostgreSQL database cannot be opened, and what to do about it."""

from __future__ import annotations

import re
from typing import Any, Final

import asyncpg

from waystation.errors import StoreError
from waystation.store.postgresql.place import place_of

__all__ = ["OLDEST", "not_opened", "too_old", "version_of"]

OLDEST: Final = 15
"""The oldest version of PostgreSQL that Waystation runs on."""

_URL: Final = "WAYSTATION_DATABASE_URL"

_NO_DATABASE: Final = re.compile('no such database|database ".*" does not exist')
"""Words of PgBouncer, whose errors have one code."""


def version_of(connection: Any) -> tuple[int, str]:
    """Return the first number of a server's version, and the version as its users say it."""
    version = connection.get_server_version()
    # since 10 a version has two numbers, and the driver gives the second one as its third
    return version.major, f"{version.major}.{version.minor or version.micro}"


def too_old(url: str, version: str) -> StoreError:
    """Return the error of a server whose version is too old."""
    return StoreError(
        f"The PostgreSQL server at {place_of(url).server} has version {version}; Waystation needs "
        f"{OLDEST} or newer",
        details=f"Upgrade the server, or set {_URL} to a newer one.",
    )


def not_opened(url: str, error: Exception) -> StoreError:
    """Return the error of a database that cannot be opened, in words that hold no password."""
    told, mend = _reason(url, error)
    failure = StoreError(told, details=mend)
    failure.__cause__ = error
    return failure


def _reason(url: str, error: Exception) -> tuple[str, str]:
    try:
        place = place_of(url)
    except ValueError:
        return "The PostgreSQL database cannot be used: its URL is not valid", f"Correct {_URL}."
    said = str(getattr(error, "message", None) or error)
    at = f"the PostgreSQL server at {place.server}"
    if "statement pooling mode" in said:
        return (
            f"PgBouncer at {place.server} is in statement mode, which allows no transaction",
            "Set pool_mode = transaction in pgbouncer.ini.",
        )
    if "pg_trgm" in said:
        return (
            f"The search needs the extension pg_trgm, which {at} does not let {place.user} make",
            "Install PostgreSQL's contrib package, then let an administrator run CREATE EXTENSION "
            f"pg_trgm in the database {place.database}.",
        )
    if isinstance(error, asyncpg.InvalidCatalogNameError) or _NO_DATABASE.search(said):
        return (
            f"There is no database {place.database} on {at}",
            f"Make it with `createdb {place.database}`, or correct {_URL}.",
        )
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError) or "auth" in said:
        return (
            f"The PostgreSQL database cannot be used: {at} refused user or password",
            f"Correct them in {_URL}, or allow the user in pg_hba.conf.",
        )
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return (
            f"The user {place.user} may not do what Waystation needs in the database "
            f"{place.database}: {said}",
            f"Make the user the owner: ALTER DATABASE {place.database} OWNER TO {place.user}.",
        )
    if isinstance(error, asyncpg.TooManyConnectionsError):
        return (
            f"All connections of {at} are in use",
            "Lower WAYSTATION_DATABASE_CONNECTIONS, raise max_connections of the server, or put "
            "PgBouncer in between.",
        )
    if isinstance(error, asyncpg.CannotConnectNowError):
        return f"The PostgreSQL database cannot be used: {at} starts or stops", "Try again."
    if isinstance(error, OSError | TimeoutError | asyncpg.PostgresConnectionError):
        reason = said or "no answer in time"
        return (
            f"The PostgreSQL database cannot be used: {at} cannot be reached ({reason})",
            f"Start the server, or correct {_URL}.",
        )
    return f"The PostgreSQL database {place} cannot be used: {said}", f"Look at {at}."

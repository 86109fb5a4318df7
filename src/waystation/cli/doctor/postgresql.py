"""The doctor's findings on a PostgreSQL database: version, pooler, clock and schema."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Final

from waystation.app.state import require_postgresql
from waystation.cli.doctor.findings import Finding, error, ok, warning
from waystation.errors import WaystationError
from waystation.settings import Settings

__all__ = ["look_at_postgresql"]

_MOST_APART_S: Final = 2.0
"""Clocks further apart than this make times of the database and of the log hard to compare. Our
choice: leases go by the database's clock alone."""


async def look_at_postgresql(
    settings: Settings, url: str, now: Callable[[], datetime]
) -> AsyncIterator[Finding]:
    """Yield what is found; unless it is fine, what needs a database cannot be looked at."""
    try:
        require_postgresql()
        from waystation.store.postgresql.migrate import migrations
        from waystation.store.postgresql.place import place_of
        from waystation.store.postgresql.probe import probe

        facts = await probe(url, now, settings.database_connect_s)
    except WaystationError as failure:
        yield error(failure.message, str(failure.details or "Correct WAYSTATION_DATABASE_URL."))
        return
    pooler = f", behind a pooler in {facts.pooling} mode" if facts.pooling != "none" else ""
    known = migrations()[-1].number
    yield ok(f"{place_of(url)}, PostgreSQL {facts.version}{pooler}, schema {facts.schema}")
    if not facts.schema:
        yield warning(f"the database {place_of(url)} is empty", "`waystation serve` sets it up.")
    elif facts.schema > known:
        yield error(
            f"a newer version made the database (schema {facts.schema}, this one knows {known})",
            "Run the newer Waystation.",
        )
    elif facts.schema < known:
        yield error(
            f"the schema is {facts.schema}, this version needs {known}", "`waystation migrate`"
        )
    if facts.pooling == "session":
        yield warning(
            "the pooler keeps a server connection for each of Waystation's",
            "Set pool_mode = transaction in pgbouncer.ini, or connect to the server itself.",
        )
    if abs(facts.ahead_s) > _MOST_APART_S:
        side = "ahead of" if facts.ahead_s > 0 else "behind"
        yield warning(
            f"the server's clock is {abs(facts.ahead_s):.1f} s {side} this host's",
            "Synchronise both with NTP.",
        )

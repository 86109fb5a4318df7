"""The doctor's findings on a PostgreSQL database: version, pooler, schema, clock and wakes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Final

from waystation.app.state import require_postgresql
from waystation.cli.doctor.findings import Finding, error, ok, remark, warning
from waystation.errors import WaystationError
from waystation.settings import Settings

if TYPE_CHECKING:
    from waystation.store.postgresql.probe import Facts

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
        yield remark(
            "the pooler keeps a server connection for each of Waystation's",
            "Set pool_mode = transaction in pgbouncer.ini, or connect to the server itself.",
        )
    if facts.is_copy:
        yield remark(
            "the database is a copy of another one, or was declared one",
            "The next `waystation serve` ends the jobs that are open in it.",
        )
    yield _clock(facts.ahead_s)
    yield _wakes(facts)


def _clock(ahead_s: float) -> Finding:
    side = "ahead of" if ahead_s > 0 else "behind"
    if abs(ahead_s) > _MOST_APART_S:
        what = f"the server's clock is {abs(ahead_s):.1f} s {side} this host's"
        return remark(what, "Synchronise both with NTP.")
    return ok(f"the server's clock is {abs(ahead_s) * 1000:.0f} ms {side} this host's")


def _wakes(facts: Facts) -> Finding:
    if facts.wake_s is not None:
        return ok(f"a node wakes {facts.wake_s * 1000:.1f} ms after another's NOTIFY")
    if facts.pooling == "none":
        return remark(
            "NOTIFY does not arrive: nodes look at the rows every second",
            "Look whether something stands between this host and the server.",
        )
    return ok("nodes look at the rows every second: NOTIFY does not pass the pooler")

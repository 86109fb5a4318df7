"""Frozen: ends the writes of a process that has stopped in the middle of a message.

How it works: a statement that is new to a connection goes to the server in two messages, the text
and then the values. A process that is frozen in between keeps the rows of its transaction, and no
timeout of the server counts: it is not idle in its transaction, and waits for no lock. So whoever
waits too long for a row ends connections of Waystation on which the server has waited as long for
the rest of a message.

asyncpg sends Parse and Describe with a Flush, and Bind and Execute after the answer.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from typing import Final

__all__ = ["APPLICATION", "end_frozen"]

APPLICATION: Final = "waystation"
"""Name of each connection of the pool, by which it is known to others."""


def end_frozen(silent_s: float) -> str:
    """Return the statement that ends such connections, and counts them.

    It needs no right but those of the role that all nodes have. A process that was only slow runs
    its transaction again. Args: silent_s: how long the server has waited, in seconds
    """
    return (
        "select count(pg_terminate_backend(pid)) from pg_stat_activity"  # noqa: S608
        " where datname = current_database() and usename = current_user"
        f" and application_name = '{APPLICATION}' and pid <> pg_backend_pid()"
        " and state = 'active' and wait_event = 'ClientRead' and backend_xid is not null"
        f" and query_start < clock_timestamp() - interval '{silent_s} seconds'"
    )

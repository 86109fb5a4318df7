"""The doctor's findings on this host: settings, data directory, database, key, users."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path

import apsw

from waystation.app.state import key_place
from waystation.cli.doctor.findings import Finding, error, ok, warning
from waystation.errors import SchemaMismatch, VaultError, WaystationError
from waystation.ports import Counts, User
from waystation.settings import Settings
from waystation.store.sqlite.database import connect
from waystation.store.sqlite.migrate import migrations, schema_number
from waystation.vault import KEY_FILE

__all__ = ["look_at_database", "look_at_key", "look_at_settings", "look_at_traces", "look_at_users"]

_PUT_BACK = "Put back a backup: `waystation restore FILE`."

_ELSEWHERE = "If yours is elsewhere, set WAYSTATION_DATA_DIR as it is set for the service."

_LEAST_FREE_BYTES = 200 * 1024 * 1024
"""Below this a day's jobs and a backup may not fit. Our choice."""


def look_at_settings(settings: Settings) -> Iterator[Finding]:
    """Yield what is odd about the settings and the data directory."""
    yield from (warning(text, "Rename or unset the variable.") for text in settings.warnings)
    if not _is_loopback(settings.host):
        yield warning(
            f"the service listens on {settings.host}: others on the network can reach it",
            "Put a reverse proxy with TLS in front, or set WAYSTATION_HOST=127.0.0.1.",
        )
    if settings.pacing_s == 0 and settings.discord_url.startswith("https:"):
        yield warning(
            "submissions to Discord are not paced", "Unset WAYSTATION_PACING_S, except in tests."
        )
    if settings.discord_url.startswith("https:"):
        yield from _look_at_leftovers(settings)
    yield from _look_at_directory(settings.data_dir)


def _look_at_leftovers(settings: Settings) -> Iterator[Finding]:
    """Yield what a trial with the simulator has left in the environment of a real service."""
    if settings.midjourney_cdn_url.startswith("http:"):
        yield warning(
            f"imageUx and videoUx would point to {settings.midjourney_cdn_url}",
            "Unset WAYSTATION_MIDJOURNEY_CDN_URL, except with the simulator.",
        )
    if any(network.is_loopback for network in settings.reachable_networks):
        yield warning(
            "callers' URLs can reach this host's own services",
            "Unset WAYSTATION_ALLOW_NETWORKS, except on a machine that you alone use.",
        )


def look_at_database(settings: Settings) -> Iterator[Finding]:
    """Yield what is found; unless it is fine, what needs a database cannot be looked at."""
    path = settings.database_path
    if not os.path.exists(path):  # noqa: PTH110 - Path.exists raises where it may not look
        mend = f"`waystation serve` makes it. {_ELSEWHERE}"
        yield warning(f"there is no database {path} yet", mend)
        return
    try:
        connection = connect(path, read_only=True)
        try:
            found, known = schema_number(connection), migrations()[-1].number
            damage = connection.execute("pragma quick_check(1)").fetchall()[0][0]
        finally:
            connection.close()
    except apsw.Error as failure:
        yield error(f"{path} cannot be read: {failure}", _PUT_BACK)
        return
    if damage != "ok":
        yield error(f"{path} is damaged: {damage}", _PUT_BACK)
    elif found > known:
        yield error(
            f"a newer version made the database (schema {found}, this one knows {known})",
            "Run the newer Waystation, or put back the backup that it made.",
        )
    elif found < known:
        yield error(f"the schema is {found}, this version needs {known}", "`waystation migrate`")
    else:
        yield ok(f"{path}, schema {found}")
    yield from _look_at_modes(settings)


def _look_at_modes(settings: Settings) -> Iterator[Finding]:
    """Yield the files with prompts, sealed tokens and keys that others on this host may use."""
    database = settings.database_path
    beside = (database.with_name(f"{database.name}{end}") for end in ("-wal", "-shm"))
    for path in (database, *beside, settings.data_dir / KEY_FILE, database.parent / "backups"):
        try:
            mode = path.stat().st_mode
        except OSError:
            continue
        mend = f"chmod go-rwx {path}"
        if mode & 0o022:
            yield error(f"others on this host may change {path}", mend)
        elif mode & 0o055 and path.name == KEY_FILE:
            yield error(f"others on this host may read {path}: nothing opens it so", mend)
        elif mode & 0o055:
            yield warning(f"others on this host may read {path}", mend)


def look_at_key(settings: Settings, failure: WaystationError | None) -> Iterator[Finding]:
    """Yield whether the key ring fits the database.

    Args: failure: what opening them together raised
    """
    if isinstance(failure, VaultError):
        what, ends, mend = failure.message.partition(". ")
        yield error(what, mend) if ends else error("the key does not fit the database", what)
    elif failure is not None:
        mend = "`waystation migrate`" if isinstance(failure, SchemaMismatch) else "See above."
        yield error(failure.message, mend)
    else:
        yield ok(f"{key_place(settings)} opens what the database holds; keep a copy apart from it")


def look_at_traces(settings: Settings) -> Finding:
    """Return where traces of jobs go."""
    if not settings.otlp_endpoint:
        return ok("off; WAYSTATION_OTLP_ENDPOINT names a collector")
    if not _has_exporter():
        return error(
            f"they cannot go to {settings.otlp_endpoint}: OpenTelemetry is not installed",
            "`pip install --require-hashes -r requirements/otel.txt`, or unset "
            "WAYSTATION_OTLP_ENDPOINT.",
        )
    return ok(f"go to {settings.otlp_endpoint}/v1/traces")


def _has_exporter() -> bool:
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:
        return False


def look_at_users(users: Sequence[User], counts: Counts, now: datetime) -> Iterator[Finding]:
    """Yield who may call, and what waits."""
    kept = [user for user in users if user.revoked_at is None]
    expired = [user for user in kept if user.expires_at is not None and user.expires_at <= now]
    if len(kept) > len(expired):
        yield ok(f"{len(kept) - len(expired)} with a token that works")
    elif not users:
        yield warning("nobody can call the API yet", "`waystation users add --email EMAIL`")
    elif not kept:
        only = len(users) == 1
        whose = "token of the only user is" if only else f"tokens of all {len(users)} users are"
        yield warning(
            f"the {whose} revoked: nobody can call the API",
            f"`waystation users rotate {users[0].email}` gives that user a new token",
        )
    for user in expired:
        yield warning(
            f"the subscription of {user.email} ended {user.expires_at:%Y-%m-%d %H:%M} UTC",
            f"`waystation users expire {user.email} --on DATE`, or --never in place of a date",
        )
    if counts.unrecognised:
        yield warning(
            f"{counts.unrecognised} bot messages that nobody understood are kept",
            "The bot's wording may have changed: look for a newer Waystation.",
        )


def _look_at_directory(path: Path) -> Iterator[Finding]:
    if not os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises where it may not look
        yield _look_at_missing(path)
        return
    if not os.access(path, os.W_OK | os.X_OK):
        yield error(f"{path} cannot be written", f"Give it to this user: chown -R $USER {path}")
    if path.stat().st_mode & 0o007:
        yield warning(f"others on this host may enter {path}", f"chmod o-rwx {path}")
    free = shutil.disk_usage(path).free
    if free < _LEAST_FREE_BYTES:
        mebibytes = free // (1024 * 1024)
        yield error(f"only {mebibytes} MiB are free in {path}", "Make room on that disk.")


def _look_at_missing(path: Path) -> Finding:
    """Return whether the data directory can be made."""
    mend = "Set WAYSTATION_DATA_DIR to a directory that this user may write."
    nearest = next(each for each in (path, *path.absolute().parents) if os.path.lexists(each))
    if not os.path.isdir(nearest):  # noqa: PTH112 - as above
        return error(f"{path} cannot be made: {nearest} is not a directory", mend)
    if not os.access(nearest, os.W_OK | os.X_OK):
        return error(f"{path} cannot be made: {nearest} cannot be written", mend)
    return warning(f"there is no data directory {path} yet", "`waystation serve` makes it.")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

"""A PostgreSQL server to throw away, and a PgBouncer before it.

Both run as an unprivileged user where the tests run as root, listen on sockets in a folder of their
own, and end with the process that has started them, however that ends.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

__all__ = ["NOT_INSTALLED", "TOOLS", "Cluster", "cluster", "needs_postgresql", "put_away"]

_FOUND = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
_BOUNCER = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")

TOOLS = _FOUND[-1].parent if _FOUND else Path("/usr/bin")
"""The folder of the server's own commands."""

NOT_INSTALLED = "PostgreSQL and PgBouncer are not installed: nothing was tried on them"

_MUST = bool(os.environ.get("TESTS_NEED_POSTGRESQL"))
"""CI sets it: a test that needs them fails there, instead of being skipped."""

needs_postgresql = [
    pytest.mark.skipif(not (_MUST or (_FOUND and _BOUNCER)), reason=NOT_INSTALLED),
    # one server for all tests that need it: those of a group run in one process
    pytest.mark.xdist_group("postgresql"),
]
"""Marks of a test on a real server."""

_USER = "postgres"
_PORT, _POOLED_PORT = 5432, 6432
"""Numbers in the names of the sockets; no port is taken."""

_POOL_SIZE = 2
_QUERY_S = 6
"""Servers behind PgBouncer: so few that what a transaction leaves behind meets the next one."""

_STARTS_WITHIN_S = 30.0


class Cluster:
    """A running server and the pooler before it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._server = self._started()
        self._numbers = count(1)

    def make(self) -> str:
        """Return the name of a new, empty database."""
        name = f"test_{next(self._numbers)}"
        self.say(f'create database "{name}"')
        return name

    def drop(self, name: str) -> None:
        """Delete a database, with everyone's connections to it."""
        self.say(f'drop database if exists "{name}" with (force)')

    def url(self, name: str) -> str:
        """Return where a database is."""
        return f"postgresql://{_USER}@/{name}?host={self.folder}&port={_PORT}"

    def pooled_url(self, name: str) -> str:
        """Return where a database is behind PgBouncer, in transaction mode."""
        return f"postgresql://{_USER}@/{name}?host={self.folder}&port={_POOLED_PORT}"

    def cut_off(self) -> None:
        """End each connection to a database of a test, as an operator may."""
        self.say(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname like 'test%'"
        )

    def restart(self) -> None:
        """Stop the server at once, and start it again."""
        self.stop()
        self._server = self._started()

    def stop(self) -> None:
        """Stop the server: connections are cut, and what is not committed is undone."""
        _stop(self._server)

    def _started(self) -> subprocess.Popen[bytes]:
        server = _start(self.folder, "server", _tool("postgres"), *_server_options(self.folder))
        _wait(self.folder, server, _PORT)
        return server

    def say(self, statement: str, name: str = "postgres") -> str:
        """Run one statement and return what it printed."""
        done = subprocess.run(
            [_tool("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement, self.url(name)],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()


@contextlib.contextmanager
def put_away(cluster: Cluster) -> Iterator[str]:
    """Make a database, and delete it at the end."""
    name = cluster.make()
    try:
        yield name
    finally:
        cluster.drop(name)


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """Start a server with a pooler, and stop both at the end."""
    if not (_FOUND and _BOUNCER):
        raise RuntimeError(NOT_INSTALLED)
    # not pytest's folder: the name of a socket has 107 characters at most
    folder = Path(tempfile.mkdtemp(prefix="waystation-pg-"))
    try:
        if os.geteuid() == 0:
            owner = pwd.getpwnam(_USER)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        made = ["--auth=trust", f"--username={_USER}", "--encoding=UTF8", "--locale=C.UTF-8"]
        _as_user(_tool("initdb"), *made, "--no-instructions", "-D", str(folder / "data"))
        running = Cluster(folder)
        try:
            bouncer = _start(folder, "bouncer", str(_BOUNCER), "-q", str(_configured(folder)))
            try:
                _wait(folder, bouncer, _POOLED_PORT)
                yield running
            finally:
                _stop(bouncer)
        finally:
            running.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _server_options(folder: Path) -> list[str]:
    # fsync stays on: a commit is what it is in production
    options = {"listen_addresses": "", "unix_socket_directories": folder, "port": _PORT}
    sizes = {"shared_buffers": "32MB", "max_connections": 120, "deadlock_timeout": "100ms"}
    set_ = [f"{name}={value}" for name, value in {**options, **sizes}.items()]
    return ["-D", str(folder / "data"), *(part for one in set_ for part in ("-c", one))]


def _configured(folder: Path) -> Path:
    path = folder / "pgbouncer.ini"
    path.write_text(
        f"[databases]\n* = host={folder} port={_PORT} user={_USER}\n"
        "[pgbouncer]\nauth_type = any\npool_mode = transaction\n"
        f"default_pool_size = {_POOL_SIZE}\nmax_client_conn = 200\n"
        # a client that is frozen in the middle of a message must not keep a connection for ever
        f"query_timeout = {_QUERY_S}\n"
        f"listen_addr =\nlisten_port = {_POOLED_PORT}\nunix_socket_dir = {folder}\n"
    )
    path.chmod(0o644)
    return path


def _tool(name: str) -> str:
    return str(_FOUND[-1].with_name(name))


def _command(*arguments: str) -> list[str]:
    """Return a command as the unprivileged user, which ends with us."""
    user = [f"--reuid={_USER}", f"--regid={_USER}", "--init-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *user, "--pdeathsig=INT", *arguments]


def _as_user(*arguments: str) -> None:
    done = subprocess.run(_command(*arguments), cwd="/", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def _start(folder: Path, name: str, *arguments: str) -> subprocess.Popen[bytes]:
    with (folder / f"{name}.log").open("wb") as told:
        # a group of its own: an interrupt at the keyboard is the tests' to answer
        return subprocess.Popen(
            _command(*arguments),
            cwd="/",
            stdout=told,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _wait(folder: Path, process: subprocess.Popen[bytes], port: int) -> None:
    """Wait until it lets clients in."""
    end = time.monotonic() + _STARTS_WITHIN_S
    ready = [_tool("pg_isready"), "-q", "-h", str(folder), "-p", str(port), "-U", _USER]
    while subprocess.run(ready).returncode != 0:
        said = "".join(one.read_text(errors="replace") for one in folder.glob("*.log"))
        assert process.poll() is None, said
        assert time.monotonic() < end, said


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(2)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

"""Environments of their own for programs in Python that must not share ours: locked by hash."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

__all__ = ["environment"]

HERE = Path(__file__).parent
INSTALL_S = 300.0


def environment(folder: Path) -> Path:
    """Return the interpreter that has what `client.txt` of a folder locks, installed once."""
    lock, place = folder / "client.txt", HERE.parents[1] / ".venv" / "clients" / folder.name
    wanted, stamp = lock.read_bytes(), place / ".lock-of-install"
    python = place / "bin" / "python"
    with lock.open() as one_at_a_time:
        # Two test processes must not write the same folder at once.
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_bytes() == wanted:
            return python
        uv = Path(sys.executable).with_name("uv")
        _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, place)
        install = (uv, "pip", "install", "--quiet", "--no-deps", "--require-hashes")
        # One package that a client needs is published as source alone; uv builds it.
        _run(*install, "--python", python, "-r", lock)
        stamp.write_bytes(wanted)
    return python


def _run(*command: str | Path) -> None:
    run = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S)
    assert run.returncode == 0, run.stderr

"""Packages of npm, locked by version and hash, for programs that are run unmodified."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest

__all__ = ["install"]


def install(folder: Path) -> None:
    """Install the locked packages, by version and hash, unless they are there already."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip(f"Node.js and npm are not installed: the client of {folder.name} was NOT run")
    wanted = (folder / "package-lock.json").read_bytes()
    stamp = folder / "node_modules" / ".lock-of-install"
    with (folder / "package.json").open() as one_at_a_time:
        # Two test processes must not write the same folder at once.
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_bytes() == wanted:
            return
        install = [npm, "ci", "--ignore-scripts"]
        run = subprocess.run(install, cwd=folder, capture_output=True, text=True, timeout=300)
        assert run.returncode == 0, run.stderr
        stamp.write_bytes(wanted)

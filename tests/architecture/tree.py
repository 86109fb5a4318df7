"""The repository as the architecture tests see it."""

from __future__ import annotations

import subprocess
from pathlib import Path

__all__ = ["PACKAGE", "ROOT", "modules", "published"]

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "waystation"

_UNPUBLISHED = {".git", ".venv", "node_modules", "__pycache__", "build", "dist"}


def modules(*without: str) -> list[str]:
    """Return the package's modules as paths below it, except those under `without`."""
    found = (path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))
    return sorted(path for path in found if not path.startswith(without))


def published() -> list[Path]:
    """Return every file that is, or would be, committed; from the tree where git is missing."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout.decode()
        found = [ROOT / name for name in listed.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        found = [path for path in ROOT.rglob("*") if not _UNPUBLISHED & set(path.parts)]
    return [path for path in found if path.is_file()]

"""The doctor's finding on copies of the files of jobs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from waystation.app.limits import copy_bounds
from waystation.cli.doctor.findings import Finding, ok, warning
from waystation.media.copying import LEAST_FREE_BYTES, LEAST_FREE_SHARE
from waystation.settings import Settings

__all__ = ["look_at_copies"]

_GIB = 1024**3


def look_at_copies(settings: Settings) -> Finding:
    """Return where copies lie, or why none are made."""
    folder = settings.copies_folder
    if folder is None:
        return ok("no copies of files are kept; each is read from Discord while it is there")
    place = _existing(folder)
    if not os.access(place, os.W_OK | os.X_OK):
        return warning(
            f"copies of files cannot be kept in {folder}: this user may not write {place}",
            "Set WAYSTATION_MEDIA to local:<a folder that the service may write>, or to refresh.",
        )
    usage = shutil.disk_usage(place)
    least = max(LEAST_FREE_BYTES, int(usage.total * LEAST_FREE_SHARE))
    if usage.free < least:
        return warning(
            f"copies of files are not kept: {place} has {usage.free / _GIB:.1f} GiB free, and "
            f"copies leave {least / _GIB:.1f} GiB to others",
            "Make room, or set WAYSTATION_MEDIA to a folder on a larger disk.",
        )
    if settings.postgresql_url is not None:
        return warning(
            f"copies of files lie in {folder} on this machine",
            "Mount the same folder on each machine that runs a node, or set "
            "WAYSTATION_MEDIA=refresh. With one machine nothing is to be done.",
        )
    most = copy_bounds(settings).most / _GIB
    return ok(f"copies of files lie in {folder}, {most:.1f} GiB at most")


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest above it that exists: the service makes the rest."""
    for place in (folder, *folder.parents):
        if place.is_dir():
            return place
    return Path("/")

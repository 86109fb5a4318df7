"""`make demo` says that it installs, and where; nothing else but the demo is printed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.documents.readme import ROOT

_PYTHON = """\
#!/bin/sh
[ "$1" = -c ] && exit 0
mkdir -p "$3/bin"
for each in python pip; do printf '#!/bin/sh\\n' > "$3/bin/$each"; done
printf '#!/bin/sh\\necho "ran $*"\\n' > "$3/bin/waystation"
chmod +x "$3"/bin/*
"""
"""Stands in for Python: makes an environment whose pip does nothing."""


def _make(place: Path, task: str) -> str:
    command = ["make", "--no-print-directory", task, "PYTHON=./python"]
    environment = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        command, cwd=place, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout


def test_the_first_demo_says_that_it_installs_and_where_and_the_next_is_quiet(
    tmp_path: Path,
) -> None:
    for name in ("Makefile", "pyproject.toml", "requirements", "scripts"):
        take = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        take(ROOT / name, tmp_path / name)
    (tmp_path / "python").write_text(_PYTHON)
    (tmp_path / "python").chmod(0o755)
    installs, ran = _make(tmp_path, "demo").splitlines()
    assert installs.startswith(f"Installing Waystation into {tmp_path}/.venv")
    assert ran == "ran demo"
    assert _make(tmp_path, "demo") == "ran demo\n"
    assert _make(tmp_path, "serve") == "ran serve\n"
    said = _make(tmp_path, "install")
    assert said == f"already installed: {tmp_path}/.venv/bin/waystation\n"
    os.utime(tmp_path / ".venv" / "run.stamp", (0, 0))
    said = _make(tmp_path, "install")
    assert said.startswith(f"Installing Waystation into {tmp_path}/.venv") and "already" not in said

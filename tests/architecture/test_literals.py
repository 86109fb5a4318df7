"""What may not be written anywhere, and what only one module may touch."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.tree import PACKAGE, ROOT, modules, published

_HOSTS = re.compile(r"discord\.(com|gg)\b|discord(app|says)")

_INDEXES = ("pypi" + ".org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com")
"""Written in parts, so that this file is none of those it looks for."""

_PLACES = ("/" + "work/", "/" + "root/", "/" + "home/", "/" + "Users/")
_TEXT = {".py", ".md", ".toml", ".txt", ".in", ".json", ".sql", ".sh", ".mjs", ".js", ".yml", ""}

_CLOCKS = {
    "time.time",
    "time.monotonic",
    "time.perf_counter",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
}
_RANDOM = {"random", "secrets", "uuid"}


def _tree(path: str) -> ast.Module:
    return ast.parse((PACKAGE / path).read_text())


def _dotted(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}"


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", modules("settings.py"))
def test_only_the_settings_know_discords_hosts(path: str) -> None:
    assert not _HOSTS.search((PACKAGE / path).read_text())


@pytest.mark.parametrize("path", modules("settings.py"))
def test_only_the_settings_read_the_environment(path: str) -> None:
    tree = _tree(path)
    touched = {*_dotted(tree), *_imported(tree)}
    assert not touched & {"os.environ", "os.environb", "os.getenv", "os.putenv"}


@pytest.mark.parametrize("path", modules("clock.py", "simulator/"))
def test_only_the_clock_touches_time_and_randomness(path: str) -> None:
    tree = _tree(path)
    imported = set(_imported(tree))
    assert not {name for name in imported if name.partition(".")[0] in _RANDOM}
    assert not {*_dotted(tree), *imported} & _CLOCKS


_WALL = {
    "cli/doctor/examination.py": "what this host's clock shows is what is looked at",
    "discord/time.py": "it is what is held against Discord's",
    "engine/accounts.py": "when a sidelined account is on trial is read by people",
    "engine/links.py": "until Discord has told its time",
    "engine/logins.py": "when a subscription ends was written by a person",
    "engine/service.py": "a job's form and id are read by people",
    "outbound/webhooks.py": "receivers hold it against their clocks",
}


@pytest.mark.parametrize("path", modules("clock.py", "ports/", "simulator/"))
def test_what_waits_never_asks_the_wall_clock(path: str) -> None:
    asks = any(
        isinstance(node, ast.Attribute) and node.attr == "wall" for node in ast.walk(_tree(path))
    )
    assert asks == (path in _WALL)


@pytest.mark.parametrize("words", [_INDEXES, _PLACES], ids=["package indexes", "places"])
def test_no_file_names_a_package_index_or_somebodys_machine(words: tuple[str, ...]) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in published()
        if path.suffix in _TEXT
        for word in words
        if word in path.read_text(encoding="utf-8")
    ]
    assert not found


def test_the_looked_for_files_are_there() -> None:
    names = {path.relative_to(ROOT).as_posix() for path in published()}
    assert {"pyproject.toml", "src/waystation/settings.py", "requirements/run.txt"} <= names

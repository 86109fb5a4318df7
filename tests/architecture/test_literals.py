"""Literals that may stand nowhere, and names that one module alone may touch."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

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


class Names(NamedTuple):
    """The names that one module uses."""

    imported: set[str]
    dotted: set[str]
    """Attributes of plain names: `os.environ`."""
    attributes: set[str]


@cache
def _names() -> Mapping[str, Names]:
    """Return what each module names, by its path."""
    found = {path: Names(set(), set(), set()) for path in modules()}
    for path, names in found.items():
        for node in ast.walk(ast.parse((PACKAGE / path).read_text())):
            match node:
                case ast.Attribute(attr=attribute, value=value):
                    names.attributes.add(attribute)
                    if isinstance(value, ast.Name):
                        names.dotted.add(f"{value.id}.{attribute}")
                case ast.Import(names=aliases):
                    names.imported.update(alias.name for alias in aliases)
                case ast.ImportFrom(module=module, names=aliases):
                    names.imported.update(f"{module}.{alias.name}" for alias in aliases)
    return found


def test_only_the_settings_know_discords_hosts() -> None:
    known = [path for path in modules() if _HOSTS.search((PACKAGE / path).read_text())]
    assert known == ["settings.py"]


def test_only_the_settings_read_the_environment() -> None:
    environment = {"os.environ", "os.environb", "os.getenv", "os.putenv"}
    assert [
        path
        for path, names in _names().items()
        if environment & (names.dotted | names.imported) and path != "settings.py"
    ] == []


def test_only_the_clock_touches_time_and_randomness() -> None:
    assert [
        path
        for path in modules("clock.py", "client/repeating.py", "simulator/")
        for names in [_names()[path]]
        if _CLOCKS & (names.dotted | names.imported)
        or _RANDOM & {name.partition(".")[0] for name in names.imported}
    ] == []


_WALL = {
    "cli/doctor/examination.py": "what this host's clock shows is what is looked at",
    "discord/time.py": "it is what is held against Discord's",
    "engine/choice.py": "when a day of a quota ends is told by people's calendars",
    "engine/links.py": "until Discord has told its time",
    "engine/media/serving.py": "when a link ends is written into it, and read by people",
    "engine/logins.py": "when a subscription ends was written by a person",
    "engine/service.py": "when a day of a quota ends is told by people's calendars",
    "engine/queueing/places.py": "when a day of a quota ends is told by people's calendars",
    "engine/outbox/signing.py": "receivers hold it against their clocks",
    "shelf/folder.py": "files carry the time of the machine",
    "store/transactions/quotas.py": "when a limit was changed is read by people",
    "store/transactions/sharing.py": "since when an account is shared is read by people",
    "store/transactions/store.py": "when a user or an account was changed is read by people",
    "outbound/callbacks.py": "a receiver may name a date until which it wants rest",
}


def test_waits_never_ask_the_wall_clock() -> None:
    asking = modules("clock.py", "ports/", "simulator/")
    assert {path for path in asking if "wall" in _names()[path].attributes} == set(_WALL)


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

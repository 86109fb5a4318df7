"""The shape of src: no circles, no crowded folders, no module too long to read."""

from __future__ import annotations

from collections import Counter

import grimp

from tests.architecture.tree import PACKAGE, modules

_GRAPH = grimp.build_graph("waystation", cache_dir=None)
"""Imports, those for type checkers included."""

MOST_MODULES = 25
MOST_LINES = 400

CROWDED: dict[str, int] = {}
"""Folders with more modules, still. A number may shrink."""

LONG = {
    "jobs.py": "the nouns and their fields",
    "midjourney/commands.py": "a table",
    "sentences.py": "a table",
    "settings.py": "a table",
}
"""Longer modules, and why."""


def _circles() -> set[frozenset[str]]:
    """Return the groups of modules that reach each other."""
    reach = {one: _GRAPH.find_downstream_modules(one) for one in _GRAPH.modules}
    groups = (
        frozenset({one, *(other for other in reach[one] if one in reach[other])}) for one in reach
    )
    return {group for group in groups if len(group) > 1}


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert _circles() == set()


def test_no_folder_is_crowded() -> None:
    held = Counter(
        path.rpartition("/")[0] for path in modules() if not path.endswith("__init__.py")
    )
    assert {folder: n for folder, n in held.items() if n > MOST_MODULES} == CROWDED


def test_a_module_can_be_read_in_one_sitting() -> None:
    lines = {path: (PACKAGE / path).read_text(encoding="utf-8").count("\n") for path in modules()}
    long = {path for path, count in lines.items() if count > MOST_LINES}
    assert long - set(LONG) == set(), "divide it"
    assert set(LONG) - long == set(), "take it off LONG"

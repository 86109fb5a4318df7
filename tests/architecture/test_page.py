"""The tree of ARCHITECTURE.md names each module, or the whole folder that it stands in."""

from __future__ import annotations

import re

from tests.architecture.tree import ROOT, modules

_ROW = re.compile(r"^(?P<margin>(?:[│ ]  )*)(?:[├└]─ )?(?P<text>\S.*)$")
_SAID = re.compile(r"\b\w+\.py\b")


def _tree() -> tuple[set[str], set[str]]:
    """Return the folders that have a row, and the modules that are named, below the package."""
    block = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("```")[1]
    folders, named, path = {""}, set[str](), list[str]()
    for line in block.splitlines():
        row = _ROW.match(line)
        if row is None or line.startswith("src/"):
            continue
        depth = len(row["margin"]) // 3
        names = re.match(r"(?:[\w]+(?:\.py|/) *)+", row["text"])
        if "─ " in line or names is not None:
            path = path[:depth]
        folder = "".join(path)
        found = (names[0] if names else "").split()
        if found and found[0].endswith("/"):
            path = [*path[:depth], found[0]]
            folder = "".join(path)
            folders.add(folder)
        named.update(folder + one for one in _SAID.findall(line))
    return folders, named


def test_each_module_stands_in_the_tree_or_in_a_folder_that_is_told_whole() -> None:
    folders, named = _tree()
    listed = {path.rpartition("/")[0] + "/" if "/" in path else "" for path in named}
    told_whole = folders - listed
    lost = []
    for path in modules("simulator"):
        folder = path.rpartition("/")[0] + "/" if "/" in path else ""
        above = [one for one in told_whole if folder.startswith(one) and one]
        if path.endswith(("__init__.py", "__main__.py")) or path in named or above:
            continue
        lost.append(path)
    assert lost == []

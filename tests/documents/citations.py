"""Citations: numbers in code, tests and pages that name a heading of the library in docs/."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.documents.readme import ROOT

__all__ = ["RULES", "Citation", "cited", "headings", "listed", "texts"]

RULES = ROOT / "docs" / "rules.md"

_LAW = re.compile(r"\b[RI][1-9]\d?\b")
_TEXT = {".py", ".sql", ".json", ".md"}
_READ = ("src", "tests", "docs", "benchmarks", "examples", "scripts")
_OWN = Path(__file__).parent


@dataclass(frozen=True)
class Citation:
    """One number, and the file that cites it."""

    path: str
    number: str

    def __str__(self) -> str:
        return f"{self.path}: {self.number}"


@cache
def texts() -> Mapping[str, str]:
    """Return each text of the repository that may cite, by its path; this test's own not."""
    files = [path for name in _READ for path in (ROOT / name).rglob("*")]
    found = [path for path in (*files, *ROOT.glob("*.md")) if path.suffix in _TEXT]
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(found)
        if not (path.parent == _OWN and "citations" in path.name)
    }


def headings(*pages: Path) -> list[str]:
    """Return the numbers that headings of the pages begin with: `## 4.10 Seed` gives 4.10."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    return re.findall(r"^#+ ([RI]?\d+(?:\.\d+)?)\.? ", text, re.M)


def cited(paths: Iterable[str]) -> Iterator[Citation]:
    """Yield the rules and invariants that these files cite."""
    for path in paths:
        for number in sorted(set(_LAW.findall(texts()[path]))):
            yield Citation(path, number)


def listed(heading: str) -> set[str]:
    """Return the rules in the table under a heading of docs/rules.md."""
    page = RULES.read_text(encoding="utf-8")
    section = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| ([RI]\d+) \|", section, re.M))

"""Citations: numbers in code, tests and pages that name a heading of the library in docs/.

A citation is a rule or an invariant (`R12`, `I4`; docs/rules.md), `wire notes 4.10` (docs/wire) or
`v2 notes 6.3` (docs/v2.md). More numbers may follow: `wire notes 3.2, 4.7 and 5.1`, `2.2 to 2.6`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.documents.readme import ROOT

__all__ = [
    "BOOKS",
    "Citation",
    "cited",
    "headings",
    "listed",
    "published",
    "section",
    "sources",
    "texts",
]

DOCS = ROOT / "docs"

BOOKS: Mapping[str, tuple[Path, ...]] = {
    "rules": (DOCS / "rules.md",),
    "wire notes": tuple(sorted((DOCS / "wire").glob("*.md"))),
    "v2 notes": (DOCS / "v2.md",),
}
"""Name of a book → its pages."""

_LAW = re.compile(r"\b[RI][1-9]\d?\b")
_THEN = r"(?:,|;| and| to) "
_WIRE = r"\d{1,2}\.\d{1,2}(?!\d)"
_V2 = r"\d{1,2}(?:\.\d{1,2})?(?![\d.]*\d)"
_NOTES = {
    "wire notes": re.compile(rf"(?<!v2 )\bnotes (\d[\d.]*(?:{_THEN}{_WIRE})*)", re.I),
    "v2 notes": re.compile(rf"\bv2 notes (\d[\d.]*(?:{_THEN}{_V2})*)"),
}
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SOURCE = re.compile(r"\bSources?: (.+?)(?:\"\"\"|\n\s*\n|\Z)", re.S)
_BROKEN = re.compile(r"\n\s*(?:#:? )?")
_TEXT = {".py", ".sql", ".json", ".md"}
_READ = ("src", "tests", "docs", "benchmarks", "examples", "scripts")
_OWN = Path(__file__).parent


@dataclass(frozen=True)
class Citation:
    """One number of a book, and the file that cites it."""

    path: str
    book: str
    number: str

    def __str__(self) -> str:
        return f"{self.path}: {self.book} {self.number}"


@cache
def texts() -> Mapping[str, str]:
    """Return each text of the repository that may cite, by its path; the tests of this not."""
    files = [path for name in _READ for path in (ROOT / name).rglob("*")]
    found = [path for path in (*files, *ROOT.glob("*.md")) if path.suffix in _TEXT]
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(found)
        if not (path.parent == _OWN and "citations" in path.name)
    }


def headings(book: str) -> list[str]:
    """Return the numbers that headings of a book begin with: `## 4.10 Seed` gives 4.10."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in BOOKS[book])
    return re.findall(r"^#{2,3} ([RI]?\d+(?:\.\d+)?) \S", text, re.M)


@cache
def cited(text: str, path: str = "") -> Sequence[Citation]:
    """Return what a text cites, each number once."""
    whole = _BROKEN.sub(" ", text)
    found = [("rules", number) for number in sorted(set(_LAW.findall(whole)))]
    for book, form in _NOTES.items():
        lists = " ".join(form.findall(whole))
        found += [(book, number) for number in sorted(set(_NUMBER.findall(lists)))]
    return [Citation(path, book, number) for book, number in found]


def sources(path: str) -> Iterable[str]:
    """Return the texts that say where a fact is from: a golden's field, `Source:` elsewhere."""
    text = texts()[path]
    if path.startswith("tests/golden/") and path.endswith(".json"):
        return [str(json.loads(text)["source"])]
    return [_BROKEN.sub(" ", source) for source in _SOURCE.findall(text)]


def section(number: str) -> str:
    """Return what stands under a heading of the wire notes. Raises: KeyError"""
    for page in BOOKS["wire notes"]:
        parts = page.read_text(encoding="utf-8").split(f"\n## {number} ")
        if len(parts) == 2:
            return parts[1].split("\n## ")[0]
    raise KeyError(number)


def published() -> tuple[str, ...]:
    """Return the names of published works that a source may begin with (wire notes 0.1)."""
    names = re.findall(r"^\| ([^|]+?) \|", section("0.1"), re.M)
    return tuple(name for name in names if name not in ("name", "---"))


def listed(heading: str) -> set[str]:
    """Return the rules in the table under a heading of docs/rules.md."""
    page = BOOKS["rules"][0].read_text(encoding="utf-8")
    table = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| ([RI]\d+) \|", table, re.M))

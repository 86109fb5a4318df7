"""A citation in code, tests or pages names a heading of the library in docs/."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests.documents.citations import (
    BOOKS,
    DOCS,
    cited,
    headings,
    listed,
    published,
    section,
    sources,
    texts,
)
from tests.documents.readme import ROOT
from waystation.midjourney.commands import COMMANDS
from waystation.midjourney.refusals import ERRORS
from waystation.midjourney.replies import REPLIES

NOT_BUILT = {"R47"}
"""Rules that may stand in that list of docs/rules.md; take one out when its code is there."""

UNCITED: set[str] = set()
"""Rules that may stand in that list of docs/rules.md; take one out when a test cites it."""

PLANNED = 9
"""Parts of rules that are marked as planned in docs/rules.md; lower it with each that is built."""


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("a rule (R12, I4)", ["I4", "R12"]),
        ("Source: wire notes 3.2, 4.7 and 5.1.", ["3.2", "4.7", "5.1"]),
        ("wire notes 2.2 to 2.6", ["2.2", "2.6"]),
        ("wire\n# notes 7, 3 for the smaller plans", ["7"]),
        ("v2 notes 6.4, 12, 15; wire notes 4.4", ["4.4", "12", "15", "6.4"]),
        ("v2 notes 3, 422", ["3"]),
    ],
)
def test_a_citation_is_found(text: str, numbers: list[str]) -> None:
    assert [citation.number for citation in cited(text)] == numbers


def test_rules_and_invariants_are_numbered_without_a_gap() -> None:
    wanted = [f"R{n}" for n in range(1, 52)] + [f"I{n}" for n in range(1, 15)]
    assert Counter(headings("rules")) == Counter(dict.fromkeys(wanted, 1))


@pytest.mark.parametrize("book", BOOKS)
def test_a_number_of_a_book_is_that_of_one_heading(book: str) -> None:
    assert [number for number, count in Counter(headings(book)).items() if count > 1] == []


def test_each_citation_has_a_heading() -> None:
    known = {book: set(headings(book)) for book in BOOKS}
    lost = [
        str(citation)
        for path, text in texts().items()
        for citation in cited(text, path)
        if citation.number not in known[citation.book]
    ]
    assert lost == []


def test_no_text_cites_a_case_or_a_paper_from_elsewhere() -> None:
    case = re.compile(
        r"\"\"\"[A-HJ-QS-Z]\d{1,2}[.:,]|# ── .*\([A-HJ-QS-Z]\d{1,2}[,)]|\bcases? [A-Z]\d"
    )
    strange = {
        path: case.findall(text)
        for path, text in texts().items()
        if path.endswith(".py") and case.search(text)
    }
    assert strange == {}


def test_each_golden_cites_the_library() -> None:
    goldens = [path for path in texts() if re.match(r"tests/golden/.+\.json", path)]
    assert len(goldens) > 200
    assert [path for path in goldens if not any(cited(source) for source in sources(path))] == []


def test_a_row_that_a_golden_names_stands_in_its_section() -> None:
    named = [
        (path, *found)
        for path in texts()
        if path.startswith("tests/golden/")
        for source in sources(path)
        for found in re.findall(r"wire notes ([\d.]+), row ([^;:]+)", source)
    ]
    assert len(named) > 30
    assert [(path, row) for path, number, row in named if row not in section(number)] == []


def test_each_row_of_a_table_cites_its_source() -> None:
    rows = (COMMANDS.values(), REPLIES, ERRORS)
    told = [row.source for table in rows for row in table]
    assert [source for source in told if not any(cited(source))] == []


def test_each_tag_of_a_source_is_in_the_table_of_sources() -> None:
    tag = re.compile(r"\b(?:TA|NV|ER|UC|HK|YK|BK|HJ|KN|IH|WM|MU|CI|UD|DD)-[a-z]{2,5}\b")
    known = set(tag.findall(section("0")))
    told = {path: set(tag.findall(text)) for path, text in texts().items()}
    assert {path: tags - known for path, tags in told.items() if tags - known} == {}


def test_decisions_are_numbered_from_one_and_each_number_is_given_once() -> None:
    numbers = sorted(int(path.name[:4]) for path in (DOCS / "adr").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_decision_begins_with_its_number() -> None:
    for path in (DOCS / "adr").glob("*.md"):
        assert path.read_text("utf-8").startswith(f"# {int(path.name[:4])}. "), path.name


def test_a_cited_decision_is_in_docs_adr() -> None:
    known = {int(path.name[:4]) for path in (DOCS / "adr").glob("*.md")}
    lost = [
        f"{path}: ADR {number}"
        for path, text in texts().items()
        for number in re.findall(r"\bADR (\d+)", text)
        if int(number) not in known
    ]
    assert lost == []


def test_a_source_in_code_cites_the_library_or_a_published_work() -> None:
    begins = (*published(), "docs/")
    strange = [
        f"{path}: {source}"
        for path in texts()
        if path.startswith("src/") and path.endswith(".py")
        for source in sources(path)
        if not source.startswith(begins) and not [*cited(source)]
    ]
    assert strange == []


def test_a_page_named_in_code_is_in_the_repository() -> None:
    pages = {path.split("/")[-1] for path in texts() if path.endswith(".md")}
    lost = [
        f"{path}: {page}"
        for path, text in texts().items()
        if path.startswith("src/") and path.endswith(".py")
        for page in re.findall(r"([\w-]+\.md)\b", text)
        if page not in pages
    ]
    assert lost == []


def test_the_index_of_the_wire_notes_leads_to_each_heading() -> None:
    index = (DOCS / "wire" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\d.]+) \| .+ \| \[[\w-]+\]\(([\w-]+\.md)#\S+\) \|$", index, re.M)
    told = {
        (number, page.name)
        for page in BOOKS["wire notes"]
        for number in re.findall(r"^## ([\d.]+) \S", page.read_text(encoding="utf-8"), re.M)
    }
    assert set(rows) == told


_LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")


def _slug(heading: str) -> str:
    plain = heading.replace("&lt;", "<").replace("&gt;", ">").replace("`", "").lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def test_a_link_between_pages_leads_to_a_heading() -> None:
    lost = []
    for path, text in texts().items():
        if not path.endswith(".md") or path.startswith("tests/"):
            continue
        prose = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.S)
        for page, anchor in _LINK.findall(prose):
            target = (ROOT / path).parent / page if page else ROOT / path
            if not target.exists():
                lost.append(f"{path}: {page}")
            elif anchor:
                titles = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.M)
                if anchor not in map(_slug, titles):
                    lost.append(f"{path}: {page}#{anchor}")
    assert lost == []


def test_each_rule_that_has_code_is_cited_by_a_test() -> None:
    test = re.compile(r"tests/(.+/test_\w+\.py|golden/.+\.json)")
    tests = {path: text for path, text in texts().items() if test.fullmatch(path)}
    named = {citation.number for path, text in tests.items() for citation in cited(text, path)}
    assert set(headings("rules")) - named == listed("Not built yet") | listed(
        "No test cites it yet"
    )


def test_names_and_sentences_in_the_rules_are_those_of_the_code() -> None:
    page = (DOCS / "rules.md").read_text(encoding="utf-8")
    built = re.sub(r"^### (R47) .*?(?=^##)", "", page, flags=re.M | re.S)
    built = built.split("\n## Not built yet\n")[0]
    built = re.sub(r"\*Planned:\*.*?(?=\n- |\n\n)", "", built, flags=re.S)
    quoted = {" ".join(span.split()) for span in re.findall(r"`([^`]+)`", built)}
    code = "\n".join(text for path, text in texts().items() if path.startswith("src/"))
    code += texts()["docs/api.md"]
    assert len(quoted) > 50
    paths = {span for span in quoted if (ROOT / span).is_file()}
    own = {span: re.sub(r"(?<=[a-z])(?=[A-Z])", "_", span).lower() for span in quoted - paths}
    assert sorted(span for span in own if span not in code and own[span] not in code) == []


def test_the_lists_of_rules_without_a_test_do_not_grow() -> None:
    assert listed("Not built yet") <= NOT_BUILT
    assert listed("No test cites it yet") <= UNCITED


@pytest.mark.parametrize("name", ["README.md", "docs/rules.md", "docs/postgresql.md"])
def test_each_page_says_the_same_of_how_many_processes_serve_a_database(name: str) -> None:
    page = " ".join((ROOT / name).read_text("utf-8").split())
    said = "One process serves a SQLite file; several nodes can serve one PostgreSQL database."
    assert said in page


def test_parts_of_rules_that_are_planned_do_not_grow() -> None:
    page = (DOCS / "rules.md").read_text(encoding="utf-8")
    assert page.count("*Planned:*") == PLANNED
    rules = re.split(r"^(?=#+ )", page, flags=re.M)
    parts = {rule.split()[1] for rule in rules if "*Planned:*" in rule}
    assert parts == listed("Planned parts")

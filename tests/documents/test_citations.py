"""A citation in code, tests or pages names a heading of the library in docs/."""

from __future__ import annotations

from collections import Counter

from tests.documents.citations import RULES, cited, headings, listed, texts

NOT_BUILT = {"R11", "R47"}
"""Rules that may stand in that list of docs/rules.md; take one out when its code is there."""

UNCITED: set[str] = set()
"""Rules that may stand in that list of docs/rules.md; take one out when a test cites it."""


def test_rules_and_invariants_are_numbered_without_a_gap() -> None:
    wanted = [f"R{n}" for n in range(1, 52)] + [f"I{n}" for n in range(1, 15)]
    assert Counter(headings(RULES)) == Counter(dict.fromkeys(wanted, 1))


def test_each_cited_rule_has_a_heading() -> None:
    known = set(headings(RULES))
    assert [str(citation) for citation in cited(texts()) if citation.number not in known] == []


def test_each_rule_that_has_code_is_cited_by_a_test() -> None:
    tests = [path for path in texts() if path.startswith("tests/")]
    uncited = set(headings(RULES)) - {citation.number for citation in cited(tests)}
    assert uncited == listed("Not built yet") | listed("No test cites it yet")


def test_the_lists_of_rules_without_a_test_do_not_grow() -> None:
    assert listed("Not built yet") <= NOT_BUILT
    assert listed("No test cites it yet") <= UNCITED

"""The table of refusals; what each row fits is tried in discord/test_answers.py."""

from __future__ import annotations

from waystation.discord_refusals import MEANINGS, REFUSALS


def test_the_last_row_fits_whatever_is_there() -> None:
    last = REFUSALS[-1]
    assert (last.statuses, last.codes, last.key, last.no_json) == (
        frozenset(),
        frozenset(),
        None,
        False,
    )


def test_a_row_looks_at_numbers_and_names_of_codes_but_never_at_words() -> None:
    for row in REFUSALS:
        assert all(400 <= status < 500 for status in row.statuses)
        assert all(code.isdecimal() or code == code.upper() for code in row.codes)


def test_a_halt_ends_its_job_with_596() -> None:
    assert {one.error.status for one in MEANINGS.values() if one.halt} == {596}
    assert [kind for kind, one in MEANINGS.items() if one.of_account] == ["account"]

from __future__ import annotations

from waystation.api.operation import GUARDED, OPEN, Operation, text


def test_a_row_answers_the_errors_of_all_that_it_does() -> None:
    row = Operation("one", "Do it.", {200: None}, (*GUARDED, "takes a reference"))
    assert row.guarded
    assert row.refusals[401] == ("Unauthorized",)
    assert "replyUrl is not a valid http or https URL" in row.refusals[400]
    assert list(row.refusals) == sorted(row.refusals)


def test_bad_input_has_the_status_of_the_row() -> None:
    row = Operation("one", "Do it.", {200: None}, ("takes a reference",), bad_input_status=412)
    assert 412 in row.refusals and 400 not in row.refusals


def test_an_open_row_wants_no_token() -> None:
    assert not Operation("one", "Do it.", {200: None}, OPEN).guarded


def test_a_text_says_its_length_and_more() -> None:
    assert text(5, minLength=1) == {"type": "string", "maxLength": 5, "minLength": 1}

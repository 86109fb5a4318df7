from __future__ import annotations

import pytest

from waystation.store.postgresql.named import compiled


def test_a_name_has_one_number_however_often_it_stands() -> None:
    made = compiled("select a from t where a = :first and b = :second or c = :first")
    assert made.text == "select a from t where a = $1 and b = $2 or c = $1"
    assert made.names == ("first", "second")


@pytest.mark.parametrize(
    "text",
    ["select a::text", "select ':name'", "select 'it''s :name'", "select 1 -- of :name\n"],
)
def test_casts_texts_and_comments_are_left_alone(text: str) -> None:
    assert compiled(text) == (text, ())


def test_a_cast_of_a_value_stays() -> None:
    assert compiled("select :ids::text::json").text == "select $1::text::json"


def test_values_go_to_their_places_and_others_are_left_out() -> None:
    made = compiled("select :b, :a, :b")
    assert made.arguments({"a": 1, "b": None, "c": 3}) == [None, 1]
    assert compiled("select 1").arguments(None) == []


def test_a_value_that_is_not_given_is_an_error_not_null() -> None:
    with pytest.raises(KeyError):
        compiled("select :a").arguments({"b": 1})

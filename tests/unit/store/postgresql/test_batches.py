from __future__ import annotations

import pytest

from waystation.store.postgresql.batches import batched, effect_of, in_order
from waystation.store.postgresql.database import queries
from waystation.store.postgresql.named import compiled

ADD = "insert into marks (name) values (:name);"
ADD_UNLESS_THERE = "insert into marks (name) values (:name) on conflict do nothing"
CHANGE = "update marks set number = 1 where name = :name"
OTHER = "delete from others where name = :name"
FROM_MARKS = "insert into others (name) select name from marks -- a comment, others"
TWO_TABLES = """
with raised as (update users set number = number + 1 where name = ')' returning number)
insert into others (number, name) select number, :name from raised;
"""


def order(*texts: str) -> list[list[int]]:
    return [list(places) for places in in_order([effect_of(text) for text in texts])]


@pytest.mark.parametrize(
    ("texts", "batches"),
    [
        ((), []),
        ((ADD, OTHER, ADD), [[0, 1, 2]]),
        ((ADD, CHANGE), [[0], [1]]),
        ((CHANGE, ADD), [[0], [1]]),
        ((CHANGE, CHANGE), [[0], [1]]),
        ((ADD_UNLESS_THERE, ADD), [[0], [1]]),
        ((CHANGE, OTHER), [[0, 1]]),
        ((ADD, FROM_MARKS), [[0], [1]]),
        ((FROM_MARKS, ADD), [[0, 1]]),
        ((TWO_TABLES, OTHER, CHANGE), [[0, 2], [1]]),
        ((ADD, CHANGE, FROM_MARKS, OTHER), [[0], [1], [2], [3]]),
        ((CHANGE, ADD, OTHER), [[0, 2], [1]]),
    ],
)
def test_a_statement_runs_behind_those_that_change_its_tables(
    texts: tuple[str, ...], batches: list[list[int]]
) -> None:
    assert order(*texts) == batches


def test_a_batch_holds_each_statement_with_places_of_its_own() -> None:
    made = batched([compiled(one) for one in (ADD, TWO_TABLES, OTHER)])
    assert made.names == ("name", "name", "name")
    assert " ".join(made.text.split()) == (
        "with step_0 as (insert into marks (name) values ($1) returning 1), "
        "raised as (update users set number = number + 1 where name = ')' returning number), "
        "step_1 as (insert into others (number, name) select number, $2 from raised returning 1), "
        "step_2 as (delete from others where name = $3 returning 1) "
        "select (select count(*) from step_0), (select count(*) from step_1), "
        "(select count(*) from step_2)"
    )


def test_comments_and_several_parts_of_with_are_told_apart() -> None:
    two = "with a as materialized (select 1), b as (select (2)) -- (\nupdate marks set number = :n"
    assert batched([compiled(two)]).text.startswith(
        "with a as materialized (select 1), b as (select (2)), step_0 as (update marks set"
    )


@pytest.mark.parametrize(
    "text", ["delete from marks returning name", "with a as (select 1 update marks set b = 1"]
)
def test_a_statement_that_is_no_part_of_a_batch_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="marks"):
        batched([compiled(text)])


def test_no_two_queries_have_the_same_name_for_a_part_of_with_that_changes_rows() -> None:
    """Two statements may come into one batch."""
    names = ("index_job", "place_events")
    parts = [batched([queries()[name]]).text.split()[1] for name in names]
    assert len(set(parts)) == len(names)

from __future__ import annotations

from waystation.api.search_operations import SEARCH_OPERATIONS


def test_the_search_wants_a_token_and_can_refuse_a_query() -> None:
    (row,) = SEARCH_OPERATIONS.values()
    assert row.guarded
    assert {400, 401, 402} <= set(row.refusals)
    assert all(not field.required for field in row.query)

from __future__ import annotations

from waystation.api.delivery_operations import DELIVERY_OPERATIONS


def test_each_path_of_deliveries_wants_a_token() -> None:
    for route, row in DELIVERY_OPERATIONS.items():
        assert " /v2/deliveries" in route
        assert row.guarded
        assert {401, 402} <= set(row.refusals), route

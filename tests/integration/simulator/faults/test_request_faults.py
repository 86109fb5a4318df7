from __future__ import annotations

import pytest

from waystation.simulator.faults.fault import Fault, Place
from waystation.simulator.faults.request_faults import REQUEST_FAULTS


@pytest.mark.parametrize("row", REQUEST_FAULTS, ids=lambda row: row.name)
def test_a_row_answers_in_place_of_a_route(row: Fault) -> None:
    assert row.place is Place.HTTP
    assert row.params["route"] == "interactions"
    assert row.script is None and row.http is not None
    effect = row.http(row.params)
    assert effect.reset or effect.status >= 400
    assert effect.executes is row.name.endswith("_after")

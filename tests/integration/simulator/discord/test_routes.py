from __future__ import annotations

import pytest

from waystation.simulator.discord.routes import ROUTES, Route
from waystation.simulator.doors.rest import Rest


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_a_route_has_an_answer_and_a_major_part_that_is_in_its_path(route: Route) -> None:
    assert callable(getattr(Rest, route.answer))
    assert route.major == "" or f"{{{route.major}}}" in route.path


def test_no_route_is_there_twice() -> None:
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)

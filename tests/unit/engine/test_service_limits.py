from __future__ import annotations

from tests.build import replace
from tests.limits import SERVICE
from waystation.engine.intake import MOST_URLS


def test_one_request_can_have_all_its_pictures_while_nobody_else_has_any() -> None:
    few = replace(SERVICE, pictures_per_user=1, pictures=1, picture_bytes=10)
    assert few.fetched_bytes == (MOST_URLS * 10, 2 * MOST_URLS * 10)
    many = replace(SERVICE, pictures_per_user=50, pictures=200, picture_bytes=10)
    assert many.fetched_bytes == (500, 2000)

from __future__ import annotations

import pytest

from waystation.quotas import Quota, slots_of


def test_a_limit_of_what_goes_on_at_once_has_no_window() -> None:
    quota = Quota("requests", 256, 0)
    assert (quota.window_s, quota.resets_s, quota.partition) == (None, None, "")


def test_a_quota_is_a_value() -> None:
    assert Quota("jobs", 3, 1, 60) == Quota("jobs", 3, 1, 60)
    with pytest.raises(AttributeError):
        Quota("jobs", 3, 1, 60).left = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("asked", "may_raise", "slots"),
    [(None, True, 3), (None, False, 3), (2, True, 2), (2, False, 2), (9, True, 9), (9, False, 3)],
)
def test_a_request_may_lower_how_many_slots_count(
    asked: int | None, may_raise: bool, slots: int
) -> None:
    assert slots_of(asked, 3, may_raise=may_raise) == slots

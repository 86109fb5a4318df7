from __future__ import annotations

import pytest

from waystation.quotas import Quota


def test_a_limit_of_what_goes_on_at_once_has_no_window() -> None:
    quota = Quota("requests", 256, 0)
    assert (quota.window_s, quota.resets_s, quota.partition) == (None, None, "")


def test_a_quota_is_a_value() -> None:
    assert Quota("jobs", 3, 1, 60) == Quota("jobs", 3, 1, 60)
    with pytest.raises(AttributeError):
        Quota("jobs", 3, 1, 60).left = 2  # type: ignore[misc]

from __future__ import annotations

import pytest

from waystation.simulator.options import Options


@pytest.mark.parametrize("speed", [0.0, 0.99, 1000.1, -1.0])
def test_a_speed_out_of_range_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match=r"speed must lie in 1\.\.1000"):
        Options(speed=speed)


@pytest.mark.parametrize("speed", [1.0, 60.0, 1000.0])
def test_a_speed_in_range_is_taken(speed: float) -> None:
    assert Options(speed=speed).speed == speed


@pytest.mark.parametrize("wrong", [{"accounts": 0}, {"bots": -1}])
def test_there_is_always_somebody(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least one account"):
        Options(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [63, 2049])
def test_a_picture_size_out_of_range_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=r"must lie in 64\.\.2048"):
        Options(picture_size=size)

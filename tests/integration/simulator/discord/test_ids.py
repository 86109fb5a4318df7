from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

from waystation.simulator.discord.ids import Ids
from waystation.wire.snowflake import is_snowflake, snowflake_time

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def _ids(seed: int = 1) -> Ids:
    return Ids(seed, lambda: NOON)


def test_snowflakes_only_grow_even_within_one_millisecond() -> None:
    ids = _ids()
    made = [int(ids.snowflake()) for _ in range(10_000)]
    assert made == sorted(set(made))


def test_snowflakes_carry_the_time_they_were_made_at() -> None:
    assert abs(snowflake_time(_ids().snowflake()) - NOON) < timedelta(milliseconds=1)


def test_a_clock_that_goes_back_makes_no_smaller_snowflake() -> None:
    moment = [NOON]
    ids = Ids(1, lambda: moment[0])
    first = int(ids.snowflake())
    moment[0] -= timedelta(hours=1)
    assert int(ids.snowflake()) == first + 1


def test_equal_seeds_make_equal_ids() -> None:
    def draw(seed: int) -> list[object]:
        ids = _ids(seed)
        made = [ids.snowflake(), ids.uuid("a"), ids.hexadecimal("b"), ids.landmark(5)]
        return [*made, ids.token("42"), ids.rng("c").random()]

    assert draw(3) == draw(3)
    assert all(one != other for one, other in zip(draw(3), draw(4), strict=True))


def test_a_new_seed_changes_what_follows() -> None:
    ids = _ids(3)
    ids.reseed(4)
    assert ids.uuid("a") == _ids(4).uuid("a")


def test_a_token_names_its_user_first() -> None:
    head, stamp, mac = _ids().token("1234567890123456789").split(".")
    assert base64.urlsafe_b64decode(head + "==") == b"1234567890123456789"
    assert (len(stamp), len(mac)) == (6, 38)


def test_landmarks_are_snowflakes() -> None:
    assert is_snowflake(_ids().landmark(7))

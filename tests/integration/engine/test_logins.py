from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.house import House, house
from waystation.errors import SubscriptionExpired, Throttled, Unauthorized


async def test_a_token_is_known_by_its_secret(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        user = await here.here.store.add_user(
            "bob@example.org", here.sealer.hash_token("s3cret"), here.here.clock.now()
        )
        found = await here.logins.authenticate(f"Bearer user:{user.user_id}-s3cret", "peer")
        assert found.email == "bob@example.org"
        for wrong in (
            None,
            "",
            "Basic user:2-s3cret",
            f"Bearer user:{user.user_id}-other",
            f"Bearer user:{user.user_id}-",
            f"Bearer other:{user.user_id}-s3cret",
            "Bearer user:x-s3cret",
            f"Bearer user:{'9' * 19}-s3cret",
            "Bearer user:99-s3cret",
        ):
            with pytest.raises(Unauthorized):
                await here.logins.authenticate(wrong, "peer")
        await here.here.store.change_user(user.user_id, {"expires_at": here.here.clock.now()})
        with pytest.raises(SubscriptionExpired):
            await here.logins.authenticate(f"Bearer user:{user.user_id}-s3cret", "peer")
        await here.here.store.change_user(user.user_id, {"revoked_at": here.here.clock.now()})
        with pytest.raises(Unauthorized):
            await here.logins.authenticate(f"Bearer user:{user.user_id}-s3cret", "peer")


async def test_a_flood_of_failed_logins_is_throttled_for_a_minute(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        for _ in range(30):
            with pytest.raises(Unauthorized):
                await here.logins.authenticate("Bearer user:1-no", "192.0.2.7")
        with pytest.raises(Throttled):
            await here.logins.authenticate("Bearer user:1-no", "192.0.2.7")
        with pytest.raises(Unauthorized):
            await here.logins.authenticate("Bearer user:1-no", "192.0.2.8")
        here.here.clock.advance(61)
        with pytest.raises(Unauthorized):
            await here.logins.authenticate("Bearer user:1-no", "192.0.2.7")


async def test_a_users_own_record_changes_only_where_asked(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.logins.update_user(await here.user(), "Ada", "https://example.org/hook")
        await here.logins.update_user(await here.user(), None, None)
        user = await here.user()
        assert (user.name, user.reply_url) == ("Ada", "https://example.org/hook")
        await here.logins.update_user(user, None, "")
        assert (await here.user()).reply_url is None


async def test_a_profile_set_while_the_token_is_rotated_keeps_the_new_token(tmp_path: Path) -> None:
    """R44."""
    async with house(tmp_path) as here:
        read_earlier = await here.user()
        now = here.here.clock.now()
        await here.here.store.change_user(1, {"token_hash": b"rotated", "revoked_at": now})
        await here.logins.update_user(read_earlier, "Ada", None)
        user = await here.user()
        assert (user.token_hash, user.revoked_at, user.name) == (b"rotated", now, "Ada")


async def fail(here: House, peer: str) -> None:
    with pytest.raises((Unauthorized, Throttled)):
        await here.logins.authenticate("Bearer user:1-no", peer)


@pytest.mark.parametrize(
    ("peers", "other"),
    [
        # one caller has a whole /64
        ([f"2001:db8:1:2::{number:x}" for number in range(30)], "2001:db8:1:3::1"),
        (["192.0.2.7", "::ffff:192.0.2.7"] * 15, "192.0.2.8"),
        # what a proxy passes on may be anything
        ([f"{number}" + "x" * 60_000 for number in range(30)], "192.0.2.8"),
    ],
)
async def test_failures_are_counted_by_where_a_caller_is(
    tmp_path: Path, peers: list[str], other: str
) -> None:
    async with house(tmp_path) as here:
        for peer in peers:
            await fail(here, peer)
        with pytest.raises(Throttled):
            await here.logins.authenticate("Bearer user:1-no", peers[0])
        with pytest.raises(Unauthorized):
            await here.logins.authenticate("Bearer user:1-no", other)
        assert all(len(key) <= 64 for key in here.logins._failures._own._moments)

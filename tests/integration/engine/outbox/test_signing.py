from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.fakes import START
from tests.harness.due_store import callback
from tests.harness.house import House, house
from waystation.engine.deliveries import FORMER_SIGNS, SIGNING_AT_ONCE
from waystation.engine.outbox.signing import Signing
from waystation.errors import Throttled
from waystation.signatures import as_text, signatures


def signing(here: House) -> Signing:
    return Signing(here.here.store.deliveries, here.sealer, here.here.clock)


async def signed_by(here: House) -> list[str]:
    """Return the signatures of an attempt now."""
    headers = await signing(here).headers(callback())
    return headers.get("webhook-signature", "").split()


async def test_headers_say_id_time_and_number_and_nothing_is_signed_without_a_secret(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as here:
        here.here.clock.set_wall(timedelta(hours=3))
        assert await signing(here).headers(callback()) == {
            "webhook-id": "callback-1",
            "webhook-timestamp": str(int((START + timedelta(hours=3)).timestamp())),
            "waystation-sequence": "0",
        }


async def test_a_secret_signs_from_its_first_moment(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        text = await here.deliveries.new_secret(await here.user())
        (row,) = await here.deliveries.secrets(await here.user())
        secret = here.sealer.unseal("signing_secrets", row.secret_id, row.sealed)
        assert as_text(secret) == text.reveal()
        at = int(START.timestamp())
        assert await signed_by(here) == [signatures([secret], "callback-1", at, callback().body)]


async def test_a_replaced_secret_signs_for_a_day_beside_the_new_one(tmp_path: Path) -> None:
    """Lesson of others: a receiver that has not learnt the new secret drops nothing."""
    async with house(tmp_path) as here:
        user, clock = await here.user(), here.here.clock
        await here.deliveries.new_secret(user)
        (first,) = await signed_by(here)
        await here.deliveries.new_secret(user)
        second, former = await signed_by(here)
        assert former == first != second
        clock.advance(FORMER_SIGNS.total_seconds() - 1)
        assert len(await signed_by(here)) == 2
        clock.advance(1)
        assert len(await signed_by(here)) == 1


async def test_a_secret_signs_for_its_user_alone(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        eve = await here.here.store.add_user("eve@example.org", b"h", here.here.clock.now())
        await here.deliveries.new_secret(eve)
        assert await signed_by(here) == []
        assert await here.deliveries.secrets(await here.user()) == []


async def test_few_secrets_sign_at_once(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as here:
        user, clock = await here.user(), here.here.clock
        for _ in range(SIGNING_AT_ONCE):
            await here.deliveries.new_secret(user)
            clock.advance(60)
        before = await signed_by(here)
        with pytest.raises(Throttled, match="6 signing secrets") as refused:
            await here.deliveries.new_secret(user)
        assert await signed_by(here) == before
        # the first was replaced a minute after it was made
        wait_s = FORMER_SIGNS.total_seconds() - (SIGNING_AT_ONCE - 1) * 60
        assert refused.value.retry_after_s == 3600
        clock.advance(wait_s)
        await here.deliveries.new_secret(user)
        assert len(await here.deliveries.secrets(user)) == SIGNING_AT_ONCE


async def test_secrets_that_sign_nothing_are_deleted(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        user, store, now = await here.user(), here.here.store, here.here.clock.now()
        for _ in range(3):
            await here.deliveries.new_secret(user)
        await store.deliveries.purge(now + FORMER_SIGNS - timedelta(seconds=1), now)
        assert len(await here.deliveries.secrets(user)) == 3
        await store.deliveries.purge(now + FORMER_SIGNS, now)
        (left,) = await here.deliveries.secrets(user)
        assert left.ends_at is None

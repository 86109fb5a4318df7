"""A user's record while an admin changes it: neither undoes what the other did (R44)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from tests.e2e.conftest import Install, Installation, Person
from tests.e2e.databases import on_postgresql_too, on_sqlite_alone
from waystation.app import open_state
from waystation.clock import SystemIds
from waystation.store.sqlite.store import SqliteStore

pytestmark = on_postgresql_too

BODY = json.dumps({"name": "Ada", "replyUrl": ""}).encode()


class Slow:
    """A `POST /v2/account` whose body comes in two parts."""

    async def begin(self, person: Person) -> None:
        host, _, port = person.url.removeprefix("http://").partition(":")
        self._reader, self._writer = await asyncio.open_connection(host, int(port))
        head = (
            "POST /v2/account HTTP/1.1\r\nHost: waystation\r\n"
            f"Authorization: Bearer {person.token}\r\nContent-Length: {len(BODY)}\r\n\r\n"
        )
        self._writer.write(head.encode() + BODY[:5])
        await self._writer.drain()

    async def finish(self) -> int:
        """Send the rest and return the status."""
        self._writer.write(BODY[5:])
        status = int((await self._reader.readline()).split()[1])
        self._writer.close()
        await self._writer.wait_closed()
        return status


async def revoke(here: Installation, person: Person) -> None:
    await here.change(person, revoked_at=datetime.now(UTC))


async def rotate(here: Installation, person: Person) -> None:
    secret = SystemIds().token(32)
    async with open_state(here.settings) as state:
        await here.change(person, token_hash=state.vault.hash_token(secret))


async def expire(here: Installation, person: Person) -> None:
    await here.change(person, expires_at=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(("ends", "status"), [(revoke, 401), (rotate, 401), (expire, 402)])
async def test_a_token_that_ends_while_a_body_arrives_stays_ended(
    install: Install, ends: Callable[[Installation, Person], Awaitable[None]], status: int
) -> None:
    async with install() as here:
        ada, slow = await here.person(), Slow()
        await slow.begin(ada)
        # the head was read and the token looked at before anything that is asked after it
        assert (await ada.call("GET", "/v2/jobs"))[0] == 200
        await ends(here, ada)
        assert await slow.finish() == status
        for _ in range(2):
            assert (await ada.call("GET", "/v2/jobs"))[0] == status


@on_sqlite_alone
async def test_a_rotation_between_reading_and_writing_a_profile_is_kept(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = SqliteStore.change_user
    async with install() as here:
        ada = await here.person()
        secret = SystemIds().token(32)

        async def change_after_the_rotation(store: SqliteStore, *given: object) -> None:
            monkeypatch.undo()
            async with open_state(here.settings) as state:
                await here.change(ada, token_hash=state.vault.hash_token(secret))
            await change(store, *given)  # type: ignore[arg-type]

        monkeypatch.setattr(SqliteStore, "change_user", change_after_the_rotation)
        assert (await ada.call("POST", "/v2/account", {"name": "Ada"}))[0] == 204
        assert (await ada.call("GET", "/v2/jobs"))[0] == 401
        ada.token = f"user:{ada.user_id}-{secret}"
        status, record, _ = await ada.call("GET", "/v2/account")
        assert (status, record["name"]) == (200, "Ada")

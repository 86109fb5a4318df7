"""The client without await."""

from __future__ import annotations

import asyncio

from tests.integration.client.conftest import JOB, TOKEN, Stub
from waystation.client import Client, SyncClient


async def test_the_blocking_client_does_the_same(stub: Stub) -> None:
    stub.say(200, {"jobid": JOB, "status": "started"})
    stub.say(200, {"jobid": JOB, "status": "completed"})

    def use() -> tuple[str, str]:
        with SyncClient(stub.url, TOKEN) as client:
            job = client.describe("https://example.org/a.png")
            return job["status"], client.wait(job["jobid"])["status"]

    assert await asyncio.to_thread(use) == ("started", "completed")


def test_the_blocking_client_has_every_call_of_the_other() -> None:
    def calls(kind: type) -> set[str]:
        return {name for name in vars(kind) if not name.startswith("_")}

    assert calls(SyncClient) == calls(Client)

"""Customers with accounts of their own, and requests that are judged by the document."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from schemathesis.core.transport import Response

from tests.e2e.conftest import Installation, Person
from tests.e2e.described import Described
from waystation.simulator.discord.world import Account

__all__ = ["Customer", "Shop", "account_body"]

THREADS = 64


@dataclass(frozen=True)
class Customer:
    """A user of the API with a Discord account that nobody else uses."""

    person: Person
    number: int
    account: Account

    @property
    def token(self) -> str:
        return self.person.token

    @property
    def channel(self) -> str:
        return self.account.channel_id


class Shop:
    """Makes customers, each once, and asks the service in threads."""

    def __init__(self, here: Installation) -> None:
        self.here = here
        self.api: Described
        self._next = 0
        self._threads = ThreadPoolExecutor(THREADS)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Shop]:
        try:
            self.api = await self.threaded(Described, self.here.url)
            yield self
        finally:
            # not waiting: what is asked is answered by this thread's loop
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def threaded(self, function: Callable[..., Any], *arguments: Any) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: function(*arguments))

    async def customer(self, *, equipped: bool = True) -> Customer:
        """Return a new user, whose Discord account is set up."""
        number, self._next = self._next, self._next + 1
        person = await self.here.person(f"customer-{number}@example.org")
        customer = Customer(person, number, self.here.sim.accounts[number])
        if equipped:
            path = {"channel": customer.channel}
            body = account_body(customer)
            route = "POST /v2/account/midjourney/{channel}"
            answer = await self.ask(route, customer, path_parameters=path, body=body)
            assert answer.status_code == 204, answer.text
        return customer

    async def ask(self, route: str, who: Customer | str | None, **sent: Any) -> Response:
        """Send one request of our own making and have its answer judged."""
        token = who.token if isinstance(who, Customer) else who
        case = self.api.case(route, **sent)
        answer: Response = await self.threaded(self.api.call, case, token)
        return answer

    async def see(self, status: int, route: str, who: Customer | str | None, **sent: Any) -> Any:
        """Send a request that must be answered with this status; return the decoded body."""
        answer = await self.ask(route, who, **sent)
        assert answer.status_code == status, f"{route} {sent}: {answer.content!r:.2000}"
        is_json = answer.headers.get("content-type", [""])[0] == "application/json"
        return answer.json() if is_json else None

    async def done(self, verb: str, who: Customer, **body: Any) -> dict[str, Any]:
        """Ask for a job that must complete, and return its final form."""
        return await self.ends(who, await self.see(200, f"POST /v2/jobs/{verb}", who, body=body))

    async def ends(self, who: Customer, job: dict[str, Any]) -> dict[str, Any]:
        """Wait until a job completes, and return its final form."""
        await who.person.final(job["jobid"])
        final: dict[str, Any] = await self.see(
            200, "GET /v2/jobs/", who, query={"jobid": job["jobid"]}
        )
        assert final["status"] == "completed", final
        return final

    async def every(self, steps: list[Awaitable[Any]]) -> None:
        """Take steps side by side."""
        async with asyncio.TaskGroup() as group:
            for step in steps:
                group.create_task(_taken(step))


async def _taken(step: Awaitable[Any]) -> None:
    await step


def account_body(customer: Customer) -> dict[str, Any]:
    return {
        "discord": customer.account.token,
        "server": customer.account.guild_id,
        "channel": customer.channel,
        "maxJobs": 10,
    }

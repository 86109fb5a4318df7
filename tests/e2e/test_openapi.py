"""The document and the service say the same: every documented status of every route is seen."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode

from tests.e2e.conftest import Install
from tests.e2e.provoke import (
    BODY_S,
    FIRST_ANSWER_S,
    JSON_BYTES,
    provoke_a_broken_database,
    provoke_accounts,
    provoke_deliveries,
    provoke_job,
    provoke_late_bodies,
    provoke_logins,
    provoke_media,
    provoke_probes,
    provoke_reads,
)
from tests.e2e.shop import Customer, Shop
from tests.e2e.unseen import ANY, UNSEEN, UNSEEN_FIELDS, UNSENT_FIELDS
from waystation.midjourney.commands import COMMANDS

EXAMPLES = 4
"""Generated requests per route, valid and not valid each."""


_WEB = ("replyUrl", "describeUrl", "blendUrls")
"""Fields whose URLs are asked for: a generated one must never leave this machine."""


def _tamed(case: Case[Any], who: Customer, place: str, jobid: str, number: int) -> Case[Any]:
    """Return a generated request that stays on loopback; each second one speaks of what exists."""
    if isinstance(case.body, dict):
        body = dict(case.body)
        for name in _WEB:
            if name in body:
                body[name] = _on_loopback(body[name], place)
        if number % 2:
            body |= {"channel": who.channel} if "channel" in body else {}
            body |= {"jobid": jobid} if "jobid" in body else {}
        case.body = body
    if number % 2 and "channel" in (case.path_parameters or {}):
        case.path_parameters["channel"] = who.channel
    if "Prefer" in (case.headers or {}):
        case.headers["Prefer"] = "wait=1"
    if number % 2 and "jobid" in (case.path_parameters or {}):
        case.path_parameters["jobid"] = jobid
    if number % 2 and "jobid" in (case.query or {}):
        case.query["jobid"] = jobid
    return case


def _on_loopback(value: Any, place: str) -> Any:
    match value:
        case str():
            return place if value.strip().lower().startswith("http") else value
        case list():
            return [_on_loopback(one, place) for one in value]
        case _:
            return value


def _fuzz(shop: Shop, route: str, mode: GenerationMode, buy: Callable[[], Customer]) -> None:
    """Send generated requests of a route, each by a customer of its own."""
    api, place, numbers = shop.api, shop.here.photo(), itertools.count()

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=api.operations[route].as_strategy(generation_mode=mode))
    def example(case: Case[Any]) -> None:
        who = buy()
        jobid = api.call(api.case("POST /v2/jobs/info"), who.token).json()["jobid"]
        api.call(_tamed(case, who, place, jobid, next(numbers)), who.token)

    with contextlib.suppress(Unsatisfiable):  # nothing of it can be not valid
        example()


async def _fuzz_all(shop: Shop) -> None:
    loop = asyncio.get_running_loop()

    def buy() -> Customer:
        return asyncio.run_coroutine_threadsafe(shop.customer(), loop).result()

    for route in shop.api.operations:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            await shop.threaded(_fuzz, shop, route, mode, buy)


INSTALLED: Mapping[str, Any] = {
    "speed": 1000.0,
    "sim_options": {"picture_size": 64, "rate_limits": False},
    "body_timeout_s": BODY_S,
    "first_answer_s": FIRST_ANSWER_S,
    "json_limit_bytes": JSON_BYTES,
    "trusted_proxies": ("127.0.0.1",),
}


@pytest.mark.slow
async def test_no_generated_request_is_answered_against_the_document(install: Install) -> None:
    async with install(accounts=400, **INSTALLED) as here, Shop(here).opened() as shop:
        await _fuzz_all(shop)
        assert {route for route, _ in shop.api.seen} == set(shop.api.operations)


@pytest.mark.slow
async def test_every_documented_status_of_every_route_is_seen(install: Install) -> None:
    # a stored copy would be read where Discord fails
    installed = {**INSTALLED, "media": "refresh"}
    async with install(accounts=40, **installed) as here, Shop(here).opened() as shop:
        await provoke_probes(shop)
        await shop.every([provoke_job(shop, verb) for verb in COMMANDS])
        reads, accounts = provoke_reads(shop), provoke_accounts(shop)
        deliveries = provoke_deliveries(shop)
        late = provoke_late_bodies(shop)
        await shop.every([reads, accounts, deliveries, provoke_media(shop), late])
        await provoke_logins(shop)
        await provoke_a_broken_database(shop)
        api = shop.api
        assert api.statuses() - api.seen == {
            one for one in api.statuses() if one in UNSEEN or (ANY, one[1]) in UNSEEN
        }
        assert api.shown() - api.fields == set(UNSEEN_FIELDS)
        assert api.asked() - api.sent == set(UNSENT_FIELDS)

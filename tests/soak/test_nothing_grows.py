"""Five hundred jobs in one process: what they left behind is counted."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Install, Installation, Person, eventually
from waystation.engine.account.owner import Owner
from waystation.engine.outbox.callbacks import Callbacks
from waystation.engine.service import Service

JOBS = 500
WARM = 50


def only(kind: type) -> list[object]:
    return [one for one in gc.get_objects() if type(one) is kind]


def sizes() -> dict[str, int]:
    """Count everything that lives longer than a job."""
    gc.unfreeze()  # a started service hides itself from the collector
    (owner,), (service,), (callbacks,) = only(Owner), only(Service), only(Callbacks)
    assert isinstance(owner, Owner)
    assert isinstance(service, Service)
    assert isinstance(callbacks, Callbacks)
    state = owner._held().conversation._state
    return {
        "tasks": len(asyncio.all_tasks()),
        "waiters": len(service._feed._waiting),
        "submitting": len(service._submitting) + len(service._intake._under_way),
        "queue": len(owner._submitter.queued),
        "receivers": len(callbacks._receivers),
        "attempts under way": callbacks.loop.under_way,
        **_lengths("state", {one.name: getattr(state, one.name) for one in fields(state)}),
        **_lengths("index", vars(state.candidates.index)),
        **_lengths("others", vars(state.candidates.others)),
    }


def _lengths(kind: str, values: Mapping[str, Any]) -> dict[str, int]:
    return {
        f"{kind}.{one}": len(value) for one, value in values.items() if hasattr(value, "__len__")
    }


async def describe(here: Installation, ada: Person, count: int) -> None:
    """Run so many describes, a few at once."""
    places = asyncio.Semaphore(3)

    async def one() -> None:
        async with places:
            body = {
                "describeUrl": here.photo(),
                "replyUrl": f"{here.outside.url}/callback",
            }
            status, job, _ = await ada.call("POST", "/v2/jobs/describe", body)
            assert status == 200, job
            assert (await ada.final(job["jobid"]))["status"] == "completed"

    before = len(here.outside.callbacks)
    await asyncio.gather(*(one() for _ in range(count)))
    await eventually(lambda: len(here.outside.callbacks) == before + count)


async def test_nothing_grows_with_the_number_of_jobs(tmp_path: Path, install: Install) -> None:
    async with install(speed=1000.0, sim_options={"rate_limits": False}) as here:
        ada = await here.person()
        await here.equip(ada)
        await describe(here, ada, WARM)
        await here.quiet()
        before = sizes()
        await describe(here, ada, JOBS - WARM)
        await here.quiet()
        after = sizes()
        print(before, after)
        grown = {
            name: (before[name], size) for name, size in after.items() if size > before[name] + 3
        }
        assert grown == {}

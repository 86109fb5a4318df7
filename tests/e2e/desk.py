"""The desk of end-to-end tests of pictures: one person, one installation, and the API alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.e2e.conftest import Install, Installation, Person
from tests.e2e.relations import Seen

__all__ = ["Desk", "at_desk"]

MEASURABLE = 128
"""Side of a grid in pixels: the smallest on whose tiles every measure is sure, and soon drawn."""


@dataclass
class Desk:
    """Asks for jobs and looks at their files."""

    here: Installation
    ada: Person

    async def run(self, verb: str, **body: Any) -> Seen:
        """Ask; return the completed job and the files behind its links."""
        status, job, _ = await self.ada.call("POST", f"/v2/jobs/{verb}", body)
        assert status == 200, (verb, body, job)
        return await self.finished(job["jobid"])

    async def finished(self, jobid: str) -> Seen:
        """Wait until a job is completed; return it with the files behind its links."""
        final = await self.ada.final(jobid)
        assert final["status"] == "completed", final
        urls = [attachment["url"] for attachment in final.get("attachments", ())]
        return Seen(final, [await self.fetch(url) for url in urls])

    async def press(self, parent: Seen, label: str, **body: Any) -> Seen:
        """Press a button of a job."""
        child = await self.run("button", jobid=parent.job["jobid"], button=label, **body)
        assert (child.job["parentJobId"], child.job["button"]) == (parent.job["jobid"], label)
        return child

    async def singles(self, seen: Seen) -> list[bytes]:
        """Return what Midjourney's own network has of a job: its pictures or clips, in order."""
        (name,) = {"imageUx", "videoUx"} & set(seen.job)
        links = seen.job[name]
        assert [link["id"] for link in links] == [*range(1, len(links) + 1)]
        return [await self.fetch(link["url"]) for link in links]

    async def fetch(self, url: str) -> bytes:
        """Return what a link leads to, which needs no token."""
        async with self.here.http.get(url) as answer:
            assert answer.status == 200, url
            return await answer.read()


@asynccontextmanager
async def at_desk(
    install: Install,
    *,
    picture_size: int = MEASURABLE,
    model: str = "7",
    locale: str = "en-US",
    **options: Any,
) -> AsyncIterator[Desk]:
    """Start an installation for one person with one account, who may ask in any haste.

    Args: model: of the account; V7 is the last that has every button; locale: of its owner
    """
    sim_options = {"picture_size": picture_size, "rate_limits": False, "model": model}
    sim_options["locale"] = locale
    async with install(sim_options=sim_options, **options) as here:
        ada = await here.person()
        await here.equip(ada)
        await here.connected()
        yield Desk(here, ada)

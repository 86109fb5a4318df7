"""Stage: what the acts of the demo share, and how they say what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import RenderableType
from rich.text import Text

from waystation.cli.demo.mailbox import Mailbox
from waystation.cli.demo.processes import Program
from waystation.cli.demo.site import Site
from waystation.cli.preview import draw, room
from waystation.cli.saving import save
from waystation.cli.screen import Screen, indented, link, marked, plain
from waystation.cli.waiting import waiting
from waystation.client import Client, Job
from waystation.errors import NotFound, Unavailable
from waystation.reasons import why

__all__ = ["Check", "DemoNode", "Stage"]

_JOB_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was to happen, and whether it did."""

    act: str
    expected: str
    ok: bool

    def as_json(self) -> dict[str, object]:
        """Return it as `demo --json` prints it."""
        return {"act": self.act, "expected": self.expected, "ok": self.ok}


@dataclass(frozen=True, slots=True)
class DemoNode:
    """One process of the service, and where it listens."""

    program: Program
    url: str


@dataclass(slots=True)
class Stage:
    """The running pieces, and the checks so far."""

    screen: Screen
    picture: Path
    simulator: Mapping[str, Any]
    """The line that the simulator printed: `url` and `accounts`."""
    url: str
    """Where the service listens."""
    environment: Mapping[str, str]
    """Settings of the service; commands on its database need the same."""
    folder: Path
    """Where the pictures that the bot draws are saved."""
    service: Program
    site: Site
    mailbox: Mailbox
    nodes: Sequence[DemoNode] = ()
    """All processes of the service, where there are several; the first is `service`."""
    token: str = ""
    client: Client = field(init=False)
    """Set by the first act, which makes the user."""
    channels: list[str] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    act: str = ""
    jobs: dict[str, Job] = field(default_factory=dict)
    """The jobs that were followed to their end, in order, by what they were for."""
    _pictures: dict[str, Path] = field(default_factory=dict)

    def begin(self, title: str) -> None:
        """Open an act."""
        self.act = title
        self.gap()
        self.show(Text(title, "bold"), indent=0)

    def check(self, ok: bool, expected: str) -> None:
        """Record and show whether something was as expected."""
        self.checks.append(Check(self.act, expected, ok))
        self.show(marked("ok", expected) if ok else marked("error", expected, "red"))

    def show(self, what: RenderableType, indent: int = 2) -> None:
        """Show something of the act, bare strings as foreign text; nothing with `--json`."""
        if not self.screen.as_json:
            shown = plain(what, lines=True) if isinstance(what, str) else what
            self.screen.show(indented(shown, indent))

    def gap(self) -> None:
        """Leave a line empty."""
        if not self.screen.as_json:
            self.screen.show("")

    async def wait(self, what: str, job: Job) -> Job:
        """Follow a job to its end with a progress bar."""
        limit = f"its end, at most {_JOB_WITHIN_S:g} s"
        async with waiting(self.screen, what, self.client, limit) as seen:
            seen(job)
            ended = await self.client.wait(job["jobid"], timeout_s=_JOB_WITHIN_S, on_progress=seen)
        self.jobs[what] = ended
        return ended

    def ended(self, what: str) -> Job:
        """Return a job of an earlier act. Raises: NotFound: that act did not get so far."""
        if what not in self.jobs:
            raise NotFound(f"the act needs the job of {what}")
        return self.jobs[what]

    async def picture_of(self, job: Job) -> Path:
        """Return a job's picture as a file; the first time it is saved, and shown in colours.

        Raises: NotFound: it has none, or it cannot be saved
        """
        jobid = job["jobid"]
        if jobid not in self._pictures:
            saved = await save(self.client, job, self.folder)
            if saved is None or not saved.paths:
                raise NotFound(f"{jobid} has no picture that can be saved")
            self._pictures[jobid] = saved.paths[0]
            self._show_picture(saved.paths[0])
        return self._pictures[jobid]

    def _show_picture(self, path: Path) -> None:
        size = room(self.screen.out)
        blocks = draw(path.read_bytes(), *size) if size else None
        if blocks is not None:
            self.show(blocks, indent=4)
        self.show(link(path.name), indent=4)

    async def fault(self, name: str, **switch: object) -> None:
        """Switch a fault of the simulator on for one interaction.

        Args: switch: `command`, `account` and the fault's own parameters
        Raises: Unavailable: the simulator refused, or is gone
        """
        body = {"name": name, "count": 1, **switch}
        url = f"{self.simulator['url']}/_sim/faults"
        try:
            async with aiohttp.ClientSession() as http, http.post(url, json=body) as response:
                refusal = "" if response.ok else await response.text()
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"the simulator cannot be reached: {why(error)}") from error
        if refusal:
            raise Unavailable(f"the simulator refused fault {name}: {refusal}")

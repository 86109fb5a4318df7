"""The demo's acts notice what is not as it should be. (When all is: tests/e2e/test_cli.py.)"""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from email.message import EmailMessage
from pathlib import Path
from typing import IO, Any, cast

import pytest
from PIL import Image
from rich.console import Console

from tests.harness.command_line import FakeClient
from waystation.cli.demo import acts
from waystation.cli.demo.acts import (
    ACTS,
    describe_file,
    halted,
    imagine,
    info,
    killed,
    letter,
    moderated,
    upscale,
    vary,
)
from waystation.cli.demo.mailbox import Mailbox
from waystation.cli.demo.processes import Program
from waystation.cli.demo.site import Site
from waystation.cli.demo.stage import Stage
from waystation.cli.screen import Screen
from waystation.client import Client, Job
from waystation.errors import ButtonRepeated, Halted, NotFound

FOLDER = Path("nowhere")
JOB = {"jobid": "job:1", "verb": "describe", "status": "completed", "code": 200}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acts, "_CALLBACK_WITHIN_S", 0.01)
    monkeypatch.setattr(acts, "_MAIL_WITHIN_S", 0.01)


class Killed(FakeClient):
    """A service that is killed and started again."""

    def __init__(self) -> None:
        super().__init__([None, None])


def stage(monkeypatch: pytest.MonkeyPatch, *answers: object) -> Stage:
    """A stage whose service answers so, and whose simulator takes every fault."""

    async def fault(self: Stage, name: str, **switch: object) -> None:
        return None

    monkeypatch.setattr(Stage, "fault", fault)
    picture = Path("fox.webp")
    simulator: dict[str, Any] = {"url": "", "accounts": []}
    made = Stage(
        Screen(True),
        picture,
        simulator,
        "",
        {},
        FOLDER,
        service=cast(Program, Killed()),
        site=Site(picture),
        mailbox=Mailbox(),
    )
    made.client = cast(Client, FakeClient(list(answers)))
    made.channels = ["2", "3"]
    return made


def verdicts(stage: Stage) -> list[bool]:
    return [check.ok for check in stage.checks]


def test_every_act_has_a_title_of_its_own() -> None:
    assert len({title for title, _ in ACTS}) == len(ACTS) == 10


async def test_info_that_failed_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    here = stage(monkeypatch, {"status": "failed", "code": 502})
    await info(here)
    assert verdicts(here) == [False]


async def test_a_describe_with_three_prompts_and_no_callback_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started = JOB | {"status": "started", "messageId": "5"}
    three = JOB | {"embeds": [{"description": "1\n\n2\n\n3"}]}
    here = stage(monkeypatch, started, three)
    await describe_file(here)
    assert verdicts(here) == [True, False, False]


async def test_a_picture_that_was_not_refused_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    here = stage(monkeypatch, JOB, JOB)
    await moderated(here)
    assert verdicts(here) == [False, False]


async def test_an_account_that_was_not_halted_is_noticed_in_every_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = {"channel": "2", "discord": "x", "maxJobs": 3}
    here = stage(monkeypatch, JOB, account, JOB, {"code": 596}, None, {"code": 596})
    await halted(here)
    assert verdicts(here) == [False] * 6


async def test_a_halt_is_seen_by_the_answer_of_the_next_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = stage(monkeypatch, Halted())
    assert await acts._is_halted(here, "2")


class Six(FakeClient):
    """A service with room for three jobs, which puts the others so and ends all so."""

    def __init__(self, second: str, last: str) -> None:
        super().__init__([])
        self.second, self.last = second, last

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            status = self.second if kwargs.get("queue") else "started"
            if name == "wait":
                return {"jobid": args[0], "verb": "imagine", "status": self.last}
            return {"jobid": args[0], "verb": "imagine", "status": status}

        return call


@pytest.mark.parametrize(
    ("second", "last", "told", "right"),
    [
        ("created", "completed", True, [True] * 7),
        ("created", "failed", True, [True] + [False] * 6),
        ("created", "completed", False, [True] + [False] * 6),
        ("started", "completed", True, [False] + [True] * 6),
    ],
)
async def test_a_waiting_job_that_is_sent_lost_or_not_told_is_noticed(
    monkeypatch: pytest.MonkeyPatch, second: str, last: str, told: bool, right: list[bool]
) -> None:
    async def callback(self: Site, jobid: str, timeout_s: float) -> Any:
        return {"jobid": jobid, "verb": "imagine", "status": last} if told else None

    monkeypatch.setattr(Site, "callback", callback)
    here = stage(monkeypatch)
    here.client = cast(Client, Six(second, last))
    await killed(here)
    assert verdicts(here) == right
    assert [name for name, *_ in cast(FakeClient, here.service).calls] == ["kill", "start"]


GRID = {
    "jobid": "job:grid",
    "verb": "imagine",
    "status": "completed",
    "attachments": [{"url": "http://x/grid", "filename": "grid.png", "width": 12, "height": 8}],
    "buttons": ["U1", "U2", "U3", "U4", "🔄", "V1", "V2", "V3", "V4"],
}
SINGLE = {
    "jobid": "job:single",
    "verb": "button",
    "button": "U2",
    "status": "completed",
    "parentJobId": "job:grid",
    "attachments": [{"url": "http://x/single", "filename": "single.png"}],
    "buttons": ["Vary (Strong)"],
}
VARIED = GRID | {"jobid": "job:varied", "verb": "button", "parentJobId": "job:single"}
PARENT = GRID | {"children": [{"button": "U2", "jobid": "job:single", "messageId": "7"}]}
REFUSED = ButtonRepeated("already", button="U2", jobid="job:single")


class Gallery(FakeClient):
    """Answers in order, and hands out a grid and a picture of one colour by their links."""

    colour = "green"

    async def download(self, url: str, into: IO[bytes], **bounds: Any) -> None:
        image = Image.new("RGB", (12, 8), self.colour)
        if url.endswith("grid"):
            for number, colour in enumerate(("red", "green", "blue", "white")):
                x, y = number % 2 * 6, number // 2 * 4
                image.paste(colour, (x, y, x + 6, y + 4))
        image.save(into, "PNG")


def gallery(monkeypatch: pytest.MonkeyPatch, folder: Path, *answers: object) -> Stage:
    here = stage(monkeypatch)
    here.client = cast(Client, Gallery(list(answers)))
    here.folder = folder
    return here


async def test_imagine_upscale_and_vary_pass_when_all_is_right(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started = GRID | {"status": "started"}
    answers = (started, GRID, SINGLE, SINGLE, PARENT, REFUSED, VARIED, VARIED)
    here = gallery(monkeypatch, tmp_path, *answers)
    for act in (imagine, upscale, vary):
        await act(here)
    assert verdicts(here) == [True] * 9
    # the varied one has the grid's name and pixels here
    assert sorted(path.name for path in tmp_path.iterdir()) == ["grid.png", "single.png"]


async def test_a_grid_without_its_buttons_is_noticed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bare = GRID | {"buttons": ["U1", "U2"]}
    here = gallery(monkeypatch, tmp_path, bare, bare)
    await imagine(here)
    assert verdicts(here) == [False, False]


async def test_an_upscale_of_another_tile_and_another_parent_is_noticed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stray = SINGLE | {"parentJobId": "job:other", "buttons": []}
    here = gallery(monkeypatch, tmp_path, stray, stray, GRID, SINGLE)
    here.jobs["imagine"] = cast(Job, GRID)
    cast(Gallery, here.client).colour = "blue"
    await upscale(here)
    # buttons, parent, tile, children, and a second press that was taken
    assert verdicts(here) == [False] * 5
    assert "it is picture 3 of the four" in here.checks[2].expected


async def test_a_job_without_a_picture_ends_its_act(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    failed = {"jobid": "job:1", "status": "failed"}
    here = gallery(monkeypatch, tmp_path, failed, failed)
    with pytest.raises(NotFound, match="no picture"):
        await imagine(here)


async def test_an_act_needs_the_job_of_the_act_before(monkeypatch: pytest.MonkeyPatch) -> None:
    for act in (upscale, vary):
        with pytest.raises(NotFound, match="the act needs the job"):
            await act(stage(monkeypatch))


def test_a_letter_is_folded_in_its_frame_and_loses_no_word() -> None:
    mail = EmailMessage()
    mail["Subject"] = "a Midjourney account needs you"
    words = [f"word{number}" for number in range(40)]
    mail.set_content(" ".join(words))
    console = Console(file=io.StringIO(), width=60)
    console.print(letter(mail), overflow="ignore", crop=False)
    shown = cast(io.StringIO, console.file).getvalue()
    assert [word for word in shown.split() if word.startswith("word")] == words
    assert all(len(line) <= 60 for line in shown.splitlines())

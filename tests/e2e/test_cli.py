"""The command line as its users run it: processes, exit codes, what they print and hide."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import pty
import signal
import struct
import sys
import termios
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.e2e.process import START_S, Ground, ground
from tests.harness.postgresql import Cluster, needs_postgresql
from waystation.cli.demo.tiles import tile_of
from waystation.client import Client, SyncClient

DEMO_S = 90.0
"""The demo takes some 18 s on an idle machine; CI's are not idle."""


@dataclass(frozen=True)
class Ran:
    """The outcome of a process."""

    exit_code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        assert self.out.count("\n") == 1, self.out + self.err
        return json.loads(self.out)


async def waystation(
    environment: Mapping[str, str], *arguments: str, stdin: str = "", within_s: float = START_S
) -> Ran:
    """Run one command to its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "waystation",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(environment),
    )
    async with asyncio.timeout(within_s):
        out, err = await process.communicate(stdin.encode())
    assert process.returncode is not None
    return Ran(process.returncode, out.decode(), err.decode())


def caller(here: Ground, token: str) -> dict[str, str]:
    """Return the environment of somebody who calls that service from anywhere."""
    return {"WAYSTATION_URL": here.url, "WAYSTATION_TOKEN": token}


async def add_user(here: Ground, email: str) -> str:
    ran = await waystation(here.environment, "users", "add", "--email", email, "--json")
    assert ran.exit_code == 0, ran.err
    token = str(ran.json["token"])
    here.tokens.append(token.partition("-")[2])
    return token


async def test_from_nothing_to_four_prompts_with_commands_alone(tmp_path: Path) -> None:
    async with ground(tmp_path) as here:
        token = await add_user(here, "ada@example.org")
        await here.start()
        ada = caller(here, token)

        discord = here.sim.accounts[0].token
        added = await waystation(
            ada, "accounts", "add", "--token-stdin", "--json", stdin=f"{discord}\n"
        )
        assert added.exit_code == 0, added.out + added.err
        channel = added.json["channel"]
        assert channel == here.sim.accounts[0].dm_channel_id
        assert discord not in added.out + added.err

        info = await waystation(ada, "info", "--json")
        assert (info.exit_code, info.json["status"]) == (0, "completed")

        picture = tmp_path / "tall.png"
        picture.write_bytes(here.outside.pictures[here.photo().rpartition("/")[2]][2])
        by_file = await waystation(ada, "describe", str(picture))
        assert by_file.exit_code == 0, by_file.err
        assert by_file.out.count("--ar") == 4
        assert "describe … completed" in by_file.err

        by_url = await waystation(ada, "describe", here.photo(), "--json")
        assert by_url.exit_code == 0
        shown = await waystation(ada, "jobs", "show", by_url.json["jobid"], "--json")
        assert shown.json == by_url.json
        assert (await waystation(ada, "jobs", "list", "--json")).json == []


async def test_exit_codes_tell_scripts_what_happened(tmp_path: Path) -> None:
    async with ground(tmp_path) as here:
        await here.settle_in()
        ada = caller(here, here.ada.token)
        channel = here.sim.accounts[0].channel_id

        async def describe(*arguments: str) -> Ran:
            return await waystation(ada, "describe", here.photo(), *arguments)

        here.sim.fault("invalid_link_moderated", count=1, form="nonce")
        assert (await describe()).exit_code == 7
        here.sim.fault("job_queued", count=1)
        assert (await describe()).exit_code == 1
        here.sim.fault("rate_limited_global", count=1)
        assert (await describe()).exit_code == 6
        here.sim.fault("pending_mod_message", count=1)
        trigger, later = await describe("--json"), await describe("--json")
        assert (trigger.exit_code, trigger.json["status"]) == (5, "failed")
        assert (later.exit_code, later.json["code"]) == (5, 596)
        assert (await waystation(ada, "accounts", "reset", channel)).exit_code == 0
        assert (await describe()).exit_code == 0

        assert (await waystation(ada, "jobs", "show", "job:none")).exit_code == 8
        assert (await waystation(ada, "describe", here.outside.url + "/none")).exit_code == 2
        wrong = caller(here, here.ada.token[:-1] + "?")
        assert (await waystation(wrong, "jobs", "list")).exit_code == 4
        await waystation(here.environment, "users", "expire", "ada@example.org", "--now")
        assert (await waystation(ada, "jobs", "list")).exit_code == 4
        assert await here.stop() == 0
        assert (await waystation(ada, "jobs", "list")).exit_code == 3


async def test_users_are_managed_beside_a_running_service(tmp_path: Path) -> None:
    async with ground(tmp_path) as here:
        await here.settle_in()
        token = await add_user(here, "bob@example.org")
        bob = caller(here, token)
        assert (await waystation(bob, "jobs", "list")).exit_code == 0
        rotated = await waystation(here.environment, "users", "rotate", "bob@example.org", "--json")
        here.tokens.append(rotated.json["token"].partition("-")[2])
        assert (await waystation(bob, "jobs", "list")).exit_code == 4
        renewed = caller(here, rotated.json["token"])
        assert (await waystation(renewed, "jobs", "list")).exit_code == 0
        await waystation(here.environment, "users", "revoke", "bob@example.org")
        assert (await waystation(renewed, "jobs", "list")).exit_code == 4
        nothing = await waystation(here.environment, "migrate", "--json")
        assert nothing.json["from"] == nothing.json["to"]
        second = await waystation(here.environment, "serve", "--port", "0")
        assert (second.exit_code, "Another process" in second.err) == (1, True)


async def test_a_job_is_watched_and_cancelled(tmp_path: Path) -> None:
    async with ground(tmp_path) as here:
        await here.settle_in()
        here.sim.fault("late_message", seconds=60.0)
        ada = caller(here, here.ada.token)
        began = await waystation(ada, "describe", here.photo(), "--no-wait", "--json")
        jobid = began.json["jobid"]
        assert (await waystation(ada, "jobs", "list", "--json")).json == [jobid]
        impatient = await waystation(ada, "jobs", "watch", jobid, "--timeout", "0.2")
        assert impatient.exit_code == 3
        assert (await waystation(ada, "jobs", "cancel", jobid)).exit_code == 0
        here.doors.release()
        watched = await waystation(ada, "jobs", "watch", jobid, "--json")
        assert (watched.exit_code, watched.json["status"]) == (9, "cancelled")


SMALL = {"picture_size": 128}


async def test_pictures_are_drawn_pressed_and_saved_with_commands_alone(tmp_path: Path) -> None:
    async with ground(tmp_path, options=SMALL) as here:
        here.environment["WAYSTATION_ACTIVITY_URL"] = here.sim.url
        here.environment["WAYSTATION_MIDJOURNEY_CDN_URL"] = here.sim.url
        await here.settle_in()
        ada, folder = caller(here, here.ada.token), tmp_path / "pictures"

        async def draw(*arguments: str) -> dict[str, Any]:
            ran = await waystation(ada, *arguments, "--save", str(folder), "--json")
            assert ran.exit_code == 0, ran.out + ran.err
            (path,) = ran.json["saved"]
            with Image.open(path) as picture:
                shown = ran.json["attachments"][0]
                assert picture.size == (shown["width"], shown["height"])
            assert dict(ran.json)["status"] == "completed"
            return dict(ran.json)

        grid = await draw("imagine", "a red fox in the snow --ar 3:2 --v 7", "--wait")
        single = await draw("button", grid["jobid"], "U2")
        assert single["parentJobId"] == grid["jobid"]
        assert tile_of(Path(grid["saved"][0]), Path(single["saved"][0])) == 2

        mask = tmp_path / "mask.png"
        with Image.open(single["saved"][0]) as picture:
            Image.new("L", picture.size, 255).save(mask)
        varied = await draw("button", single["jobid"], "Vary (Region)", "--mask", str(mask))
        files = [grid["saved"][0], single["saved"][0]]
        blended = await draw("blend", *files, "--blend-dimensions", "Landscape")
        assert len({job["saved"][0] for job in (grid, single, varied, blended)}) == 4

        tiles = tmp_path / "tiles"
        alone = await waystation(
            ada, "jobs", "show", grid["jobid"], "--save", str(tiles), "--singles", "--json"
        )
        assert alone.exit_code == 0, alone.out
        grid_again, *singles = map(Path, alone.json["saved"])
        assert [tile_of(grid_again, tile) for tile in singles] == [1, 2, 3, 4]

        again = await waystation(ada, "jobs", "show", grid["jobid"], "--save", str(folder))
        assert again.exit_code == 0 and f"saved {grid['saved'][0]}\n" in again.out
        assert f"U2  {single['jobid']}" in again.out
        assert len(list(folder.iterdir())) == 4
        repeated = await waystation(ada, "button", grid["jobid"], "U2", "--json")
        assert (repeated.exit_code, repeated.json["code"]) == (1, 409)
        assert repeated.json["jobid"] == single["jobid"]


async def test_a_link_that_is_dead_is_told_and_the_job_stays_completed(tmp_path: Path) -> None:
    async with ground(tmp_path, options=SMALL | {"link_life_s": 0.001}) as here:
        await here.settle_in()
        ada, folder = caller(here, here.ada.token), tmp_path / "pictures"
        ran = await waystation(ada, "imagine", "a red fox", "--save", str(folder))
        assert ran.exit_code == 10, ran.out + ran.err
        assert "✓ imagine completed" in ran.out and "jobid      job:" in ran.out
        assert "✗ not saved: http://127.0.0.1" in ran.err and "HTTP status 404" in ran.err
        assert list(folder.iterdir()) == []


async def on_a_terminal(
    environment: Mapping[str, str], *arguments: str, sign: str, act: Callable[[], object]
) -> tuple[int, str]:
    """Run one command on a terminal of 80 x 24; return its exit code and all that it was sent.

    Args: act: done when the terminal was sent the sign
    """
    mine, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "waystation", *arguments),
        stdin=its,
        stdout=its,
        stderr=its,
        env=dict(environment) | {"LANG": "C.UTF-8", "TERM": "xterm-256color"},
    )
    os.close(its)
    late = asyncio.get_running_loop().call_later(START_S, process.kill)
    sent = b""
    with contextlib.suppress(OSError):  # how a terminal ends
        while chunk := await asyncio.to_thread(os.read, mine, 65536):
            was_seen = sign.encode() in sent
            sent += chunk
            if not was_seen and sign.encode() in sent:
                act()
    late.cancel()
    os.close(mine)
    return await process.wait(), sent.decode()


@pytest.mark.parametrize(
    ("colours", "sign"),
    [({"COLORTERM": "truecolor"}, "▀"), ({"NO_COLOR": "1"}, "imagine … progress")],
    ids=["in colours", "without colours"],
)
async def test_a_terminal_shows_the_picture_so_far_and_then_only_the_job(
    tmp_path: Path, colours: dict[str, str], sign: str
) -> None:
    async with ground(tmp_path, speed=20.0, options=SMALL) as here:
        await here.settle_in()
        # the result waits until something of the way to it was seen
        here.doors.at("MESSAGE_UPDATE", lambda: here.doors.hold("MESSAGE_CREATE", alone=True))
        environment = caller(here, here.ada.token) | colours
        code, sent = await on_a_terminal(
            environment, "imagine", "a red fox", "--wait", sign=sign, act=here.doors.release
        )
        assert code == 0, sent
        assert sign in sent
        drawn, _, left = sent.rpartition("\x1b[2K")
        assert "▀" not in left and "imagine completed" in left
        assert ("\x1b[38;2;" in drawn) is ("COLORTERM" in colours)
        assert bool(drawn) is ("COLORTERM" in colours)


async def test_the_doctor_names_what_is_wrong_beside_a_running_service(tmp_path: Path) -> None:
    async with ground(tmp_path, accounts=2) as here:
        await here.settle_in(accounts=2)
        healthy = await waystation(here.environment, "doctor", "--json")
        assert healthy.exit_code == 0, healthy.out
        checks = {finding["check"] for finding in healthy.json["findings"]}
        assert checks == {
            *("settings", "database", "key", "users"),
            *("copies", "traces", "mail", "Discord", "clock", "accounts", "running"),
        }

        channel = here.sim.accounts[0].channel_id
        here.sim.fault("pending_mod_message", count=1)
        await waystation(
            caller(here, here.ada.token), "describe", here.photo(), "--channel", channel
        )
        here.sim.revoke(here.sim.accounts[1].user_id, revoked=True)
        ill = await waystation(here.environment, "doctor")
        assert ill.exit_code == 1
        assert f"waystation accounts reset {channel}" in ill.out
        assert "Discord does not accept the token" in ill.out
        for secret in (*here.tokens, *(account.token for account in here.sim.accounts)):
            assert secret not in healthy.out + healthy.err + ill.out + ill.err


async def test_the_python_client_works_with_and_without_await(tmp_path: Path) -> None:
    async with ground(tmp_path) as here:
        await here.settle_in()
        async with Client(here.url, here.ada.token) as client:
            job = await client.wait((await client.describe(here.photo()))["jobid"])
            assert job["status"] == "completed" and len(job["embeds"]) == 1
            assert (await client.account())["email"] == "ada@example.org"

        def use() -> str:
            with SyncClient(here.url, here.ada.token) as blocking:
                return blocking.info(channel=here.sim.accounts[0].channel_id)["status"]

        assert await asyncio.to_thread(use) == "completed"


async def test_the_demo_shows_everything_and_leaves_nothing(tmp_path: Path) -> None:
    folder, temporary = tmp_path / "pictures", tmp_path / "temporary"
    temporary.mkdir()
    environment = {"TMPDIR": str(temporary)}
    ran = await waystation(environment, "demo", "--save", str(folder), within_s=DEMO_S)
    assert ran.exit_code == 0, ran.out + ran.err
    assert "✗" not in ran.out
    assert ran.out.count("--ar") == 8
    assert "Subject  " in ran.out and "checks passed" in ran.out
    assert "compared pixel by pixel it is picture 2 of the four" in ran.out
    assert len(list(folder.iterdir())) == 3
    assert list(temporary.iterdir()) == []


@needs_postgresql[0]
@needs_postgresql[1]
async def test_the_demo_with_two_nodes_kills_one_and_the_other_finishes_its_job(
    tmp_path: Path, postgresql: Cluster, postgresql_database: str
) -> None:
    arguments = ("demo", "--nodes", "2", "--database", postgresql.url(postgresql_database))
    ran = await waystation({"TMPDIR": str(tmp_path)}, *arguments, within_s=3 * DEMO_S)
    assert ran.exit_code == 0, ran.out + ran.err
    assert "✗" not in ran.out
    assert "the other node took the account and finished the job" in ran.out
    assert "the simulator drew it once, and the job has that picture" in ran.out
    assert "its callback came, 1 in all" in ran.out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_kept_demo_can_be_called_until_it_is_ended(
    tmp_path: Path, number: signal.Signals
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "waystation", "demo", "--keep", "--json"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"TMPDIR": str(tmp_path)},
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(DEMO_S):
            kept = json.loads(await process.stdout.readline())
            assert kept["ok"] is True and all(check["ok"] for check in kept["checks"])
            async with Client(kept["url"], kept["token"]) as client:
                assert (await client.info(channel=kept["channels"][0]))["status"] == "completed"
            process.send_signal(number)
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    assert list(tmp_path.iterdir()) == []
    ended = {"WAYSTATION_URL": kept["url"], "WAYSTATION_TOKEN": kept["token"]}
    assert (await waystation(ended, "jobs", "list")).exit_code == 3

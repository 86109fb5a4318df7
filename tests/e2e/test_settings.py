"""LOOKS and ELSEWHERE: each setting, and what changes when it is set to another value.

A row is a look of this file, or the name of a test elsewhere that sets the setting and sees it.
"""

from __future__ import annotations

import asyncio
import base64
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.e2e.conftest import Install, Installation, Person, eventually
from tests.e2e.desk import at_desk
from tests.e2e.relations import mask_of
from waystation.settings import SETTINGS

Look = Callable[[Install, Path], Awaitable[None]]

LOOKS: dict[str, Look] = {}

_TESTS = Path(__file__).parents[1]

ELSEWHERE: Mapping[str, str] = {
    "data_dir": "integration/cli/test_users.py",
    "trusted_proxies": "e2e/test_reverse_proxy.py",
    "drain_s": "unit/engine/outbox/test_callbacks.py",
    "discord_url": "e2e/test_secrets.py",
    "mask_repaints": "e2e/test_buttons.py",
    "upload_hosts": "integration/discord/test_site.py",
    "contact": "integration/discord/test_site.py",
    "request_timeout_s": "integration/engine/account/test_lease.py",
    "pacing_s": "e2e/test_turns.py",
    "pacing_jitter_s": "e2e/test_turns.py",
    "breaker_invalid": "e2e/test_turns.py",
    "lease_s": "e2e/test_clocks.py",
    "first_answer_s": "e2e/test_turns.py",
    "send_within_s": "e2e/test_crash.py",
    "first_edit_s": "e2e/test_status_codes.py",
    "job_timeout_s": "e2e/test_status_codes.py",
    "blind_grace_s": "e2e/test_faults.py",
    "silence_s": "e2e/test_silence.py",
    "vanish_grace_s": "e2e/test_hazards.py",
    "slot_hold_s": "e2e/test_status_codes.py",
    "ghost_life_s": "unit/midjourney/test_agenda.py",
    "job_retention_days": "integration/engine/outbox/test_janitor.py",
    "janitor_s": "e2e/test_clocks.py",
    "allow_networks": "e2e/test_status_codes.py",
    "fetch_limit_bytes": "e2e/test_status_codes.py",
    "fetches_per_user": "unit/engine/test_intake.py",
    "fetches": "unit/engine/test_intake.py",
    "json_limit_bytes": "e2e/test_openapi.py",
    "body_timeout_s": "e2e/test_openapi.py",
    "callback_timeout_s": "e2e/test_restart.py",
    "smtp_url": "e2e/test_status_codes.py",
    "mail_from": "integration/outbound/test_mail.py",
    "mail_timeout_s": "e2e/test_restart.py",
    "log_level": "e2e/test_secrets.py",
    "log_format": "e2e/test_secrets.py",
    "url": "e2e/test_cli.py",
    "token": "e2e/test_cli.py",
}
"""Setting → the file of tests that sees its effect."""

CALLED_THERE = {
    "drain_s": "drain_s",
    "upload_hosts": "may_upload",
    "ghost_life_s": "ghost_life",
    "fetches_per_user": "Shares",
    "job_retention_days": "Retention",
    "fetches": "Shares",
    "url": "WAYSTATION_URL",
    "token": "WAYSTATION_TOKEN",
}
"""Setting → its name in that file, where it is another one."""


def effect(name: str) -> Callable[[Look], Look]:
    """Register what is looked at for a setting."""

    def register(look: Look) -> Look:
        LOOKS[name] = look
        return look

    return register


def test_each_setting_has_an_effect_that_a_test_sees() -> None:
    assert sorted([*LOOKS, *ELSEWHERE]) == sorted(one.name for one in SETTINGS)


@pytest.mark.parametrize("name", ELSEWHERE)
def test_the_test_elsewhere_names_the_setting(name: str) -> None:
    text = (_TESTS / ELSEWHERE[name]).read_text(encoding="utf-8")
    called = CALLED_THERE.get(name, name)
    assert re.search(rf"\b({called}|WAYSTATION_{name.upper()})\b", text)


@pytest.mark.parametrize("name", LOOKS)
async def test_a_setting_has_its_effect(install: Install, tmp_path: Path, name: str) -> None:
    await LOOKS[name](install, tmp_path)


async def _refusal(ada: Person, here: Installation) -> tuple[int, str]:
    status, body, _ = await ada.describe(here.photo())
    return status, body["error"]


@effect("database_url")
async def _(install: Install, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere.db"
    async with install(database_url=f"sqlite:///{place}"):
        assert place.exists()
        assert not list((tmp_path / "data").glob("*.db"))


@effect("key")
async def _(install: Install, tmp_path: Path) -> None:
    async with install() as here:
        [ring] = (tmp_path / "data").glob("*key*")
        await here.stop()
    text = ring.read_text(encoding="utf-8")
    ring.unlink()
    async with install(key=text) as here:
        await here.ready()
        assert not ring.exists()


@effect("host")
async def _(install: Install, tmp_path: Path) -> None:
    async with install(host="127.0.0.2") as here:
        assert urlsplit(here.url).hostname == "127.0.0.2"


@effect("port")
async def _(install: Install, tmp_path: Path) -> None:
    port = _free_port()
    async with install(port=port) as here:
        assert urlsplit(here.url).port == port


@effect("cors_origins")
async def _(install: Install, tmp_path: Path) -> None:
    page = "https://page.example"
    async with install(cors_origins=[page]) as here:
        ada = await here.person()
        for origin, allowed in ((page, page), ("https://other.example", None)):
            _, _, headers = await ada.call("GET", "/v2/jobs", headers={"Origin": origin})
            assert headers.get("Access-Control-Allow-Origin") == allowed


@effect("metrics")
async def _(install: Install, tmp_path: Path) -> None:
    async with install(metrics=False) as here, here.http.get(f"{here.url}/metrics") as answer:
        assert answer.status == 404


@effect("activity_url")
async def _(install: Install, tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{_free_port()}"
    async with at_desk(install, activity_url=nowhere) as desk:
        grid = await desk.run("imagine", prompt="a red fox in the snow --v 7")
        single = await desk.press(grid, "U1")
        mask = base64.b64encode(mask_of(single)).decode()
        press = {"jobid": single.job["jobid"], "button": "Vary (Region)", "mask": mask}
        status, body, _ = await desk.ada.call("POST", "/v2/jobs/button", press)
        assert status == 502
        assert nowhere in body["errorDetails"]


@effect("midjourney_cdn_url")
async def _(install: Install, tmp_path: Path) -> None:
    async with install(midjourney_cdn_url="") as here:
        ada = await here.ready()
        job = await ada.run("imagine", prompt="a red fox in the snow")
        assert "imageUx" not in job


@effect("unrecognised_days")
async def _(install: Install, tmp_path: Path) -> None:
    async with install() as here:
        await here.ready()
        await here.quiet()
        assert _kept(here)
        await here.stop()
    async with install(unrecognised_days=0, janitor_s=0.05) as here:
        await eventually(lambda: not _kept(here))


def _kept(here: Installation) -> int:
    with here.records() as records:
        return len(records.unrecognised())


@effect("fetch_limit_pixels")
async def _(install: Install, tmp_path: Path) -> None:
    async with install(fetch_limit_pixels=100) as here:
        status, error = await _refusal(await here.ready(), here)
        assert status == 412 and error.endswith("has more than 100 pixels")


@effect("input_bytes_per_user")
async def _(install: Install, tmp_path: Path) -> None:
    async with install(input_bytes_per_user=1 << 9) as here:
        status, error = await _refusal(await here.ready(), here)
        assert (status, error) == (
            429,
            "0.000488281 MiB of your pictures may wait to be sent, and this job's would be more; "
            "wait",
        )


@effect("fetch_timeout_s")
async def _(install: Install, tmp_path: Path) -> None:
    async with _receiver() as (url, _), install(fetch_timeout_s=0.2) as here:
        ada = await here.ready()
        status, body, _ = await ada.describe(f"{url}/picture.png")
        assert status == 412 and body["error"].startswith(f"GET {url}/picture.png failed with ")


@effect("form_limit_bytes")
async def _(install: Install, tmp_path: Path) -> None:
    async with install(form_limit_bytes=1000) as here:
        ada = await here.ready()
        form = aiohttp.FormData()
        form.add_field("describeFile", b"x" * 2000, filename="a.png")
        status, _, _ = await ada.call("POST", "/v2/jobs/describe", data=form)
        assert status == 413


@effect("head_timeout_s")
async def _(install: Install, tmp_path: Path) -> None:
    async with install(head_timeout_s=0.2) as here:
        parts = urlsplit(here.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(b"GET /healthz HTTP/1.1\r\n")
        async with asyncio.timeout(5.0):
            await reader.read()
        writer.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@asynccontextmanager
async def _receiver() -> AsyncIterator[tuple[str, asyncio.Event]]:
    """Take connections, answer nothing, and tell when the first one came."""
    came = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}", came
    finally:
        server.close()

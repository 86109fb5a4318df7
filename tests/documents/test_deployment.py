"""docs/deployment.md is true: its nginx configuration proxies, its backup restores."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from io import BytesIO
from math import ceil
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.documents.readme import ROOT, block
from tests.documents.spans import spans
from tests.e2e.conftest import Install, Installation, eventually, install
from tests.e2e.proxied import CALLER, OTHER, WRONG, exhaust, status_of
from tests.limits import GHOST_AGE
from waystation.client import ANSWER_S
from waystation.clock import SystemClock
from waystation.engine.intake import MOST_URLS, PATIENCE_S
from waystation.settings import Settings
from waystation.store.sqlite.store import SqliteStore

__all__ = ["install"]

PAGE = "docs/deployment.md"
NGINX = shutil.which("nginx")
LARGEST_PICTURE = 10 * 1024 * 1024
WITHOUT_NGINX = "nginx is not installed: the proxy's configuration was not tried"


def certificate(folder: Path) -> tuple[Path, Path]:
    """Write a certificate for 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    chain, private = folder / "fullchain.pem", folder / "privkey.pem"
    chain.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return chain, private


def nginx_server() -> str:
    """Return the server block of the page."""
    text = (ROOT / PAGE).read_text("utf-8")
    found = re.search(r"<!-- test: nginx -->\n```nginx\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return found[1]


@asynccontextmanager
async def nginx(folder: Path, here: Installation, port: int) -> AsyncIterator[str]:
    """Run nginx with the page's block; only addresses, files and ports are replaced."""
    assert NGINX is not None
    chain, private = certificate(folder)
    server = nginx_server()
    for written, here_is in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("listen 80", f"listen unix:{folder}/plain"),
        ("/etc/letsencrypt/live/waystation.example.org/fullchain.pem", str(chain)),
        ("/etc/letsencrypt/live/waystation.example.org/privkey.pem", str(private)),
        ("http://127.0.0.1:8080", here.url),
    ):
        assert written in server
        server = server.replace(written, here_is)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # as root it would change to a user who cannot write into this folder
    user = "user root;" if os.geteuid() == 0 else ""
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"{user} daemon off; pid {folder}/nginx.pid; error_log stderr;\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{temporary}{server}\n}}\n"
    )
    running = await asyncio.create_subprocess_exec(
        NGINX, "-e", "stderr", "-c", str(configuration), stderr=asyncio.subprocess.PIPE
    )
    url = f"https://127.0.0.1:{port}"

    async def answers() -> bool:
        assert running.returncode is None, await running.stderr.read() if running.stderr else ""
        try:
            async with (
                aiohttp.ClientSession() as http,
                http.get(f"{url}/healthz", ssl=trusting(chain)) as answer,
            ):
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    try:
        await eventually(answers)
        yield url
    finally:
        if running.returncode is None:
            running.terminate()
        await running.wait()


def trusting(chain: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(chain))


@pytest.mark.skipif(NGINX is None, reason=WITHOUT_NGINX)
async def test_the_nginx_configuration_proxies_and_tells_callers_apart(
    install: Install, tmp_path: Path, unused_tcp_port: int
) -> None:
    async with install() as here, nginx(tmp_path, here, unused_tcp_port) as url:
        ada = await here.person()
        await here.equip(ada)
        trust = trusting(tmp_path / "fullchain.pem")
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {ada.token}"}) as http:
            form = aiohttp.FormData()
            form.add_field("describeFile", BytesIO(bytes(LARGEST_PICTURE)), filename="large.png")
            async with http.post(f"{url}/v2/jobs/describe", data=form, ssl=trust) as answer:
                assert answer.status == 412, "a body of 10 MiB passes the proxy"
            body = {"describeUrl": here.photo()}
            async with http.post(f"{url}/v2/jobs/describe", json=body, ssl=trust) as answer:
                assert answer.status == 200
                job = await answer.json()
            async with http.get(f"{url}/metrics", ssl=trust) as answer:
                assert answer.status == 404
                assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
        plain = aiohttp.UnixConnector(str(tmp_path / "plain"))
        async with (
            aiohttp.ClientSession(connector=plain) as http,
            http.post("http://localhost/v2/jobs/info?x=1", allow_redirects=False) as answer,
        ):
            assert (answer.status, answer.headers["Location"]) == (
                308,
                "https://localhost/v2/jobs/info?x=1",
            )
        assert (await ada.final(job["jobid"]))["status"] == "completed"
        await exhaust(url, ada, trust=trust)
        assert await status_of(url, WRONG, CALLER, trust=trust) == 429
        assert await status_of(url, WRONG, OTHER, trust=trust) == 401


def longest_waits() -> Sequence[float]:
    """Return the waits of a job's POST, one after the other, by the settings' defaults."""
    settings = Settings()
    margin, taken, done = (
        spans()[name]
        for name in ("answering._ANSWER_MARGIN_S", "elsewhere.PATIENCE_S", "elsewhere._WORK_S")
    )
    assert isinstance(margin, float) and isinstance(taken, float) and isinstance(done, float)
    return (
        settings.body_timeout_s,
        PATIENCE_S,
        MOST_URLS * settings.fetch_timeout_s,
        settings.first_answer_s + margin,
        settings.first_edit_s,
        # a job that was not asked in time is ended by the node of its account
        taken + done,
    )


def test_the_client_waits_longer_than_a_post_can_take() -> None:
    assert sum(longest_waits()) < ANSWER_S


def test_the_proxy_waits_longer_than_a_post_can_take() -> None:
    longest, minute = ceil(sum(longest_waits())), 60
    allowed = ceil(longest / minute) * minute
    page = " ".join((ROOT / PAGE).read_text("utf-8").split())
    assert f"proxy_read_timeout {allowed}s;" in nginx_server()
    assert f"at the latest after {longest} s" in nginx_server()
    assert f"**Wait {allowed} s for an answer.**" in page
    body, room, _, turn, edit, node = (f"{wait:g} s" for wait in longest_waits())
    each = f"{Settings().fetch_timeout_s:g} s"
    assert f"{body} for its body, {room} for room for its pictures, {each} for each" in page
    assert f"(up to {MOST_URLS}, one after the other), {turn} for the job's turn" in page
    assert f"{edit} for the first edit of an empty one, and {node} until another node" in page
    assert f"not sent in time: {longest} s." in page


async def test_a_backup_copies_a_running_service_and_is_put_back(
    install: Install, tmp_path: Path
) -> None:
    async with install() as here:
        ada = await here.person()
        await here.equip(ada)
        data = here.settings.data_dir
        copy = Path((await ran("backup", data))["backup"])
    assert copy.parent == data / "backups" and copy.stat().st_mode & 0o777 == 0o600
    async with install() as here:
        await here.person("bob@example.org")
    found = await ran("restore", data, FILE=copy.name)
    assert found["kept"] and found["users"] == 1
    store = await SqliteStore.open(data / "waystation.db", SystemClock(), ghost_age=GHOST_AGE)
    try:
        assert store.restored
        assert [user.email for user in await store.list_users()] == ["ada@example.org"]
    finally:
        await store.close()


async def ran(name: str, data: Path, **named: str) -> dict[str, Any]:
    """Run a block of the page as the user who runs the tests; return what it prints as JSON."""
    script = block(name, PAGE)
    for written, here_is in (
        ("sudo systemctl", ": systemctl"),
        ("sudo -u waystation ", ""),
        ("/opt/waystation/bin/waystation", f"{Path(sys.executable).parent / 'waystation'}"),
        ("/var/lib/waystation", str(data)),
        *named.items(),
    ):
        if written != "sudo systemctl":
            assert written in script
        script = script.replace(written, here_is)
    for command in ("backup", "restore"):
        script = script.replace(f"/waystation {command}", f"/waystation {command} --json")
    done = await asyncio.to_thread(
        subprocess.run, ["sh", "-e", "-c", script], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.skipif(NGINX is None, reason=WITHOUT_NGINX)
async def test_the_nginx_configuration_slows_one_address_down(
    install: Install, tmp_path: Path, unused_tcp_port: int
) -> None:
    async with install() as here, nginx(tmp_path, here, unused_tcp_port) as url:
        trust = trusting(tmp_path / "fullchain.pem")
        async with aiohttp.ClientSession() as http:

            async def look() -> int:
                async with http.get(f"{url}/healthz", ssl=trust) as answer:
                    return answer.status

            told = await asyncio.gather(*(look() for _ in range(400)))
        assert set(told) == {200, 429}


def unit() -> str:
    """Return the service unit of the page."""
    found = re.search(r"```ini\n(.*?)```", (ROOT / PAGE).read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


HARDENING = ("LimitCORE=0", "MemoryMax=", "ProtectProc=invisible", "SystemCallArchitectures=native")


@pytest.mark.parametrize("line", HARDENING)
def test_the_unit_is_hardened(line: str) -> None:
    assert f"\n{line}" in unit()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    file = tmp_path / "waystation.service"
    file.write_text(unit().replace("/opt/waystation/bin/waystation serve", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(file)], capture_output=True, text=True, check=False
    )
    assert "waystation.service" not in done.stderr, done.stderr

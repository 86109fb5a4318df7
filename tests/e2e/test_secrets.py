"""R46, I14: a run of processes at DEBUG, searched for each secret wherever it could have gone."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.e2e.conftest import WAIT_S, Answered, Outside, Person, eventually, outside, post_office
from tests.harness.collector import collector
from tests.pictures import proof
from waystation.simulator.server import Simulator

PASSWORD = "canary-smtp-password"
QUERY = "canary-callback-query"
REJECTED = "MTE0NDAwMDAwMDAwMDAwMDAwMQ.GnoOne.rejected-canary-one"
PICTURE_QUERY = "canary-picture-query"


@dataclass
class Served:
    """A service that runs as a process of its own."""

    url: str
    pid: int
    data_dir: Path
    log: Path
    tokens: list[str] = field(default_factory=list)
    signing: list[str] = field(default_factory=list)
    """Signing secrets of callbacks, as they were shown once."""
    answers: list[Answered] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)


async def command(environ: dict[str, str], *words: str) -> str:
    """Run `waystation …` to its end and return what it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "waystation", *words, env=environ, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(WAIT_S):
        printed, _ = await process.communicate()
    assert process.returncode == 0
    return printed.decode()


@contextlib.asynccontextmanager
async def served(environ: dict[str, str], folder: Path) -> AsyncIterator[Served]:
    """Run `waystation serve`, its log in a file."""
    log = folder / "serve.log"
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "waystation", "serve", "--port", environ["WAYSTATION_PORT"],
            env=environ, stdout=out, stderr=out,
        )  # fmt: skip
    url = f"http://127.0.0.1:{environ['WAYSTATION_PORT']}"
    service = Served(url, process.pid, Path(environ["WAYSTATION_DATA_DIR"]), log)
    try:
        async with aiohttp.ClientSession() as http:

            async def answers() -> bool:
                assert process.returncode is None, log.read_text()
                with contextlib.suppress(aiohttp.ClientConnectionError):
                    async with http.get(f"{url}/healthz") as answer:
                        return answer.status == 200
                return False

            await eventually(answers)
        yield service
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(WAIT_S):
            assert await process.wait() == 0


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


async def test_no_secret_leaves_its_place(tmp_path: Path) -> None:
    async with (
        Simulator(accounts=2, speed=200.0) as sim,
        outside() as place,
        post_office() as office,
        collector() as seen,
        aiohttp.ClientSession() as http,
    ):
        environ = _environ(tmp_path, sim, office.url)
        environ["WAYSTATION_OTLP_ENDPOINT"] = seen.url
        async with served(environ, tmp_path) as service:
            people = [await _person(environ, service, http, name) for name in ("ada", "bob")]
            await _play(sim, place, people, service)
            secrets = _secrets(sim, service)
            places = dict(_places(service, await _shown(http, service)))
        places |= {"log at the end": service.log.read_bytes()}
        places |= {f"{name} at the end": data for name, data in _files(service)}
        places |= {"traces": b"".join(seen.raw)}
        assert seen.named("job.completed"), "the run was not traced"
        assert b"gateway.dispatch" in places["log"], "the run was not at DEBUG"
        found = [
            (place_name, secret_name)
            for place_name, data in places.items()
            for secret_name, secret in secrets.items()
            if secret.encode() in data
        ]
        assert found == []
        # URLs are data of the caller's; only the log must not repeat what is secret in them
        for canary in (QUERY, PICTURE_QUERY, "hm="):
            assert canary.encode() not in places["log at the end"] + places["traces"]


def _environ(tmp_path: Path, sim: Simulator, smtp_url: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    return kept | {
        "WAYSTATION_DATA_DIR": str(tmp_path / "data"),
        "WAYSTATION_PORT": str(free_port()),
        "WAYSTATION_DISCORD_URL": sim.url,
        "WAYSTATION_ALLOW_NETWORKS": "127.0.0.0/8",
        "WAYSTATION_PACING_S": "0",
        "WAYSTATION_LOG_LEVEL": "debug",
        "WAYSTATION_LOG_FORMAT": "json",
        # without STARTTLS and AUTH on offer the mail fails, and its reason is logged
        "WAYSTATION_SMTP_URL": smtp_url.replace("smtp://", f"smtp://waystation:{PASSWORD}@"),
    }


async def _person(
    environ: dict[str, str], service: Served, http: aiohttp.ClientSession, name: str
) -> Person:
    printed = json.loads(
        await command(environ, "users", "add", "--email", f"{name}@example.org", "--json")
    )
    service.tokens.append(printed["token"])
    return Person(printed["id"], printed["token"], service.url, http, service.answers)


async def _play(sim: Simulator, place: Outside, people: list[Person], service: Served) -> None:
    """Do all that handles a secret: set up, run, fail, halt, reset, drop, refuse, remove."""
    picture = proof("tall.png")
    url = place.picture(picture.filename, picture.build())
    callback = f"{place.url}/callback?token={QUERY}"
    for person, account in zip(people, sim.accounts, strict=True):
        body = {"discord": account.token}
        await _noted(service, person, "POST", "/v2/account/midjourney", body)
    for person in people * 2:
        # shown in this one answer; the second replaces the first, and both sign
        alone = Person(person.user_id, person.token, service.url, person.http)
        status, made, _ = await alone.call("POST", "/v2/deliveries/secret")
        assert status == 201
        service.signing.append(made["secret"])
        await _noted(service, person, "GET", "/v2/deliveries/secret")
    for person in people:
        job = await _noted(
            service, person, "POST", "/v2/jobs/describe",
            {"describeUrl": f"{url}?key={PICTURE_QUERY}", "replyUrl": callback},
        )  # fmt: skip
        assert (await person.final(job["jobid"]))["status"] == "completed"
        await _noted(service, person, "POST", "/v2/jobs/info", {"replyUrl": callback})
    ada, bob = people
    await place.callback(4)
    sim.drop(1)
    for fault in ("server_error_after", "stale_version", "unauthorized_401"):
        sim.fault(fault, account=0, count=1)
        await _noted(service, ada, "POST", "/v2/jobs/info", {})
    channel = sim.accounts[0].dm_channel_id
    for method, path in (
        ("GET", "/v2/account"),
        ("GET", "/v2/account/midjourney"),
        ("GET", f"/v2/account/midjourney/{channel}"),
        ("POST", f"/v2/account/midjourney/{channel}/reset"),
        ("GET", "/v2/jobs"),
    ):
        await _noted(service, ada, method, path)
    limit = f"/v2/account/midjourney/{channel}/limit"
    await _noted(service, ada, "POST", limit, {"jobsADay": 500})
    await _noted(service, ada, "POST", "/v2/account/midjourney", {"discord": REJECTED})
    await _noted(service, ada, "POST", "/v2/account/midjourney", {"discord": bob.token})
    wrong = Person(0, ada.token[:-4] + "AAAA", service.url, ada.http, service.answers)
    await _noted(service, wrong, "GET", "/v2/jobs")
    sim.revoke(1)
    await _noted(service, bob, "POST", "/v2/jobs/info", {})


async def _noted(
    service: Served, person: Person, method: str, path: str, body: object = None
) -> Any:
    _, answer, headers = await person.call(method, path, body)
    service.headers.append(str(headers))
    return answer


def _secrets(sim: Simulator, service: Served) -> dict[str, str]:
    found = {"smtp password": PASSWORD, "rejected token": REJECTED}
    for number, token in enumerate(service.tokens):
        found[f"API token {number}"] = token.partition("-")[2]
    for number, account in enumerate(sim.accounts):
        found[f"Discord token {number}"] = account.token
        found[f"signature of Discord token {number}"] = account.token.rpartition(".")[2]
    for number, secret in enumerate(service.signing):
        found[f"signing secret {number}"] = secret.removeprefix("whsec_")
    frames = [entry for entry in sim.log if entry.get("session_id")]
    for number, session_id in enumerate({str(entry["session_id"]) for entry in frames}):
        found[f"gateway session {number}"] = session_id
    for number, key in enumerate(_keys(service.data_dir)):
        found[f"vault key {number}"] = key
    assert len(found) >= 14, found.keys()
    return found


def _keys(data_dir: Path) -> Iterator[str]:
    """Return every long text in the key file."""
    waiting = [json.loads((data_dir / "keys.json").read_text())]
    while waiting:
        match waiting.pop():
            case dict(fields):
                waiting.extend(fields.values())
            case list(values):
                waiting.extend(values)
            case str(text) if len(text) >= 32:
                yield text


def _places(service: Served, shown: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    yield "log", service.log.read_bytes()
    yield from _files(service)
    yield from shown.items()
    for answered in service.answers:
        yield f"answer to {answered.method} {answered.path}", answered.raw
    yield "headers of answers", "\n".join(service.headers).encode()
    yield "process arguments", Path(f"/proc/{service.pid}/cmdline").read_bytes()


def _files(service: Served) -> Iterator[tuple[str, bytes]]:
    """Return all that lies in the data directory but the key itself; the WAL too."""
    for file in sorted(service.data_dir.rglob("*")):
        if file.is_file() and file.name != "keys.json":
            yield file.name, file.read_bytes()


async def _shown(http: aiohttp.ClientSession, service: Served) -> dict[str, bytes]:
    """Return what is open to everybody."""
    found = {}
    for path in ("/metrics", "/readyz", "/healthz", "/nowhere"):
        async with http.get(service.url + path) as answer:
            found[path] = await answer.read()
    return found

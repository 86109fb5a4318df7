"""Requests with their real answers, one for each route: the examples of docs/api.md.

`WRITE_EXAMPLES=1 python -m pytest tests/e2e/test_captured.py` writes them anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

from tests.e2e.conftest import Installation, Person
from waystation.midjourney.commands import COMMANDS
from waystation.simulator.discord.world import Account

__all__ = ["EXAMPLES", "WRITE", "Example", "capture", "read", "shape", "write"]

EXAMPLES = Path(__file__).parents[1] / "documents" / "examples.json"

WRITE = "WRITE_EXAMPLES"
"""The variable that has the test write the examples."""

WORDS: Mapping[str, Mapping[str, Any]] = {
    "shorten": {"prompt": "please draw a very small red fox in the snow"},
    "settings": {"option": "RAW Mode", "state": "on"},
    "prefer_suffix": {"suffix": "--v 7"},
}
"""Bodies of verbs that the bot answers in words; of others they are empty."""

_LINES = 8
"""Lines that are kept of an answer in plain text."""


class Example(TypedDict):
    """One request and its answer; `body` of a GET is None."""

    path: str
    body: dict[str, Any] | None
    status: int
    answer: Any


class _Notes:
    """Sends requests and keeps the first of each route."""

    def __init__(self, here: Installation, person: Person) -> None:
        self._here = here
        self._person = person
        self.examples: dict[str, Example] = {}

    async def ask(
        self, route: str, body: dict[str, Any] | None = None, query: str = "", **names: str
    ) -> Any:
        path, status, answer, _ = await self._called(route, body, query, names)
        if answer is None and status != 204:
            answer = self._person.answers[-1].raw.decode().splitlines()[:_LINES]
        if route not in self.examples:
            self.examples[route] = Example(path=path, body=body, status=status, answer=answer)
        return answer

    async def _called(
        self, route: str, body: dict[str, Any] | None, query: str, names: dict[str, str]
    ) -> tuple[str, int, Any, Any]:
        method, _, template = route.partition(" ")
        path = template.format(**names) + query
        status, answer, headers = await self._person.call(method, path, body)
        assert status < 300, (route, answer)
        return path, status, answer, headers

    async def look(
        self, route: str, body: dict[str, Any] | None = None, query: str = "", **names: str
    ) -> None:
        """Keep the type of a file."""
        path, status, _, headers = await self._called(route, body, query, names)
        assert status == 200, path
        told = f"a body of type {headers['content-type']}"
        self.examples[route] = Example(path=path, body=body, status=status, answer=told)

    async def listen(self, route: str, verb: str) -> None:
        """Keep what an endless stream tells while a job runs."""
        path = route.partition(" ")[2]
        headers = {"Authorization": f"Bearer {self._person.token}"}
        lines: list[str] = []
        async with self._here.http.get(self._here.url + path, headers=headers) as answer:
            async for line in answer.content:
                lines.append(line.decode().rstrip("\n"))
                if lines[-1] == "event: reset":
                    await self._person.run(verb)
                if lines[-1] == "" and "event: completed" in lines:
                    break
        kept = lines[:_LINES]
        self.examples[route] = Example(path=path, body=None, status=answer.status, answer=kept)

    async def peek(self, path: str) -> Any:
        """Ask for something that is no example."""
        return (await self._person.call("GET", path))[1]

    async def run(self, verb: str, **body: Any) -> dict[str, Any]:
        started = await self.ask(f"POST /v2/jobs/{verb}", body)
        return await self._person.final(started["jobid"])


async def capture(here: Installation) -> Mapping[str, Example]:
    """Ask for each route once, and return what was sent and answered. Needs one account."""
    person, account = await here.person(), here.sim.accounts[0]
    notes = _Notes(here, person)
    await _set_up(notes, account)
    await here.connected()
    jobid = await _draw(notes, here, account)
    for verb, command in COMMANDS.items():
        if f"POST /v2/jobs/{verb}" not in notes.examples:
            named = {param.name for param in command.params} & {"jobid"}
            body = dict.fromkeys(named, jobid) or WORDS.get(verb, {})
            await notes.run(verb, **body)
    await _read(notes, here, jobid)
    await _files(notes, jobid)
    await _deliver(notes, here)
    await _take_down(notes, account)
    return _neutral(notes.examples, here, account)


async def _set_up(notes: _Notes, account: Account) -> None:
    one, channel = "/v2/account/midjourney/{channel}", account.channel_id
    changes = {"name": "Ada", "replyUrl": "https://example.org/callback"}
    await notes.ask("POST /v2/account", changes)
    await notes.ask("GET /v2/account")
    await notes.ask("POST /v2/account", {"replyUrl": ""})
    own = {"discord": account.token, "maxJobs": 3}
    direct = (await notes.ask("POST /v2/account/midjourney", own))["channel"]
    await notes.ask(f"DELETE {one}", channel=direct)
    guild = own | {"server": account.guild_id, "channel": channel}
    await notes.ask(f"POST {one}", guild, channel=channel)


async def _draw(notes: _Notes, here: Installation, account: Account) -> str:
    """Draw what other jobs act on, and return its jobid."""
    grid = await notes.run("imagine", prompt="a red fox in the snow --v 7", replyRef="fox-1")
    await notes.run("button", jobid=grid["jobid"], button="U1")
    await notes.run("describe", describeUrl=here.photo())
    await notes.run("blend", blendUrls=[here.photo("tall.png"), here.photo("wide.png")])
    uuid = grid["attachments"][0]["filename"].rpartition("_")[2].partition(".")[0]
    await notes.run("show", uuid=uuid)
    jobid: str = grid["jobid"]
    return jobid


async def _read(notes: _Notes, here: Installation, jobid: str) -> None:
    await notes.ask("GET /v2/jobs/", query=f"?jobid={jobid}")
    here.sim.fault("no_result", account=0, count=1)
    running = await notes.ask("POST /v2/jobs/imagine", {"prompt": "a blue fox --v 7"})
    await notes.ask("GET /v2/jobs")
    await notes.ask("GET /v2/jobs/cancel", query=f"?jobid={running['jobid']}")
    await notes.ask("GET /v2/jobs/{jobid}", jobid=jobid)
    await notes.ask("GET /v2/jobs/search", query="?text=RED%20fox&status=completed&verb=imagine")
    await notes.ask("GET /v2/jobs/{jobid}/events", jobid=jobid)
    await notes.listen("GET /v2/events", "info")
    await notes.ask("DELETE /v2/jobs/{jobid}", jobid=running["jobid"])


async def _files(notes: _Notes, jobid: str) -> None:
    one = "/v2/media/{jobid}/{n}"
    await notes.look(f"GET {one}", query="?tile=2&size=640&format=webp", jobid=jobid, n="0")
    await notes.ask(f"POST {one}/link", {"tile": 2, "days": 30}, jobid=jobid, n="0")
    await notes.look("POST /v2/media/zip", {"jobs": [jobid]})
    await notes.ask("POST /v2/media/key/rotate")


async def _deliver(notes: _Notes, here: Installation) -> None:
    url, one = f"{here.outside.url}/callback", "/v2/deliveries/{id}"
    await notes.ask("POST /v2/deliveries/secret")
    await notes.ask("GET /v2/deliveries/secret")
    told = await notes.ask("POST /v2/deliveries/ping", {"replyUrl": url})
    await here.outside.callback()
    job = await notes.run("info", replyUrl=url)
    query = f"?jobid={job['jobid']}"
    while True:
        (made,) = (await notes.peek(f"/v2/deliveries{query}"))["deliveries"]
        if made["state"] == "delivered":
            break
    await notes.ask("GET /v2/deliveries", query=query)
    await notes.ask(f"GET {one}", id=made["id"])
    await notes.ask(f"POST {one}/redeliver", id=made["id"])
    await notes.ask("POST /v2/deliveries/enable", {"replyUrl": url})
    await notes.ask("GET /v2/deliveries/receivers")
    await notes.ask("POST /v2/deliveries/replay", {"since": told["created"]})


async def _take_down(notes: _Notes, account: Account) -> None:
    one = "/v2/account/midjourney/{channel}"
    await notes.ask("GET /v2/account/midjourney")
    await notes.ask(f"GET {one}", channel=account.channel_id)
    await notes.ask(f"POST {one}/reset", channel=account.channel_id)
    await notes.ask(f"POST {one}/limit", {"jobsADay": 100}, channel=account.channel_id)
    for probe in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
        await notes.ask(f"GET {probe}")
    document = notes.examples["GET /openapi.json"]["answer"]
    notes.examples["GET /openapi.json"]["answer"] = {
        name: document[name] for name in ("openapi", "info")
    }


def _neutral(
    examples: Mapping[str, Example], here: Installation, account: Account
) -> Mapping[str, Example]:
    """Return examples without this machine's ports and without a token."""
    text = json.dumps(examples)
    for own, told in (
        (here.outside.url, "https://example.org"),
        (here.sim.url, "https://cdn.example.org"),
        (here.url, "http://127.0.0.1:8080"),
        (account.token, "<Discord token>"),
    ):
        text = text.replace(own, told)
    text = re.sub(r"whsec_[A-Za-z0-9+/=]+", "whsec_<secret>", text)
    text = re.sub(r"signature=[A-Za-z0-9_-]{43}", "signature=<signature>", text)
    neutral: Mapping[str, Example] = json.loads(text)
    return neutral


def write(examples: Mapping[str, Example]) -> None:
    """Keep examples for the page."""
    text = json.dumps(examples, indent=1, ensure_ascii=False)
    EXAMPLES.write_text(text + "\n", encoding="utf-8")


def read() -> Mapping[str, Example]:
    """Return the examples of the page."""
    examples: Mapping[str, Example] = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    return examples


def shape(value: Any) -> Any:
    """Return the keys and types of a value; a list has the shapes of its entries, each once."""
    match value:
        case dict():
            return {name: shape(one) for name, one in value.items()}
        case list():
            shapes = [shape(one) for one in value]
            return [one for number, one in enumerate(shapes) if one not in shapes[:number]]
        case bool() | None | str():
            return type(value).__name__
        case _:
            return "number"

"""How each status of each route is brought about."""

from __future__ import annotations

import asyncio
import base64
import http.client
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import apsw
import requests
from PIL import Image
from schemathesis.core.transport import Response

from tests.e2e.conftest import eventually
from tests.e2e.described import Described
from tests.e2e.shop import Customer, Shop, account_body
from tests.pictures import proof
from waystation.engine.deliveries import SIGNING_AT_ONCE
from waystation.midjourney.commands import COMMANDS
from waystation.midjourney.replies import ReplyKind

__all__ = [
    "BODY_S",
    "FIRST_ANSWER_S",
    "JSON_BYTES",
    "provoke_a_broken_database",
    "provoke_accounts",
    "provoke_deliveries",
    "provoke_job",
    "provoke_late_bodies",
    "provoke_logins",
    "provoke_media",
    "provoke_probes",
    "provoke_reads",
]

SAYING: Mapping[str, Mapping[str, Any]] = {
    "shorten": {"prompt": "please draw a very small red fox in the snow"},
    "settings": {"option": "RAW Mode", "state": "on"},
    "prefer_suffix": {"suffix": "--v 7"},
}
"""Bodies of verbs that the bot answers in words; of all others they are empty."""

BODY_S = 1.5
"""How long a body may take here, so that its lateness is seen soon."""

FIRST_ANSWER_S = 6.0
"""How long the bot's first answer is waited for here."""

JSON_BYTES = 60_000

_NOBODYS = "MTE0NDAwMDAwMDAwMDAwMDAwMQ.GnoOne.no-such-token-"
"""A token of Discord's form that it never gave out."""

TABLES_ASKED = ("users", "jobs", "job_counts")
"""Tables of which every route that asks the store reads at least one."""

LANE = 50
"""Jobs without a slot that an account waits for at once (R16)."""


async def provoke_job(shop: Shop, verb: str) -> None:
    """See all that a verb can answer but for what is wrong with its token."""
    route, row = f"POST /v2/jobs/{verb}", COMMANDS[verb]
    who = await shop.customer()
    sim = shop.here.sim
    body = await _body(shop, verb, who)

    # so that the account's mode is known
    await shop.done("info", who)
    shared: dict[str, Any] = {
        "replyUrl": f"{shop.here.outside.url}/callback",
        "replyRef": "r",
        "replyProgress": False,
        "discord": who.account.token,
        "mode": "fast",
        "queue": True,
        "priority": 2,
    }
    if "jobid" not in body:
        shared |= {"channel": who.channel, "server": who.account.guild_id}
    if row.takes_slot:
        shared["maxJobs"] = 10
    await shop.ends(who, await shop.see(200, route, who, body={**body, **shared}))
    form, media_type = _form(verb, body), "multipart/form-data"
    await shop.ends(who, await shop.see(200, route, who, body=form, media_type=media_type))

    await shop.see(row.bad_input_status, route, who, body={**body, "replyRef": 5})
    await shop.see(413, route, who, body={**body, "replyRef": "x" * JSON_BYTES})
    if "jobid" in body:
        await shop.see(404, route, who, body={**body, "jobid": "job:1"})
    if verb == "imagine":
        await shop.see(400, route, who, body={"prompt": "a {red, blue} fox"})
        await shop.done(verb, who, prompt="a red fox --video")
    if verb == "describe":
        await shop.see(412, route, who, body={})
        sim.fault(
            "server_error_before", account=who.number, count=1, route="attachments", status=413
        )
        told = await shop.see(400, route, who, body=body)
        assert told["error"] == "Discord refused the picture as too large"
    if verb == "blend":
        await shop.see(400, route, who, body={"blendUrls": ["http://127.0.0.1:9/a.png"] * 2})
    if verb == "button":
        broken = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
        await shop.see(400, route, who, body={**body, "mask": broken})
        once = {**body, "button": "U1"}
        single = await shop.ends(who, await shop.see(200, route, who, body=once))
        picture = single["attachments"][0]
        region = {
            "jobid": single["jobid"],
            "button": "Vary (Region)",
            "prompt": "a blue fox",
            "mask": _half_mask(picture["width"], picture["height"]),
        }
        await shop.ends(who, await shop.see(200, route, who, body=region))
        repeated = await shop.see(409, route, who, body=once)
        assert repeated["button"] == "U1" and repeated["jobid"]
        parent = await shop.see(200, "GET /v2/jobs/", who, query={"jobid": body["jobid"]})
        assert repeated["jobid"] in [child["jobid"] for child in parent["children"]]

    await _repeat(shop, route, who, body)
    await _wait(shop, verb, who, body)
    for status, fault, params in _faults(verb):
        sim.fault(fault, account=who.number, count=1, **params)
        told = await shop.see(status, route, who, body=body)
        assert told["code"] == status
    halted = await shop.see(596, route, who, body=body)
    assert "jobid" not in halted
    path = {"channel": who.channel}
    shown = await shop.see(200, "GET /v2/account/midjourney/{channel}", who, path_parameters=path)
    assert shown["pendingModMessage"]
    await shop.see(204, "POST /v2/account/midjourney/{channel}/reset", who, path_parameters=path)
    if row.reaction is None:
        # last, for what comes of it comes late
        sim.fault("job_queued", account=who.number, count=1, start_after_s=0.1)
        assert (await shop.see(504, route, who, body=body))["error"] == "Job queued"


async def _repeat(shop: Shop, route: str, who: Customer, body: dict[str, Any]) -> None:
    """See that a request with a key makes one job, and what its twin is told meanwhile."""
    for number in range(_TRIES):
        # who of both comes first is chance, and so is how soon that one is answered
        sent = {"body": body, "headers": {"Idempotency-Key": f"key-{number}"}}
        both = await asyncio.gather(*(shop.ask(route, who, **sent) for _ in range(2)))
        job = next(one.json() for one in both if one.status_code == 200)
        await shop.ends(who, job)
        again = await shop.ask(route, who, **sent)
        assert again.headers["idempotency-replayed"] == ["true"]
        assert again.json()["jobid"] == job["jobid"]
        if 409 in [answer.status_code for answer in both]:
            return
    raise AssertionError(f"{route}: none of two requests at once found the other one")


async def _wait(shop: Shop, verb: str, who: Customer, body: dict[str, Any]) -> None:
    """See that a job of the queue waits again that was refused for the moment (R13)."""
    fault, params = next((name, more) for status, name, more in _faults(verb) if status == 429)
    shop.here.sim.fault(fault, account=who.number, count=1, **params)
    asked = {**body, "queue": True}
    job = await shop.see(201, f"POST /v2/jobs/{verb}", who, body=asked)
    assert (job["status"], job["queue"]["position"]) == ("created", 1)
    assert job["queue"]["why"].startswith("It was refused for the moment")
    shown = await shop.see(200, "GET /v2/jobs/", who, query={"jobid": job["jobid"]})
    assert shown["queue"]["priority"] == 3
    cancelled = await shop.see(200, "GET /v2/jobs/cancel", who, query={"jobid": job["jobid"]})
    assert cancelled["status"] == "cancelled"


_TRIES = 20


def _faults(verb: str) -> Sequence[tuple[int, str, Mapping[str, Any]]]:
    """Return what makes a verb answer with a status, the halt last."""
    row, reacts = COMMANDS[verb], {"route": "reactions"}
    if row.reaction is not None:
        return (
            (429, "rate_limited_bucket", {**reacts, "retry_after": 0.1}),
            (502, "unknown_channel_400", reacts),
            (596, "verify_account_403", reacts),
        )
    return (
        (422, "banned_prompt", {}),
        (429, "queue_full", {}),
        (502, "internal_error", {}),
        (596, "blocked", {}),
    )


def _half_mask(width: int, height: int) -> str:
    """Return a PNG in base64 that is white on its left half."""
    image = Image.new("L", (width, height), 0)
    image.paste(255, (0, 0, width // 2, height))
    file = BytesIO()
    image.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


async def _body(shop: Shop, verb: str, who: Customer) -> dict[str, Any]:
    """Return a body that a verb accepts; what it speaks of is made first."""
    here = shop.here
    row = COMMANDS[verb]
    if ReplyKind.PICTURE not in row.finished_by and row.reaction is None and verb != "describe":
        return dict(SAYING.get(verb, {}))
    match verb:
        case "describe":
            return {"describeUrl": here.photo()}
        case "blend":
            urls = [here.photo("tall.png"), here.photo("wide.png")]
            return {"blendUrls": urls, "blendDimensions": "Portrait"}
        case "imagine":
            return {"prompt": "a red fox in the snow", "mode": "fast"}
    grid = await shop.done("imagine", who, prompt="a red fox in the snow --v 7")
    if verb == "show":
        name = grid["attachments"][0]["filename"]
        return {"uuid": name.rpartition("_")[2].partition(".")[0]}
    if verb == "button":
        return {"jobid": grid["jobid"], "button": "V1"}
    return {"jobid": grid["jobid"]}


def _form(verb: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return the same as a form; pictures as file parts."""
    match verb:
        case "describe":
            return {"describeFile": proof("tall.png").build()}
        case "blend":
            return {
                "blendFile_1": proof("tall.png").build(),
                "blendFile_2": proof("wide.png").build(),
                "blendFile_3": proof("crimson.png").build(),
                "blendFile_4": proof("blue.png").build(),
                "blendFile_5": proof("disc.png").build(),
            }
    return body


async def provoke_reads(shop: Shop) -> None:
    who = await shop.customer()
    job = await shop.done("info", who)
    query = {"jobid": job["jobid"]}
    for route in ("GET /v2/jobs", "GET /v2/jobs/", "GET /v2/jobs/cancel"):
        await shop.see(200, route, who, query=query)
        await shop.see(404, route, who, query={"jobid": "job:1"})
        await shop.see(400, route, who, query={"jobid": ""})
    everything = {
        "text": "fox",
        "status": "completed,failed",
        "verb": "info",
        "channel": who.channel,
        "since": "2026-01-01T00:00:00Z",
        "until": "2100-01-01T00:00:00+02:00",
    }
    assert (await shop.see(200, "GET /v2/jobs/search", who, query=everything))["jobs"] == []
    (told,) = (await shop.see(200, "GET /v2/jobs/search", who))["jobs"]
    assert told["jobid"] == job["jobid"]
    await shop.see(400, "GET /v2/jobs/search", who, query={"text": "fo"})
    for route in ("GET /v2/jobs/{jobid}", "DELETE /v2/jobs/{jobid}"):
        await shop.see(200, route, who, path_parameters=query)
        await shop.see(404, route, who, path_parameters={"jobid": "job:1"})
        await shop.see(400, route, who, path_parameters={"jobid": "job:1\x01"})
    stream = "GET /v2/jobs/{jobid}/events"
    await shop.see(200, stream, who, path_parameters=query)
    told = (await shop.ask(stream, who, path_parameters=query)).text
    last = told.rpartition("id: ")[2].partition("\n")[0]
    await shop.see(204, stream, who, path_parameters=query, headers={"Last-Event-ID": last})
    await shop.see(404, stream, who, path_parameters={"jobid": "job:1"})
    await shop.see(400, stream, who, path_parameters={"jobid": "job:1\x01"})
    for cursor in ({}, {"Last-Event-ID": "00000000-1"}):
        await shop.see(200, "GET /v2/events", who, headers=cursor)
    assert await shop.see(200, "GET /v2/jobs", who) == []
    await _fill_the_lane(shop, who)


async def _fill_the_lane(shop: Shop, who: Customer) -> None:
    """See that an account asks the bot only so many things at once."""
    shop.here.sim.fault("no_result", account=who.number, count=LANE)
    info = "POST /v2/jobs/info"
    waiting = [asyncio.ensure_future(shop.see(502, info, who)) for _ in range(LANE)]

    async def is_full() -> bool:
        return len((await who.person.call("GET", "/v2/jobs"))[1]) == LANE

    await eventually(is_full)
    told = await shop.see(429, info, who)
    assert told["error"] == f"At most {LANE} jobs without a slot may wait on this account; wait"
    await asyncio.gather(*waiting)


async def provoke_accounts(shop: Shop) -> None:
    who = await shop.customer(equipped=False)
    place, one = "/v2/account/midjourney", "/v2/account/midjourney/{channel}"
    path = {"channel": who.channel}
    await shop.see(200, "GET /v2/account", who)
    changes = {"name": "Ada", "user": "ada", "replyUrl": f"{shop.here.outside.url}/callback"}
    await shop.see(204, "POST /v2/account", who, body=changes)
    assert (await shop.see(200, "GET /v2/account", who))["updated"]
    await shop.see(400, "POST /v2/account", who, body={"name": 5})
    await shop.see(404, f"GET {place}", who)
    number = {"jobsADay": 5, "maxJobs": 3}
    for method, route, sent in (
        ("GET", one, None),
        ("DELETE", one, None),
        ("POST", f"{one}/reset", None),
        ("POST", f"{one}/limit", number),
    ):
        extra = {} if sent is None else {"body": sent}
        await shop.see(404, f"{method} {route}", who, path_parameters=path, **extra)
        control = {"channel": "1\x01"}
        told = await shop.see(400, f"{method} {route}", who, path_parameters=control, **extra)
        assert told["error"] == "The path contains a control character"

    own = {"discord": who.account.token, "maxJobs": 5}
    assert (await shop.see(201, f"POST {place}", who, body=own))["channel"]
    await shop.see(200, f"POST {place}", who, body=own)
    await shop.see(400, f"POST {place}", who, body={})
    direct = {"channel": who.account.dm_channel_id}
    await shop.see(204, f"DELETE {one}", who, path_parameters=direct, query={"force": "true"})

    guild = account_body(who)
    await shop.see(400, f"POST {one}", who, path_parameters=path, body={})
    # before it is set up: Discord is not asked again about a token that it has taken
    for route, body, more in (
        (f"POST {place}", own, {}),
        (f"POST {one}", guild, {"path_parameters": path}),
    ):
        shop.here.sim.fault("unknown_channel_400", account=who.number, count=1, route="me")
        told = await shop.see(502, route, who, body=body, **more)
        assert told["error"] == "Discord answered with HTTP status 400"
    await shop.see(204, f"POST {one}", who, path_parameters=path, body=guild)
    assert await shop.see(200, f"GET {place}", who)
    await shop.see(204, f"POST {one}/limit", who, path_parameters=path, body=number)
    shown = await shop.see(200, f"GET {one}", who, path_parameters=path)
    assert shown["jobsADay"] == number["jobsADay"]
    for count in range(5):
        await shop.see(400, f"POST {place}", who, body={"discord": f"{_NOBODYS}{count}"})
    told = await shop.see(429, f"POST {place}", who, body={"discord": _NOBODYS})
    assert told["error"] == ("Discord has rejected too many tokens from this user; wait an hour")
    big = {"replyUrl": "x" * JSON_BYTES}
    await shop.see(413, "POST /v2/account", who, body=big)
    await shop.see(413, f"POST {place}", who, body=big)
    for route in (one, f"{one}/limit"):
        await shop.see(413, f"POST {route}", who, path_parameters=path, body=big)


async def provoke_deliveries(shop: Shop) -> None:
    who = await shop.customer()
    secret = "/v2/deliveries/secret"
    assert not (await shop.see(200, f"GET {secret}", who))["signs"]
    for _ in range(SIGNING_AT_ONCE):
        assert (await shop.see(201, f"POST {secret}", who))["secret"]
    told = await shop.see(429, f"POST {secret}", who)
    assert told["error"] == "6 signing secrets of this user sign at once; wait"
    assert (await shop.see(200, f"GET {secret}", who))["formerUntil"]

    url = f"{shop.here.outside.url}/callback"
    job = await shop.done("info", who, replyUrl=url)
    query = {"jobid": job["jobid"], "state": "delivered", "limit": 1, "before": ""}
    listed = "GET /v2/deliveries"

    async def is_listed() -> bool:
        return len((await shop.see(200, listed, who, query=query))["deliveries"]) == 1

    await eventually(is_listed)
    (one,) = (await shop.see(200, listed, who, query=query))["deliveries"]
    for name, value in (("limit", 101), ("state", "lost"), ("before", "then")):
        await shop.see(400, listed, who, query={name: value})
    path: dict[str, Any] = {"path_parameters": {"id": one["id"]}}
    assert (await shop.see(200, "GET /v2/deliveries/{id}", who, **path))["attempts"]
    again = "POST /v2/deliveries/{id}/redeliver"
    assert (await shop.see(200, again, who, **path))["state"] == "pending"
    for route in ("GET /v2/deliveries/{id}", again):
        await shop.see(404, route, who, path_parameters={"id": "absent"})
    ping = "POST /v2/deliveries/ping"
    told = await shop.see(200, ping, who, body={"replyUrl": url})
    path = {"path_parameters": {"id": told["id"]}}
    assert (await shop.see(400, again, who, **path))["error"].startswith("Only the end of a job")
    await shop.see(400, ping, who, body={})
    await shop.see(413, ping, who, body={"replyUrl": "x" * JSON_BYTES})
    enable = "POST /v2/deliveries/enable"
    shop.here.outside.answer = lambda: 410
    own = f"{url}?of={who.channel}"
    gone = await shop.done("info", who, replyUrl=own)
    query = {"jobid": gone["jobid"], "state": "given_up"}
    await eventually(is_listed)
    shop.here.outside.answer = lambda: 200
    (one,) = (await shop.see(200, listed, who, query=query))["deliveries"]
    assert (await shop.see(200, "GET /v2/deliveries/receivers", who))["receivers"]
    told = await shop.see(409, again, who, path_parameters={"id": one["id"]})
    assert told["error"].startswith("The receiver is disabled")
    await shop.see(204, enable, who, body={"replyUrl": own})
    await shop.see(400, enable, who, body={})
    await shop.see(413, enable, who, body={"replyUrl": "x" * JSON_BYTES})
    replay = "POST /v2/deliveries/replay"
    since = {"since": "2026-01-31T12:00:00Z"}
    assert not (await shop.see(200, replay, who, body=since))["more"]
    await shop.see(400, replay, who, body={})
    await shop.see(413, replay, who, body={"since": "x" * JSON_BYTES})
    for path in ({"id": "1\x01"},):
        for route in ("GET /v2/deliveries/{id}", again):
            await shop.see(400, route, who, path_parameters=path)


async def provoke_media(shop: Shop) -> None:
    who = await shop.customer()
    read, link = "GET /v2/media/{jobid}/{n}", "POST /v2/media/{jobid}/{n}/link"
    job = await shop.done("imagine", who, prompt="a red fox")
    path = {"path_parameters": {"jobid": job["jobid"], "n": "0"}}
    whole = await shop.ask(read, who, **path)
    tag = whole.headers["etag"][0]
    everything = {"tile": 2, "size": 320, "format": "avif"}
    await shop.see(200, read, who, **path, query=everything)
    part = {"Range": "bytes=0-9", "If-Range": tag}
    await shop.see(206, read, who, **path, headers=part)
    await shop.see(304, read, who, **path, headers={"If-None-Match": tag})
    await shop.see(416, read, who, **path, headers={"Range": "bytes=999999999-"})
    await shop.see(400, read, who, **path, query={"tile": 5})
    told = await shop.see(201, link, who, **path, body={"days": 1, **everything})
    query = dict(parse_qsl(urlsplit(told["path"]).query))
    await shop.see(200, read, None, **path, query=query)
    await shop.see(400, link, who, **path, body={"days": 0})
    await shop.see(413, link, who, **path, body={"format": "x" * JSON_BYTES})
    for route in (read, link):
        body: dict[str, Any] = {"body": {}} if route == link else {}
        none = {"jobid": "job:1", "n": "0"}
        await shop.see(404, route, who, path_parameters=none, **body)
        await shop.see(400, route, who, path_parameters={"jobid": "job:1\x01", "n": "0"}, **body)
    await shop.see(200, read, who, **path, query={"download": "1"})
    await shop.see(400, read, who, **path, query={"download": "2"})
    zips = "POST /v2/media/zip"
    await shop.see(200, zips, who, body={"jobs": [job["jobid"]]})
    await shop.see(404, zips, who, body={"jobs": ["job:1"]})
    await shop.see(400, zips, who, body={"jobs": []})
    await shop.see(413, zips, who, body={"jobs": ["x" * JSON_BYTES]})
    for fault, status in (("server_error_before", 502), ("unknown_message_404", 410)):
        shop.here.sim.fault(fault, route="cdn", count=1)
        await shop.see(status, read, who, **path)
    await shop.see(204, "POST /v2/media/key/rotate", who)
    await shop.see(401, read, None, **path, query=query)


async def provoke_probes(shop: Shop) -> None:
    for route in ("GET /healthz", "GET /readyz", "GET /metrics", "GET /openapi.json"):
        await shop.see(200, route, None)


def _guarded(api: Described) -> list[str]:
    return sorted(route for route, status in api.statuses() if status == 401)


def _anything(route: str) -> dict[str, Any]:
    """Return what makes a request of a route complete, if not sensible."""
    sent: dict[str, Any] = {}
    if "{channel}" in route:
        sent["path_parameters"] = {"channel": "1"}
    if "{jobid}" in route:
        sent["path_parameters"] = {"jobid": "job:1"}
    if "{n}" in route:
        sent["path_parameters"] |= {"n": "0"}
    if "{id}" in route:
        sent["path_parameters"] = {"id": "1"}
    bare = ("/redeliver", "/reset", "/secret", "/rotate")
    if route.startswith("POST") and not route.endswith(bare):
        sent["body"] = {}
    return sent


def _from(number: int) -> dict[str, str]:
    return {"X-Forwarded-For": f"192.0.2.{number % 2}"}


async def provoke_logins(shop: Shop) -> None:
    """See 402, 401 and, after too many of these, 429 everywhere."""
    here, routes = shop.here, _guarded(shop.api)
    late = await here.person("late@example.org")
    await here.change(late, expires_at=datetime(2026, 1, 1, tzinfo=UTC))
    lapsed = sorted(route for route, status in shop.api.statuses() if status == 402)
    await shop.every([shop.see(402, route, late.token, **_anything(route)) for route in lapsed])
    # a proxy's word for the caller's address: one address may fail only so often
    await shop.every(
        [
            shop.see(401, route, "user:1-wrong", headers=_from(number), **_anything(route))
            for number, route in enumerate(routes)
        ]
    )
    while (told := await shop.ask("GET /v2/jobs", "user:1-wrong")).status_code != 429:
        pass
    assert told.json()["error"] == "Too many failed logins from this address; wait a minute"
    await shop.every([shop.see(429, route, "user:1-wrong", **_anything(route)) for route in routes])


async def provoke_late_bodies(shop: Shop) -> None:
    who = await shop.customer(equipped=False)
    late = ("application/json", 100, b"{", 408)
    typed = ("application/x-www-form-urlencoded", 3, b"a=b", 415)
    for kind in (late, typed):
        routes = [route for route, status in shop.api.statuses() if status == kind[-1]]
        assert routes
        await shop.every([shop.threaded(_by_hand, shop.api, one, who, *kind) for one in routes])


def _by_hand(
    api: Described, route: str, who: Customer, kind: str, length: int, body: bytes, status: int
) -> None:
    """Send a request whose body is not as announced, and wait for the answer."""
    sent = _anything(route)
    case = api.case(route, **sent)
    place = urlsplit(api.url)
    assert place.hostname is not None
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
    connection.putrequest("POST", case.formatted_path)
    connection.putheader("Authorization", f"Bearer {who.token}")
    connection.putheader("Content-Type", kind)
    connection.putheader("Content-Length", str(length))
    connection.endheaders(body)
    answered = connection.getresponse()
    response = Response(
        status_code=answered.status,
        headers={name.lower(): [value] for name, value in answered.getheaders()},
        content=answered.read(),
        request=requests.Request("POST", api.url + case.formatted_path).prepare(),
        elapsed=0.0,
        verify=False,
    )
    connection.close()
    assert response.status_code == status
    api.judge(case, response)


async def provoke_a_broken_database(shop: Shop) -> None:
    """See 503 wherever the store is asked; nothing else goes on meanwhile."""
    who = await shop.customer(equipped=False)
    database = apsw.Connection(str(shop.here.settings.database_path))
    database.set_busy_timeout(5000)
    for table in TABLES_ASKED:
        database.execute(f"alter table {table} rename to away_{table}")
    try:
        open_routes = [("GET /metrics", None)]
        guarded = [(route, who.token) for route in _guarded(shop.api)]
        await shop.every(
            [
                shop.see(503, route, token, **_anything(route))
                for route, token in open_routes + guarded
            ]
        )
    finally:
        for table in TABLES_ASKED:
            database.execute(f"alter table away_{table} rename to {table}")
    database.execute("begin immediate")
    try:
        problems = (await shop.see(503, "GET /readyz", None))["problems"]
        assert problems == ["database: The database refused or could not be used."]
    finally:
        database.execute("rollback")
        database.close()

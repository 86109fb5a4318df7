"""The Python client, against a small server that answers as told."""

from __future__ import annotations

import asyncio
import socket
from io import BytesIO
from pathlib import Path

import pytest
from aiohttp import web

from tests.integration.client.conftest import JOB, TOKEN, Stub
from waystation.client import Client
from waystation.errors import (
    NotFound,
    PreconditionFailed,
    TooLarge,
    TransportError,
    Unavailable,
    Unreachable,
    WaystationError,
)


async def test_every_request_carries_the_token(client: Client, stub: Stub) -> None:
    stub.say(200, [])
    assert await client.jobs() == []
    assert stub.requests[0]["authorization"] == f"Bearer {TOKEN}"
    assert (stub.requests[0]["method"], stub.requests[0]["path"]) == ("GET", "/v2/jobs")


async def test_the_address_may_end_with_v2_as_clients_of_the_api_write_it(stub: Stub) -> None:
    stub.say(200, [])
    async with Client(f"{stub.url}/v2/", TOKEN) as client:
        await client.jobs()
    assert stub.requests[0]["path"] == "/v2/jobs"


async def test_info_sends_only_what_is_given(client: Client, stub: Stub) -> None:
    stub.say(200, {"jobid": JOB, "status": "completed", "code": 200})
    job = await client.info(channel="2")
    assert job["status"] == "completed"
    assert stub.requests[0]["path"] == "/v2/jobs/info"
    assert stub.requests[0]["json"] == {"channel": "2"}


async def test_describe_of_a_url_is_json_in_the_words_of_v2(client: Client, stub: Stub) -> None:
    stub.say(200, {"jobid": JOB, "status": "started"})
    await client.describe(
        "https://example.org/a.png", max_jobs=2, reply_url="https://example.org/", reply_ref="r"
    )
    assert stub.requests[0]["json"] == {
        "describeUrl": "https://example.org/a.png",
        "maxJobs": 2,
        "replyUrl": "https://example.org/",
        "replyRef": "r",
    }


async def test_describe_of_a_path_sends_the_file_itself(
    client: Client, stub: Stub, tmp_path: Path
) -> None:
    picture = tmp_path / "fox.png"
    picture.write_bytes(b"\x89PNG")
    stub.say(200, {"jobid": JOB, "status": "started"})
    await client.describe(picture, channel="2", max_jobs=3)
    assert stub.requests[0]["form"] == {
        "channel": "2",
        "maxJobs": "3",
        "describeFile": ("fox.png", b"\x89PNG"),
    }


async def test_a_file_that_is_not_there_is_told_before_anything_is_sent(
    client: Client, stub: Stub, tmp_path: Path
) -> None:
    with pytest.raises(PreconditionFailed, match="cannot be read"):
        await client.describe(tmp_path / "absent.png")
    assert stub.requests == []


async def test_a_form_says_true_and_false_in_the_words_that_the_api_reads(
    client: Client, stub: Stub
) -> None:
    stub.say(200, {"jobid": JOB, "status": "started"})
    await client.submit("describe", {"replyProgress": False}, {"describeFile": b"GIF89a"})
    assert stub.requests[0]["form"]["replyProgress"] == "false"


async def test_bytes_can_be_sent_as_a_file(client: Client, stub: Stub) -> None:
    stub.say(200, {"jobid": JOB, "status": "started"})
    await client.submit("describe", files={"describeFile": b"GIF89a"})
    assert stub.requests[0]["form"] == {"describeFile": ("describeFile", b"GIF89a")}


async def test_redirects_are_not_followed_with_the_token(client: Client, stub: Stub) -> None:
    stub.say(302, {"error": "elsewhere"}, {"Location": "/other"})
    with pytest.raises(WaystationError, match="elsewhere"):
        await client.jobs()
    assert len(stub.requests) == 1


async def test_a_closed_port_is_unreachable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with Client(f"http://127.0.0.1:{unused.getsockname()[1]}", TOKEN) as client:
            with pytest.raises(Unreachable, match="cannot be reached"):
                await client.jobs()


async def test_an_address_that_is_none_is_unreachable() -> None:
    async with Client("not a url", TOKEN) as client:
        with pytest.raises(Unreachable):
            await client.jobs()


async def test_a_server_that_stays_silent_is_unreachable() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        gone.set()

    gone = asyncio.Event()
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with Client(f"http://127.0.0.1:{port}", TOKEN, timeout_s=0.05) as client:
        with pytest.raises(Unreachable, match="in time"):
            await client.jobs()
    await gone.wait()
    server.close()
    await server.wait_closed()


async def test_wait_returns_the_final_job_and_shows_each_change_once(
    client: Client, stub: Stub, pauses: list[float]
) -> None:
    for status in ("created", "started", "started", "progress", "completed"):
        stub.say(200, {"jobid": JOB, "status": status})
    seen: list[str] = []
    job = await client.wait(JOB, on_progress=lambda job: seen.append(job["status"]))
    assert job["status"] == "completed"
    assert seen == ["created", "started", "progress", "completed"]
    assert {request["jobid"] for request in stub.requests} == {JOB}
    assert pauses == sorted(pauses) and len(pauses) == 4


async def test_wait_asks_less_and_less_often_up_to_a_limit(
    client: Client, stub: Stub, pauses: list[float]
) -> None:
    for _ in range(30):
        stub.say(200, {"jobid": JOB, "status": "progress"})
    stub.say(200, {"jobid": JOB, "status": "failed"})
    await client.wait(JOB)
    assert pauses[0] == 0.25
    assert max(pauses) == pauses[-1] == 5.0


async def test_wait_survives_a_restart_of_the_service(client: Client, stub: Stub) -> None:
    for _ in range(9):
        stub.say(503, {"error": "stopping", "code": 503})
    stub.say(200, {"jobid": JOB, "status": "completed"})
    assert (await client.wait(JOB))["status"] == "completed"


async def test_wait_gives_up_on_a_service_that_stays_away(client: Client, stub: Stub) -> None:
    stub.say(503, {"error": "stopping", "code": 503})
    with pytest.raises(Unavailable, match="stopping"):
        await client.wait(JOB)
    assert len(stub.requests) == 10


async def test_wait_does_not_wait_for_a_job_that_is_not_there(client: Client, stub: Stub) -> None:
    stub.say(404, {"error": f"Unable to locate job {JOB}", "code": 404})
    with pytest.raises(NotFound):
        await client.wait(JOB)
    assert len(stub.requests) == 1


async def test_wait_ends_at_its_time_limit_while_the_job_goes_on(stub: Stub) -> None:
    stub.say(200, {"jobid": JOB, "status": "progress"})
    async with Client(stub.url, TOKEN) as client:
        with pytest.raises(Unavailable, match="is not final after"):
            await client.wait(JOB, timeout_s=0.05)


async def test_cancel_is_a_get_of_v2(client: Client, stub: Stub) -> None:
    stub.say(200, {"jobid": JOB, "status": "cancelled", "code": 200})
    assert (await client.cancel(JOB))["status"] == "cancelled"
    assert stub.requests[0]["method"] == "GET"
    assert stub.requests[0]["path"].startswith("/v2/jobs/cancel/?jobid=")
    assert stub.requests[0]["jobid"] == JOB


async def test_the_callers_own_record_is_read_and_changed(client: Client, stub: Stub) -> None:
    stub.say(200, {"id": 1, "email": "a@example.org"})
    stub.say(204)
    assert (await client.account())["id"] == 1
    await client.update_account(reply_url="https://example.org/")
    assert stub.requests[1]["json"] == {"replyUrl": "https://example.org/"}


async def test_discord_accounts_are_managed_by_channel(client: Client, stub: Stub) -> None:
    account = {"channel": "2", "discord": "ABC…secured…xyz", "maxJobs": 3}
    stub.say(201, account)
    stub.say(200, {"2": account})
    stub.say(200, account)
    stub.say(204)
    assert await client.add_discord_account("token", max_jobs=3) == account
    assert await client.discord_accounts() == {"2": account}
    assert await client.discord_account("2") == account
    await client.put_discord_account("2", server="9", discord="token", max_jobs=3)
    await client.reset_discord_account("2")
    await client.remove_discord_account("2")
    assert [(seen["method"], seen["path"]) for seen in stub.requests] == [
        ("POST", "/v2/account/midjourney"),
        ("GET", "/v2/account/midjourney"),
        ("GET", "/v2/account/midjourney/2"),
        ("POST", "/v2/account/midjourney/2"),
        ("POST", "/v2/account/midjourney/2/reset"),
        ("DELETE", "/v2/account/midjourney/2"),
    ]
    assert stub.requests[0]["json"] == {"discord": "token", "maxJobs": 3}


async def test_no_configuration_is_an_empty_answer(client: Client, stub: Stub) -> None:
    stub.say(404, {"error": "Configuration not found", "code": 404})
    assert await client.discord_accounts() == {}


async def test_a_channel_cannot_leave_its_path(client: Client, stub: Stub) -> None:
    stub.say(204)
    await client.remove_discord_account("2/../../jobs?x")
    assert stub.requests[0]["path"] == "/v2/account/midjourney/2%2F..%2F..%2Fjobs%3Fx"


async def test_imagine_is_sent_in_the_words_of_v2(client: Client, stub: Stub) -> None:
    stub.say(200, {"jobid": JOB, "status": "started"})
    await client.imagine("a fox", mode="relax", max_jobs=2, reply_ref="r")
    assert stub.requests[0]["path"] == "/v2/jobs/imagine"
    asked = {"prompt": "a fox", "mode": "relax", "maxJobs": 2, "replyRef": "r"}
    assert stub.requests[0]["json"] == asked


async def test_a_blend_keeps_the_order_of_urls_and_numbers_its_files(
    client: Client, stub: Stub, tmp_path: Path
) -> None:
    picture = tmp_path / "fox.png"
    picture.write_bytes(b"\x89PNG")
    stub.say(200, {"jobid": JOB, "status": "started"})
    urls = ["https://example.org/b.png", "https://example.org/a.png"]
    await client.blend(urls, dimensions="Square")
    await client.blend([urls[0], picture, urls[1]])
    assert stub.requests[0]["json"] == {"blendUrls": urls, "blendDimensions": "Square"}
    assert stub.requests[1]["form"] == {
        "blendUrls": " ".join(urls),
        "blendFile_2": ("fox.png", b"\x89PNG"),
    }


async def test_a_press_carries_its_mask_in_base64(client: Client, stub: Stub) -> None:
    stub.say(200, {"jobid": JOB, "status": "started"})
    await client.button(JOB, "U1")
    await client.button(JOB, "Vary (Region)", prompt="a hat", mask=b"\x89PNG", reply_url="u")
    assert stub.requests[0]["json"] == {"jobid": JOB, "button": "U1"}
    region = {"jobid": JOB, "button": "Vary (Region)", "prompt": "a hat", "mask": "iVBORw=="}
    assert stub.requests[1]["json"] == region | {"replyUrl": "u"}


async def test_a_download_is_whole_and_carries_no_token(client: Client, stub: Stub) -> None:
    stub.answers.append(lambda: web.Response(body=b"picture" * 50_000))
    file = BytesIO()
    assert await client.download(f"{stub.url}/a.webp?sig=1", file, most_bytes=350_000) == 350_000
    assert file.getvalue() == b"picture" * 50_000
    assert stub.requests[0]["authorization"] is None


async def test_a_link_that_shows_nothing_is_told_without_its_signature(
    client: Client, stub: Stub
) -> None:
    stub.say(404, {"error": "gone"})
    with pytest.raises(TransportError) as caught:
        await client.download(f"{stub.url}/a.webp?sig=1", BytesIO(), most_bytes=10)
    assert caught.value.message == f"{stub.url}/a.webp cannot be fetched: HTTP status 404"


async def test_a_download_is_bounded_in_size_and_time(client: Client, stub: Stub) -> None:
    stub.answers.append(lambda: web.Response(body=b"x" * 11))
    file = BytesIO()
    with pytest.raises(TooLarge, match="is larger than 10 bytes"):
        await client.download(stub.url, file, most_bytes=10)
    assert file.getvalue() == b""
    with pytest.raises(Unreachable, match="in time"):
        await client.download(stub.url, file, most_bytes=10, timeout_s=1e-9)


@pytest.mark.parametrize("link", ["http://127.0.0.1:9/a", "file:///etc/passwd", "", "a b"])
async def test_a_link_that_cannot_be_followed_is_unreachable(client: Client, link: str) -> None:
    with pytest.raises(Unreachable, match="cannot be fetched"):
        await client.download(link, BytesIO(), most_bytes=10)


async def test_a_file_that_cannot_be_written_is_not_the_links_fault(
    client: Client, stub: Stub
) -> None:
    class Full(BytesIO):
        def write(self, data: object, /) -> int:
            raise OSError(28, "No space left on device")

    stub.answers.append(lambda: web.Response(body=b"x"))
    with pytest.raises(OSError, match="No space left"):
        await client.download(stub.url, Full(), most_bytes=10)


# callbacks


async def test_the_log_of_callbacks_is_asked_as_the_api_has_it(client: Client, stub: Stub) -> None:
    stub.say(200, {"deliveries": []})
    await client.deliveries(jobid="job:1", state="given_up", before="1.a", limit=5)
    await client.deliveries()
    await client.delivery("a/b")
    await client.redeliver("a")
    await client.replay("2027-01-31")
    await client.ping()
    await client.ping("https://example.org/")
    await client.signing()
    await client.new_signing_secret()
    asked = [(one["method"], one["path"], one.get("json")) for one in stub.requests]
    assert asked == [
        ("GET", "/v2/deliveries?jobid=job:1&state=given_up&before=1.a&limit=5", None),
        ("GET", "/v2/deliveries", None),
        ("GET", "/v2/deliveries/a%2Fb", None),
        ("POST", "/v2/deliveries/a/redeliver", {}),
        ("POST", "/v2/deliveries/replay", {"since": "2027-01-31"}),
        ("POST", "/v2/deliveries/ping", {}),
        ("POST", "/v2/deliveries/ping", {"replyUrl": "https://example.org/"}),
        ("GET", "/v2/deliveries/secret", None),
        ("POST", "/v2/deliveries/secret", {}),
    ]


async def test_links_are_made_and_ended(client: Client, stub: Stub) -> None:
    stub.say(201, {"path": "/v2/media/job:1/2?signature=x", "expires": "2027-01-31"})
    link = await client.share_media("job:1", 2, days=3, tile=1, size=640, format="webp")
    assert link["path"].startswith("/v2/media/")
    await client.share_media("job:1/x")
    stub.answers.clear()
    stub.say(204, None)
    await client.rotate_media_key()
    asked = [(one["method"], one["path"], one.get("json")) for one in stub.requests]
    wish = {"days": 3, "tile": 1, "size": 640, "format": "webp"}
    assert asked == [
        ("POST", "/v2/media/job:1/2/link", wish),
        ("POST", "/v2/media/job:1%2Fx/0/link", {}),
        ("POST", "/v2/media/key/rotate", {}),
    ]


async def test_receivers_are_listed_and_enabled(client: Client, stub: Stub) -> None:
    stub.say(200, {"receivers": [{"receiver": "https://example.org"}]})
    assert await client.receivers() == [{"receiver": "https://example.org"}]
    stub.say(204)
    stub.answers.pop(0)
    await client.enable_receiver("https://example.org/")
    assert stub.requests[-1]["json"] == {"replyUrl": "https://example.org/"}

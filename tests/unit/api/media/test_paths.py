from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.build import replace
from tests.harness.face import BEARER, FILE, JOB, Answered, FakeService, ask, face
from waystation.api.media.paths import SIGNED_AT_ONCE
from waystation.errors import MediaFailed, MediaGone, MediaLate, WaystationError
from waystation.jobs import JobStatus
from waystation.media.byte_ranges import ByteRange
from waystation.media.files import Wish

PATH = f"/v2/media/{JOB.jobid}/0"


async def _asked(
    target: str = PATH, service: FakeService | None = None, method: str = "GET", **headers: str
) -> tuple[Answered, FakeService]:
    service = service or FakeService()
    sent = {"authorization": "Bearer user:1-open-sesame"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return await ask(face(service), method, target, headers=sent), service


def _call(service: FakeService, name: str) -> tuple[Any, ...]:
    (found,) = (call for call in service.calls if call[0] == name)
    return found[1:]


async def test_a_file_has_a_type_a_name_and_headers_under_which_nothing_runs() -> None:
    answered, service = await _asked()
    assert (answered.status, answered.body) == (200, FILE)
    tag = answered.headers["etag"]
    assert answered.headers == {
        "etag": tag,
        "cache-control": "private, no-cache",
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; sandbox",
        "accept-ranges": "bytes",
        "content-length": "100",
        "content-disposition": 'inline; filename="20260102030405678-0.png"',
        "x-request-id": "request-1",
        "content-type": "image/png",
    }
    assert _call(service, "media.opened") == (None, False)
    assert service.calls[-1] == ("media.closed",)


async def test_the_file_of_an_ended_job_may_be_kept_for_a_day() -> None:
    service = FakeService(replace(JOB, status=JobStatus.COMPLETED))
    answered, _ = await _asked(service=service)
    assert answered.headers["cache-control"] == "private, max-age=86400"


async def test_a_wish_is_read_from_the_query() -> None:
    _, service = await _asked(f"{PATH.removesuffix('0')}2?tile=3&size=640&format=avif")
    assert _call(service, "media.find") == (Wish(JOB.jobid, 2, 3, 640, "avif"),)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("tile=5", "tile must be one of 1, 2, 3, 4"),
        ("tile=01", "tile must be one of 1, 2, 3, 4"),
        ("size=641", "size must be one of 320, 640, 1280"),
        ("format=svg", "format must be one of png, jpeg, webp, avif"),
    ],
)
async def test_a_wish_outside_the_closed_sets_is_400(query: str, error: str) -> None:
    answered, service = await _asked(f"{PATH}?{query}")
    assert (answered.status, answered.json["error"]) == (400, error)
    assert service.calls == []


@pytest.mark.parametrize("number", ["x", "-1", "1000", "٣"])
async def test_a_number_that_is_none_is_404(number: str) -> None:
    answered, _ = await _asked(f"/v2/media/{JOB.jobid}/{number}")
    assert (answered.status, answered.json["error"]) == (404, "Not found")


async def test_a_range_is_answered_with_206() -> None:
    answered, service = await _asked(range="bytes=10-19")
    assert (answered.status, answered.body) == (206, FILE[10:20])
    assert answered.headers["content-range"] == "bytes 10-19/100"
    assert answered.headers["content-length"] == "10"
    assert _call(service, "media.opened") == (ByteRange(10, 19), False)


async def test_a_range_behind_the_end_is_416_with_the_length() -> None:
    answered, _ = await _asked(range="bytes=100-")
    assert (answered.status, answered.headers["content-range"]) == (416, "bytes */100")
    assert answered.json["error"] == "The range is behind the end of the file"


@pytest.mark.parametrize("other", ['"another"', "Sat, 28 Nov 2026 06:00:00 GMT"])
async def test_a_range_of_another_file_is_answered_with_the_whole_one(other: str) -> None:
    tag = (await _asked())[0].headers["etag"]
    assert (await _asked(range="bytes=10-19", if_range=other))[0].status == 200
    assert (await _asked(range="bytes=10-19", if_range=tag))[0].status == 206
    cut = f"{PATH}?size=320"
    weak = (await _asked(cut))[0].headers["etag"]
    assert (await _asked(cut, range="bytes=10-19", if_range=weak))[0].status == 200


@pytest.mark.parametrize("form", ["{}", "W/{}", '"x", {}', "*"])
async def test_a_file_that_the_caller_has_is_304_and_not_read(form: str) -> None:
    tag = (await _asked())[0].headers["etag"]
    answered, service = await _asked(if_none_match=form.format(tag))
    assert (answered.status, answered.body, answered.headers["etag"]) == (304, b"", tag)
    assert [call[0] for call in service.calls] == ["media.find"]
    assert (await _asked(if_none_match='"x"'))[0].status == 200


async def test_head_answers_like_get_and_reads_nothing() -> None:
    answered, service = await _asked(method="HEAD")
    assert (answered.status, answered.body) == (200, b"")
    assert answered.headers["content-length"] == "100"
    assert service.calls[-1] == ("media.closed",)


async def test_a_file_whose_length_nobody_knows_has_no_ranges() -> None:
    answered, _ = await _asked(service=FakeService(lengthless=True))
    assert (answered.status, answered.body) == (200, FILE)
    assert not {"content-length", "accept-ranges"} & set(answered.headers)


async def test_a_file_that_breaks_off_is_not_ended_as_if_it_were_whole() -> None:
    answered, service = await _asked(service=FakeService(breaks_at=50))
    assert (answered.headers["content-length"], answered.body) == ("100", FILE[:50])
    assert service.calls[-1] == ("media.closed",)


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (MediaGone(), 410, "The file is no longer at Discord"),
        (MediaFailed(), 502, "The file could not be read from Discord"),
        (MediaLate(), 504, "Discord did not send the file in time"),
    ],
)
async def test_a_file_that_cannot_be_read_is_told_as_such(
    error: WaystationError, status: int, sentence: str
) -> None:
    answered, _ = await _asked(service=FakeService(fails=error))
    assert (answered.status, answered.json) == (status, {"error": sentence, "code": status})


async def test_a_signature_stands_for_the_token() -> None:
    service = FakeService()
    target = f"{PATH}?tile=2&expires=99&signature=abc"
    answered = await ask(face(service), "GET", target, headers={})
    assert (answered.status, answered.body) == (200, FILE)
    assert _call(service, "media.user_of") == (Wish(JOB.jobid, 0, 2), "99", "abc")
    assert _call(service, "media.opened") == (None, True)


async def test_links_of_a_user_have_so_many_places() -> None:
    service = FakeService(holds=asyncio.Event())
    app, target = face(service), f"{PATH}?expires=99&signature=abc"
    asking = [
        asyncio.create_task(ask(app, "GET", target, headers={}, ends="open"))
        for _ in range(SIGNED_AT_ONCE)
    ]
    while len([one for one in service.calls if one[0] == "media.find"]) < SIGNED_AT_ONCE:
        await asyncio.sleep(0)
    answered = await ask(app, "GET", target, headers={})
    assert (answered.status, answered.headers["ratelimit-policy"]) == (
        429,
        '"signed-links";q=64;qu="concurrent-requests"',
    )
    # the user's own requests have other places
    assert (await _asked(f"/v2/jobs/{JOB.jobid}", service))[0].status == 200
    assert service.holds is not None
    service.holds.set()
    assert {one.status for one in await asyncio.gather(*asking)} == {200}


@pytest.mark.parametrize("query", ["tile=9", "size=1", "format=gif"])
async def test_a_signed_wish_outside_the_closed_sets_was_never_signed(query: str) -> None:
    answered = await ask(face(), "GET", f"{PATH}?{query}&expires=9&signature=a", headers={})
    assert (answered.status, answered.json["error"]) == (401, "The link's signature is not valid")
    answered = await ask(face(), "GET", f"{PATH}x?signature=a", headers={})
    assert answered.status == 401


async def test_a_link_is_made_for_a_week_unless_chosen() -> None:
    service = FakeService()
    answered = await ask(face(service), "POST", f"{PATH}/link", {})
    assert (answered.status, answered.json) == (
        201,
        {"path": "/v2/media/x", "expires": "2026-01-02T03:04:05.678Z"},
    )
    assert _call(service, "media.share") == (Wish(JOB.jobid, 0), timedelta(days=7))
    service = FakeService()
    body = {"days": 30, "tile": 1, "size": 320, "format": "webp"}
    assert (await ask(face(service), "POST", f"{PATH}/link", body)).status == 201
    assert _call(service, "media.share") == (
        Wish(JOB.jobid, 0, 1, 320, "webp"),
        timedelta(days=30),
    )


async def _link(host: str | None, public_url: str = "", **more: str) -> Any:
    named = {} if host is None else {"host": host}
    app = face(public_url=public_url)
    return (await ask(app, "POST", f"{PATH}/link", {}, BEARER | named | more)).json.get("url")


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8080", "pictures.example.org", "[::1]:8080", "a_b-c.example"]
)
async def test_a_link_begins_with_the_host_that_its_request_names(host: str) -> None:
    assert await _link(host) == f"http://{host}/v2/media/x"
    forged = {"x-forwarded-host": "evil.example", "x-forwarded-proto": "gopher"}
    assert await _link(host, **forged) == f"http://{host}/v2/media/x"


@pytest.mark.parametrize("host", [None, "", "a/b", "a b", 'x"', "user@host", "h:port"])
async def test_a_link_is_not_whole_where_no_host_is_named(host: str | None) -> None:
    assert await _link(host) is None


async def test_a_link_begins_with_the_public_url_where_one_is_set() -> None:
    public_url = "https://pictures.example.org/mj"
    for host in ("127.0.0.1:8080", None):
        assert await _link(host, public_url) == f"{public_url}/v2/media/x"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"days": 0}, "days must be a whole number from 1 to 365"),
        ({"days": 366}, "days must be a whole number from 1 to 365"),
        ({"days": "soon"}, "days must be a whole number"),
        ({"tile": 5}, "tile must be one of 1, 2, 3, 4"),
        ({"format": "gif"}, "format must be one of png, jpeg, webp, avif"),
    ],
)
async def test_a_link_that_cannot_be_made_is_400(body: dict[str, Any], error: str) -> None:
    answered = await ask(face(), "POST", f"{PATH}/link", body)
    assert (answered.status, answered.json["error"]) == (400, error)


async def test_a_key_is_rotated() -> None:
    service = FakeService()
    assert (await ask(face(service), "POST", "/v2/media/key/rotate")).status == 204
    assert ("media.rotate_key",) in service.calls

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from tests.harness.face import BEARER, CHANNEL, DISCORD, JOB, FakeService, ask, face
from waystation.errors import (
    Busy,
    Halted,
    InvalidRequest,
    PreconditionFailed,
    SubscriptionExpired,
    Throttled,
    Unavailable,
    WaystationError,
)

ROUTES = [
    ("GET", "/v2/jobs"),
    ("GET", "/v2/jobs/"),
    ("GET", "/v2/jobs/cancel"),
    ("GET", "/v2/jobs/cancel/"),
    ("POST", "/v2/jobs/info"),
    ("POST", "/v2/jobs/describe"),
    ("GET", "/v2/account"),
    ("POST", "/v2/account"),
    ("GET", "/v2/account/midjourney"),
    ("POST", "/v2/account/midjourney"),
    ("GET", f"/v2/account/midjourney/{CHANNEL}"),
    ("POST", f"/v2/account/midjourney/{CHANNEL}"),
    ("DELETE", f"/v2/account/midjourney/{CHANNEL}"),
    ("POST", f"/v2/account/midjourney/{CHANNEL}/reset"),
]

POSTS = [path for method, path in ROUTES if method == "POST"]

SURPRISES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["http://[", "https://a.example/b", "x" * 1025, "3", "\0", CHANNEL]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)

FIELDS = st.sampled_from(
    [
        "describeUrl",
        "describeFile",
        "channel",
        "maxJobs",
        "replyUrl",
        "replyRef",
        "discord",
        "server",
        "name",
        "user",
        "other",
    ]
)


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer user:1-wrong"}])
async def test_every_route_wants_a_token_before_it_reads_a_body(
    method: str, path: str, headers: dict[str, str]
) -> None:
    service = FakeService()
    answered = await ask(face(service), method, path, b"broken {", headers)
    assert (answered.status, answered.json) == (401, {"error": "Unauthorized", "code": 401})
    assert service.calls == []


@pytest.mark.parametrize(
    "path", ["/", "/v2", "/v2/", "/v1/jobs", "/v2/jobs/x", "/v2/job", "//v2/jobs", "/v2/jobs//"]
)
async def test_an_unknown_path_is_not_found(path: str) -> None:
    answered = await ask(face(), "GET", path, headers={})
    assert (answered.status, answered.json) == (404, {"error": "Not found", "code": 404})


@pytest.mark.parametrize("control", ["\n", "\r", "\0", "\x1f", "\x7f", "\x85"])
@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/v2/jobs", "/v2/account/midjourney/7"])
async def test_a_control_character_in_the_path_is_refused_everywhere(
    path: str, control: str
) -> None:
    app = face(metrics=CollectorRegistry())
    for where in (path + control, path[:-1] + control + path[-1]):
        answered = await ask(app, "GET", where)
        assert (answered.status, answered.json["code"]) == (400, 400)


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/v2/jobs", "GET, HEAD, OPTIONS"),
        ("/v2/jobs/cancel/", "GET, OPTIONS"),
        ("/v2/jobs/info", "OPTIONS, POST"),
        ("/v2/account", "GET, HEAD, OPTIONS, POST"),
        ("/v2/account/midjourney/7", "DELETE, GET, HEAD, OPTIONS, POST"),
        ("/healthz", "GET, HEAD, OPTIONS"),
    ],
)
async def test_a_wrong_method_is_refused_with_the_right_ones(path: str, allow: str) -> None:
    answered = await ask(face(), "PATCH", path)
    assert (answered.status, answered.headers["allow"]) == (405, allow)
    assert answered.json == {"error": "Method not allowed", "code": 405}


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequest("no"),
        SubscriptionExpired(),
        PreconditionFailed("no"),
        Busy("no", executing_jobs=["a"]),
        Throttled(),
        Halted("no"),
        Unavailable(),
    ],
)
@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_every_route_answers_the_services_errors_in_one_shape(
    method: str, path: str, error: WaystationError
) -> None:
    body = {
        "describeUrl": "https://a.example/1.png",
        "discord": DISCORD,
        "server": CHANNEL,
        "channel": CHANNEL,
        "maxJobs": 1,
    }
    sent = body if method == "POST" else b""
    app = face(FakeService(fails=error))
    answered = await ask(app, method, f"{path}?jobid={JOB.jobid}", sent)
    assert (answered.status, answered.json["error"]) == (error.status_hint, error.message)
    assert set(answered.json) <= {"error", "errorDetails", "executingJobs", "code"}
    assert ("retry-after" in answered.headers) == (error.status_hint in (429, 503))


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("raw", [b"{", b"[]", b"\xff", b'{"a":"\\ud800"}', b"[" * 100_000])
async def test_a_broken_body_is_a_400_on_every_route_that_reads_one(path: str, raw: bytes) -> None:
    answered = await ask(face(), "POST", path, raw)
    assert answered.status == (204 if path.endswith("/reset") else 400)


@given(path=st.sampled_from(POSTS), body=st.dictionaries(FIELDS, SURPRISES))
async def test_no_object_is_answered_with_a_500(path: str, body: dict[str, object]) -> None:
    answered = await ask(face(), "POST", path, body)
    assert answered.status in (200, 201, 204, 400, 412)
    if answered.status >= 400:
        assert {"error", "code"} <= set(answered.json) <= {"error", "errorDetails", "code"}


@given(path=st.sampled_from(POSTS), raw=st.binary(max_size=200), form=st.booleans())
async def test_no_bytes_are_answered_with_a_500(path: str, raw: bytes, form: bool) -> None:
    kind = "multipart/form-data; boundary=x" if form else "application/json"
    answered = await ask(face(), "POST", path, raw, {**BEARER, "content-type": kind})
    assert answered.status in (200, 201, 204, 400, 412)


@given(text=st.text(alphabet=st.characters(max_codepoint=0xFF)), jobid=st.text())
async def test_no_header_or_query_is_answered_with_a_500(text: str, jobid: str) -> None:
    headers = {"authorization": text, "x-request-id": text, "content-type": text}
    assert (await ask(face(), "GET", "/v2/jobs", headers=headers)).status == 401
    target = f"/v2/jobs/?jobid={jobid}".encode(errors="replace").decode()
    assert (await ask(face(), "GET", target)).status in (400, 404)


async def test_cors_is_off_by_default() -> None:
    headers = {**BEARER, "origin": "https://page.example"}
    answered = await ask(face(), "GET", "/v2/jobs", headers=headers)
    assert not [name for name in answered.headers if name.startswith("access-control")]


async def test_cors_lets_the_named_origin_in() -> None:
    app = face(cors_origins=["https://page.example"])
    headers = {**BEARER, "origin": "https://page.example"}
    answered = await ask(app, "GET", "/v2/jobs", headers=headers)
    assert answered.headers["access-control-allow-origin"] == "https://page.example"
    assert "X-Request-Id" in answered.headers["access-control-expose-headers"]
    stranger = await ask(app, "GET", "/v2/jobs", headers={**BEARER, "origin": "https://x.example"})
    assert "access-control-allow-origin" not in stranger.headers


async def test_cors_preflight_allows_the_token() -> None:
    headers = {
        "origin": "https://page.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization, content-type",
    }
    answered = await ask(face(cors_origins=["*"]), "OPTIONS", "/v2/jobs/describe", headers=headers)
    assert answered.status == 200
    assert "Authorization" in answered.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in answered.headers


async def test_metrics_are_there_only_with_a_registry() -> None:
    assert (await ask(face(), "GET", "/metrics")).status == 404
    assert (await ask(face(metrics=CollectorRegistry()), "GET", "/metrics")).status == 200

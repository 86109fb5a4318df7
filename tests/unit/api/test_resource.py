from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from starlette.types import Message
from structlog.contextvars import get_contextvars
from structlog.testing import capture_logs

from tests.build import replace
from tests.harness.face import Answered, ask
from tests.limits import BODY
from waystation.api.answer import Answer
from waystation.api.call import Call
from waystation.api.resource import Path, Resource, Surroundings
from waystation.errors import Conflict, LocalProtocolError


def resource(handler_error: Exception | None = None, *, head: bool = True) -> Resource:
    async def get(call: Call) -> Answer:
        if handler_error is not None:
            raise handler_error
        return Answer(200, b'"here"')

    async def post(call: Call) -> Answer:
        return Answer(200, str(len((await call.body(1)).fields)).encode())

    path = Path("/", {"GET": get, "POST": post}, head)
    return Resource(path, _surroundings())


def _surroundings() -> Surroundings:
    return Surroundings(replace(BODY, body_s=0.01, discard_s=0.01, json_bytes=50), lambda: "made")


async def test_a_handlers_answer_goes_out_with_length_type_and_request_id() -> None:
    assert await ask(resource(), "GET", "/") == Answered(
        200,
        {"x-request-id": "made", "content-type": "application/json", "content-length": "6"},
        b'"here"',
    )


async def test_head_answers_like_get_without_a_body() -> None:
    answered = await ask(resource(), "HEAD", "/")
    assert (answered.status, answered.body) == (200, b"")
    assert answered.headers["content-length"] == "6"


async def test_head_does_not_stand_for_a_get_that_changes_something() -> None:
    answered = await ask(resource(head=False), "HEAD", "/")
    assert (answered.status, answered.headers["allow"]) == (405, "GET, OPTIONS, POST")


async def test_a_wrong_method_names_the_right_ones() -> None:
    answered = await ask(resource(), "DELETE", "/")
    assert answered.json == {"error": "Method not allowed", "code": 405}
    assert (answered.status, answered.headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")


async def test_options_names_the_methods() -> None:
    answered = await ask(resource(), "OPTIONS", "/")
    assert (answered.status, answered.body) == (204, b"")
    assert answered.headers == {"x-request-id": "made", "allow": "GET, HEAD, OPTIONS, POST"}


async def test_no_path_is_not_found() -> None:
    answered = await ask(Resource(None, _surroundings()), "GET", "/")
    assert (answered.status, answered.json) == (404, {"error": "Not found", "code": 404})


async def test_a_websocket_is_closed() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError

    await Resource(None, _surroundings())({"type": "websocket"}, receive, send)
    assert sent == [{"type": "websocket.close"}]


@pytest.mark.parametrize("given", ["abc-1", "a" * 128, "0:b/c+d=._"])
async def test_a_callers_request_id_is_echoed(given: str) -> None:
    answered = await ask(resource(), "GET", "/", headers={"x-request-id": given})
    assert answered.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "a" * 129, "a\nb", "é", 'x"', "a\n"])
async def test_an_unusable_request_id_is_replaced(given: str) -> None:
    answered = await ask(resource(), "GET", "/", headers={"x-request-id": given})
    assert answered.headers["x-request-id"] == "made"


async def test_an_error_is_answered_in_its_shape() -> None:
    answered = await ask(resource(Conflict("Twice", details="d")), "GET", "/")
    assert (answered.status, answered.json) == (
        409,
        {"error": "Twice", "errorDetails": "d", "code": 409},
    )


@pytest.mark.parametrize("error", [ZeroDivisionError("secret"), LocalProtocolError("secret")])
async def test_a_bug_is_logged_and_answered_with_the_request_id_only(error: Exception) -> None:
    with capture_logs() as logs:
        answered = await ask(resource(error), "GET", "/")
    assert answered.status == 500
    assert answered.json == {
        "error": "Internal error",
        "errorDetails": "Request made",
        "code": 500,
    }
    assert [(log["event"], log["request_id"]) for log in logs] == [("request.broken", "made")]


async def test_a_slow_body_is_answered_408_and_closed() -> None:
    answered = await ask(resource(), "POST", "/", [b"{"], ends="stall")
    assert answered.json == {"error": "Request body did not arrive in time", "code": 408}
    assert answered.headers["connection"] == "close"


async def test_a_caller_that_hung_up_gets_nothing() -> None:
    answered = await ask(resource(), "POST", "/", [b"{"], ends="hang up")
    assert answered.status == 0


async def test_a_large_body_is_refused_and_its_rest_thrown_away() -> None:
    answered = await ask(resource(), "POST", "/", [b"x" * 40] * 5)
    assert answered.json == {"error": "The request body is too large.", "code": 413}
    assert "connection" not in answered.headers


async def test_a_large_body_that_does_not_end_closes_the_connection() -> None:
    answered = await ask(resource(), "POST", "/", [b"x" * 60], ends="stall")
    assert (answered.status, answered.headers["connection"]) == (413, "close")


async def test_a_read_body_keeps_the_connection() -> None:
    answered = await ask(resource(), "POST", "/", {"name": 1, "user": 2})
    assert (answered.body, "connection" in answered.headers) == (b"2", False)


async def test_answers_are_counted_by_status() -> None:
    surroundings = _surroundings()
    app = Resource(None, surroundings)
    await ask(app, "GET", "/")
    await ask(app, "POST", "/")
    assert surroundings.answered == {404: 2}


async def test_an_error_while_sending_is_not_swallowed() -> None:
    async def send(message: Message) -> None:
        raise ConnectionError

    async def receive() -> Message:
        raise AssertionError

    scope = {"type": "http", "method": "GET", "headers": [], "query_string": b""}
    with pytest.raises(ConnectionError):
        await resource()(scope, receive, send)


@pytest.mark.parametrize(
    ("given", "trace"),
    [
        (f"00-{'a' * 32}-{'b' * 16}-01", "a" * 32),
        (f"cc-{'a' * 32}-{'b' * 16}-00", "a" * 32),
        (f"ff-{'a' * 32}-{'b' * 16}-01", None),
        (f"00-{'0' * 32}-{'b' * 16}-01", None),
        (f"00-{'a' * 32}-{'0' * 16}-01", None),
        (f"00-{'A' * 32}-{'b' * 16}-01", None),
        (f"00-{'a' * 32}-{'b' * 16}-01-more", None),
        ("", None),
    ],
)
async def test_the_trace_of_a_request_is_bound_to_its_log_lines(
    given: str, trace: str | None
) -> None:
    bound: list[object] = []

    async def look(call: Call) -> Answer:
        bound.append(get_contextvars().get("trace_id"))
        return Answer(204)

    async def request() -> None:
        here = Resource(Path("/", {"GET": look}), _surroundings())
        await ask(here, "GET", "/", headers={"traceparent": given})

    await asyncio.create_task(request())
    assert bound == [trace]


class _Pieces:
    """A stream of three pieces; it may break after the second."""

    def __init__(self, breaks: bool = False) -> None:
        self.breaks, self.closed = breaks, 0

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        yield b"one"
        yield b"two"
        if self.breaks:
            raise Conflict
        yield b"three"

    async def close(self) -> None:
        self.closed += 1


def _streamed(pieces: _Pieces, status: int = 200) -> Resource:
    async def get(call: Call) -> Answer:
        return Answer(status, headers=((b"content-length", b"11"),), stream=pieces)

    return Resource(Path("/", {"GET": get}), _surroundings())


async def test_a_stream_has_its_own_status_and_is_closed_once() -> None:
    pieces = _Pieces()
    answered = await ask(_streamed(pieces, 206), "GET", "/")
    assert (answered.status, answered.body, pieces.closed) == (206, b"onetwothree", 1)


async def test_head_of_a_stream_reads_nothing_and_closes_it() -> None:
    pieces = _Pieces()
    answered = await ask(_streamed(pieces), "HEAD", "/")
    assert (answered.body, answered.headers["content-length"], pieces.closed) == (b"", "11", 1)


async def test_a_stream_that_breaks_is_left_unfinished_and_closed() -> None:
    pieces, sent = _Pieces(breaks=True), list[Message]()

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    await _streamed(pieces)(scope, receive, send)
    assert [one.get("body") for one in sent[1:]] == [b"one", b"two"]
    assert (sent[-1]["more_body"], pieces.closed) == (True, 1)

from __future__ import annotations

import asyncio
import encodings
import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers
from starlette.types import Message

from tests.build import replace
from tests.limits import BODY
from waystation.api.body import (
    FIELDS,
    MAX_FORM_FIELDS,
    UNUSABLE,
    Body,
    HungUp,
    Limits,
    TooSlow,
    read_body,
)
from waystation.engine.intake import FilePart
from waystation.errors import InvalidRequest, TooLarge, UnsupportedMedia
from waystation.midjourney.commands import COMMANDS

LIMITS = replace(BODY, json_bytes=100, form_bytes=1000, body_s=60)
FORM = "multipart/form-data; boundary=edge"


async def read(
    chunks: Sequence[bytes],
    content_type: str = "application/json",
    *,
    declared: int | None = None,
    limits: Limits = LIMITS,
    ends: str = "complete",
) -> Body:
    headers = {"content-type": content_type}
    if declared is not None:
        headers["content-length"] = str(declared)
    left = list(chunks)

    async def receive() -> Message:
        if left:
            chunk = left.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": bool(left) or bool(ends)}
        if ends == "hang up":
            return {"type": "http.disconnect"}
        if ends == "stall":
            await asyncio.Event().wait()
        return {"type": "http.request", "body": b""}

    return await read_body(Headers(headers), receive, limits)


def part(name: str, value: bytes, filename: str | None = None) -> bytes:
    disposition = f'form-data; name="{name}"'
    if filename is not None:
        disposition += f'; filename="{filename}"'
    head = f"--edge\r\nContent-Disposition: {disposition}\r\n\r\n".encode()
    return head + value + b"\r\n"


END = b"--edge--\r\n"


async def test_chunks_are_joined_into_one_object() -> None:
    assert await read([b'{"maxJobs":', b"1}"]) == Body(fields={"maxJobs": 1})


@pytest.mark.parametrize("raw", [b"", b" \r\n"])
async def test_an_empty_body_is_an_empty_object(raw: bytes) -> None:
    assert await read([raw]) == Body()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
async def test_json_may_begin_with_a_byte_order_mark(encoding: str) -> None:
    assert await read(['{"prompt":"ü"}'.encode(encoding)]) == Body(fields={"prompt": "ü"})


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=utf-8",
        "text/xml",
        "image/png",
    ],
)
async def test_a_body_that_is_neither_json_nor_a_form_is_refused_by_its_type(
    content_type: str,
) -> None:
    with pytest.raises(UnsupportedMedia) as caught:
        await read([b"prompt=a+fox&maxJobs=3"], content_type)
    sent = content_type.partition(";")[0]
    assert caught.value.message == (f"Request body must be JSON or multipart/form-data, not {sent}")
    assert caught.value.status_hint == 415


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "application/xml"])
@pytest.mark.parametrize("sent", [b'{"prompt": "a fox"', b" {'prompt': 1}", b'\xef\xbb\xbf{"a":'])
async def test_broken_json_is_told_as_such_under_any_type(kind: str, sent: bytes) -> None:
    with pytest.raises(InvalidRequest, match="Request body is not valid JSON"):
        await read([sent], kind)


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
async def test_a_body_that_is_no_form_is_read_as_json(content_type: str) -> None:
    assert await read([b'{"maxJobs":1}'], content_type) == Body(fields={"maxJobs": 1})


@pytest.mark.parametrize(
    "raw",
    [b"{", b"{'a':1}", b'{"maxJobs":NaN}', b"\xff", b'{"name":"\\ud800"}', b'{"name":"\x01"}'],
)
async def test_broken_json_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidRequest, match="not valid JSON"):
        await read([raw])


async def test_deeply_nested_json_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="not valid JSON"):
        await read([b'{"a":' + b"[" * 1_000_000], limits=BODY)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"prompt":[' + b"{}," * 300_000 + b"{}]}",
        b'{"other":[' + b"{}," * 300_000 + b"{}]}",
        b"{%b}" % b",".join(b'"%d":[]' % number for number in range(80_000)),
    ],
    ids=["known field", "unknown field", "many fields"],
)
async def test_json_never_takes_much_more_memory_than_its_text(raw: bytes) -> None:
    tracemalloc.start()
    try:
        body = await read([raw], limits=BODY)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(body.fields) <= 1
    assert most < 4 * len(raw)


async def test_a_value_that_no_field_takes_is_unusable() -> None:
    body = await read([b'{"prompt":{"a":1},"blendUrls":[[]],"name":null,"other":1}'])
    assert body.fields == {"prompt": UNUSABLE, "blendUrls": UNUSABLE, "name": None}


@pytest.mark.parametrize("verb", COMMANDS)
def test_every_param_of_a_verb_is_read_of_json(verb: str) -> None:
    assert {param.name for param in COMMANDS[verb].params} <= FIELDS


@pytest.mark.parametrize("raw", [b"[]", b'"text"', b"1", b"null", b"true"])
async def test_json_that_is_no_object_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidRequest, match="must be a JSON object"):
        await read([raw])


async def test_a_body_that_declares_too_much_is_not_read() -> None:
    with pytest.raises(TooLarge):
        await read([], declared=101, ends="stall")


async def test_a_body_that_turns_out_too_large_is_refused_at_that_byte() -> None:
    """R43."""
    with pytest.raises(TooLarge):
        await read([b"x" * 60, b"x" * 60], ends="stall")


async def test_a_form_may_be_larger_than_json() -> None:
    picture = b"p" * 200
    body = await read([part("describeFile", picture, "a.png"), END], FORM)
    assert body == Body(files={"describeFile": FilePart("a.png", picture)})
    with pytest.raises(TooLarge):
        await read([part("describeFile", b"p" * 1000, "a.png"), END], FORM)


async def test_a_form_has_fields_and_files_and_all_that_it_says_of_a_name() -> None:
    body = await read(
        [part("a", b"1"), part("a", "zwei ☃".encode()), part("f", b"\x00\xff", "x"), END], FORM
    )
    assert body == Body(fields={"a": ("1", "zwei ☃")}, files={"f": FilePart("x", b"\x00\xff")})


@pytest.mark.parametrize(
    ("content_type", "raw"),
    [
        ("multipart/form-data", b"--edge--\r\n"),
        (FORM, b"no form at all"),
        (FORM, b"--edge\r\nContent-Disposition: form-data\r\n\r\nx\r\n--edge--\r\n"),
        (FORM, b"--edge\r\n\r\nx\r\n--edge--\r\n"),
        ("multipart/form-data; boundary=" + "b" * 300, b"--b"),
    ],
)
async def test_a_broken_form_is_refused(content_type: str, raw: bytes) -> None:
    with pytest.raises(InvalidRequest, match="not a valid form"):
        await read([raw], content_type)


async def test_a_form_with_too_many_parts_is_refused() -> None:
    many = [part("f", b"", "x") for _ in range(9)]
    with pytest.raises(InvalidRequest, match="not a valid form"):
        await read([*many, END], FORM)


@pytest.mark.parametrize("content_type", ["application/json", FORM])
async def test_a_slow_body_is_given_up(content_type: str) -> None:
    with pytest.raises(TooSlow):
        await read([b"--edge"], content_type, limits=replace(BODY, body_s=0.01), ends="stall")


@pytest.mark.parametrize("content_type", ["application/json", FORM])
async def test_a_caller_that_hangs_up_ends_the_reading(content_type: str) -> None:
    with pytest.raises(HungUp):
        await read([b"--edge"], content_type, ends="hang up")


@pytest.mark.parametrize("fields", [MAX_FORM_FIELDS, MAX_FORM_FIELDS + 1])
async def test_a_form_with_too_many_fields_is_refused(fields: int) -> None:
    part = b'--edge\r\nContent-Disposition: form-data; name="a%d"\r\n\r\nx\r\n'
    raw = b"".join(part % number for number in range(fields)) + b"--edge--\r\n"
    if fields == MAX_FORM_FIELDS:
        assert len((await read([raw], FORM, limits=BODY)).fields) == MAX_FORM_FIELDS
        return
    with pytest.raises(InvalidRequest, match="valid form"):
        await read([raw], FORM, limits=BODY)


@given(raw=st.binary(max_size=90), form=st.booleans())
async def test_no_bytes_raise_anything_else(raw: bytes, form: bool) -> None:
    try:
        body = await read([raw], FORM if form else "application/json")
    except InvalidRequest:
        return
    assert all(isinstance(name, str) for name in (*body.fields, *body.files))


@given(head=st.binary(max_size=60), tail=st.binary(max_size=60))
async def test_no_damaged_part_raises_anything_else(head: bytes, tail: bytes) -> None:
    raw = b"--edge\r\n" + head + b"\r\n\r\n" + tail + b"\r\n--edge--\r\n"
    try:
        body = await read([raw], FORM)
    except InvalidRequest:
        return
    assert len(body.fields) + len(body.files) <= 1


HALF_A_PAIR = "\ud800".encode("utf-7", "surrogatepass")


@pytest.mark.parametrize("charset", ["utf-7", "UTF-7", "utf-16", "unicode_escape", "idna", "x" * 9])
@pytest.mark.parametrize("value", [HALF_A_PAIR, b"plain"])
async def test_a_form_in_an_unusual_charset_is_refused(charset: str, value: bytes) -> None:
    with pytest.raises(
        InvalidRequest, match="The form's charset is not supported; send it as utf-8"
    ):
        await read([part("prompt", value), END], f"{FORM}; charset={charset}")


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"', "us-ascii", "iso-8859-1"])
async def test_a_form_in_a_usual_charset_is_read(charset: str) -> None:
    body = await read([part("prompt", b"a fox"), END], f"{FORM}; charset={charset}")
    assert body.fields == {"prompt": "a fox"}


async def test_names_of_charsets_are_kept_nowhere() -> None:
    before = len(encodings._cache)
    for number in range(50):
        with pytest.raises(InvalidRequest):
            await read([part("prompt", b"a"), END], f"{FORM}; charset=x{number}{'y' * 999}")
    assert len(encodings._cache) == before

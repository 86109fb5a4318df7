"""Gateway compression: one context per connection, whole messages out, bounded."""

from __future__ import annotations

import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from waystation.discord.inflate import COMPRESSIONS, MAX_MESSAGE_BYTES
from waystation.errors import RemoteProtocolError

MESSAGES = [b'{"op":10}', b'{"op":0,"t":"READY"}' * 500, b'{"op":11}']


def zlib_stream(messages: list[bytes]) -> list[bytes]:
    stream = zlib.compressobj()
    return [stream.compress(one) + stream.flush(zlib.Z_SYNC_FLUSH) for one in messages]


def zstd_stream(messages: list[bytes]) -> list[bytes]:
    stream = zstd.ZstdCompressor()
    return [stream.compress(one, zstd.ZstdCompressor.FLUSH_BLOCK) for one in messages]


STREAMS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "zlib-stream": zlib_stream,
    "zstd-stream": zstd_stream,
    "": list,
}


@pytest.mark.parametrize("name", COMPRESSIONS)
def test_a_stream_of_messages_comes_out_as_it_went_in(name: str) -> None:
    inflater = COMPRESSIONS[name]()
    assert [inflater.inflate(one) for one in STREAMS[name](MESSAGES)] == MESSAGES


@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=5), st.integers(1, 50))
def test_a_zlib_message_may_span_frames(messages: list[bytes], size: int) -> None:
    inflater = COMPRESSIONS["zlib-stream"]()
    for message, packed in zip(messages, zlib_stream(messages), strict=True):
        parts = [packed[start : start + size] for start in range(0, len(packed), size)]
        inflated = [inflater.inflate(part) for part in parts]
        assert b"".join(one for one in inflated if one is not None) == message
        assert inflated[-1] is not None


@pytest.mark.parametrize("name", ["zlib-stream", "zstd-stream"])
def test_another_compression_than_agreed_is_an_error_of_discord(name: str) -> None:
    with pytest.raises(RemoteProtocolError):
        COMPRESSIONS[name]().inflate(b'{"op":10}\x00\x00\xff\xff')


def test_a_zstd_stream_that_goes_on_after_its_end_is_an_error_of_discord() -> None:
    inflater = COMPRESSIONS["zstd-stream"]()
    assert inflater.inflate(zstd.compress(b"{}")) == b"{}"
    with pytest.raises(RemoteProtocolError):
        inflater.inflate(zstd.compress(b"{}"))


@pytest.mark.parametrize("name", ["zlib-stream", "zstd-stream"])
def test_a_message_above_the_limit_is_refused_without_being_inflated_whole(name: str) -> None:
    [bomb] = STREAMS[name]([bytes(MAX_MESSAGE_BYTES + 2)])
    with pytest.raises(RemoteProtocolError, match="above the limit"):
        COMPRESSIONS[name]().inflate(bomb)


def test_parts_of_a_zlib_message_are_bounded_too() -> None:
    with pytest.raises(RemoteProtocolError, match="above the limit"):
        COMPRESSIONS["zlib-stream"]().inflate(b"x" * (MAX_MESSAGE_BYTES + 1))


def bombs(name: str) -> list[bytes]:
    """Return frames of some hundred bytes each, of which each message inflates beyond the limit."""
    if name == "zstd-stream":
        stream = zstd.ZstdCompressor()
        flush: Any = zstd.ZstdCompressor.FLUSH_BLOCK
        part = bytes(MAX_MESSAGE_BYTES // 64)
        # one block after the other, all in one message
        return [b"".join(stream.compress(part, flush) for _ in range(66))]
    packer = zlib.compressobj(9)
    packed = packer.compress(bytes(MAX_MESSAGE_BYTES + 2)) + packer.flush(zlib.Z_SYNC_FLUSH)
    return [packed[start : start + 100] for start in range(0, len(packed), 100)]


@pytest.mark.parametrize("name", ["zlib-stream", "zstd-stream"])
def test_a_bomb_in_many_small_pieces_is_refused_without_being_inflated_whole(name: str) -> None:
    """R43."""
    frames = bombs(name)
    assert sum(map(len, frames)) < MAX_MESSAGE_BYTES // 500
    inflater = COMPRESSIONS[name]()
    tracemalloc.start()
    try:
        with pytest.raises(RemoteProtocolError, match="above the limit"):
            for frame in frames:
                inflater.inflate(frame)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 3 * MAX_MESSAGE_BYTES


@pytest.mark.parametrize("name", ["zlib-stream", "zstd-stream"])
def test_a_stream_of_large_messages_is_held_one_at_a_time(name: str) -> None:
    message = bytes(MAX_MESSAGE_BYTES // 4)
    inflater = COMPRESSIONS[name]()
    tracemalloc.start()
    try:
        for packed in STREAMS[name]([message] * 8):
            assert len(inflater.inflate(packed) or b"") == len(message)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 5 * len(message)

from __future__ import annotations

import zlib

from backports import zstd

from waystation.simulator.discord.transport import encoder_of


def test_plain_text_has_no_encoder() -> None:
    assert encoder_of("") is None
    assert encoder_of("brotli") is None


def test_zlib_keeps_one_context_and_flushes_every_frame() -> None:
    encode = encoder_of("zlib-stream")
    assert encode is not None
    reader = zlib.decompressobj()
    for frame in (b'{"op":10}', b'{"op":11}' * 100, b""):
        packed = encode(frame)
        assert packed.endswith(b"\x00\x00\xff\xff")
        assert reader.decompress(packed) == frame


def test_zstd_keeps_one_context_and_flushes_every_frame() -> None:
    encode = encoder_of("zstd-stream")
    assert encode is not None
    reader = zstd.ZstdDecompressor()
    for frame in (b'{"op":10}', b'{"op":11}' * 100):
        assert reader.decompress(encode(frame)) == frame


def test_every_connection_has_a_context_of_its_own() -> None:
    first, second = encoder_of("zlib-stream"), encoder_of("zlib-stream")
    assert first is not None and second is not None
    assert first(b"same") == second(b"same")

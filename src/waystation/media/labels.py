"""Labels: what a picture is of, written into the file that its owner downloads.

A label is a packet of XMP; a PNG has the prompt as a text of its own, too. Pictures are not encoded
anew: the packet is put between the parts of the file. Clips and GIFs stay as they are, and so do
a file whose parts are not as its kind wants them, and one that has a packet of its own, which may
say where the picture is from.

Source: W3C PNG, 5.3 and 11.3; WebP container; Adobe XMP, part 3

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape
from zlib import crc32

from waystation.jobs import Job
from waystation.media.files import JPEG, PNG, WEBP, MediaKind

__all__ = ["MOST_CHARACTERS", "Label", "label_of", "labelled"]

MOST_CHARACTERS: Final = 9_000
"""Of a prompt in a label: escaped, it fits into one segment of a JPEG."""

_SEED: Final = re.compile(r"--seed\s+(\d{1,10})(?!\S)")

_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document may have. Source: W3C XML, 2.2"""

_NAMESPACE: Final = "urn:waystation:media:1"

_PNG_HEAD: Final = 8 + 25
"""Bytes of the signature and of the first part, which must stay the first."""

_PNG_XMP: Final = b"XML:com.adobe.xmp"
_XMP_FLAG, _ALPHA_FLAG = 0x04, 0x10
_JPEG_XMP: Final = b"http://ns.adobe.com/xap/1.0/\x00"
_JPEG_MOST: Final = 65_533


@dataclass(frozen=True, slots=True)
class Label:
    """The words that are written into a file."""

    jobid: str
    prompt: str = ""
    seed: str = ""
    """As the prompt names it; empty where it names none."""


def label_of(job: Job, prompt: str) -> Label:
    """Return the label of a job's files. Args: prompt: the job's; empty: it has none"""
    seed = _SEED.search(prompt)
    return Label(job.jobid, prompt[:MOST_CHARACTERS], "" if seed is None else seed[1])


def labelled(data: bytes, kind: MediaKind, label: Label) -> bytes:
    """Return a file with a label in it; the file as it is where it can have none."""
    write = _WRITERS.get(kind.name)
    try:
        return data if write is None else write(data, label)
    except (ValueError, struct.error):
        return data


def _packet(label: Label) -> bytes:
    """Return a label as XMP."""
    told = [f"<dc:identifier>{_xml(label.jobid)}</dc:identifier>"]
    if label.prompt:
        words = f'<rdf:li xml:lang="x-default">{_xml(label.prompt)}</rdf:li>'
        told.append(f"<dc:description><rdf:Alt>{words}</rdf:Alt></dc:description>")
    if label.seed:
        told.append(f"<waystation:seed>{_xml(label.seed)}</waystation:seed>")
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        f'xmlns:waystation="{_NAMESPACE}">{"".join(told)}</rdf:Description>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    ).encode()


def _xml(text: str) -> str:
    return escape(_NO_XML.sub("\ufffd", text))


def _png(data: bytes, label: Label) -> bytes:
    if data[12:16] != b"IHDR" or _PNG_XMP in data:
        raise ValueError
    texts = {_PNG_XMP.decode(): _packet(label)}
    if label.prompt:
        texts["Description"] = label.prompt.replace("\0", "\ufffd").encode("utf-8", "replace")
    chunks = b"".join(_text_chunk(key, text) for key, text in texts.items())
    return data[:_PNG_HEAD] + chunks + data[_PNG_HEAD:]


def _text_chunk(key: str, text: bytes) -> bytes:
    body = b"iTXt" + key.encode() + b"\0" + b"\0\0" + b"\0" + b"\0" + text
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", crc32(body))


def _webp(data: bytes, label: Label) -> bytes:
    chunks = _riff(data)
    if any(name == b"XMP " for name, _ in chunks):
        raise ValueError
    name, first = chunks[0]
    if name == b"VP8X":
        head = bytes([first[0] | _XMP_FLAG]) + first[1:]
        chunks = chunks[1:]
    else:
        head = _extended(name, first)
    whole = [(b"VP8X", head), *chunks, (b"XMP ", _packet(label))]
    body = b"WEBP" + b"".join(
        name + struct.pack("<I", len(part)) + part + b"\0" * (len(part) % 2) for name, part in whole
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _riff(data: bytes) -> list[tuple[bytes, bytes]]:
    """Return the parts of a WebP file. Raises: ValueError: it is cut, or has none"""
    chunks, at = [], 12
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at + 4)
        part = data[at + 8 : at + 8 + size]
        if len(part) < size:
            raise ValueError
        chunks.append((data[at : at + 4], part))
        at += 8 + size + size % 2
    if not chunks or not chunks[0][1]:
        raise ValueError
    return chunks


def _extended(name: bytes, first: bytes) -> bytes:
    """Return the head of a WebP file that had none: flags, width and height."""
    if name == b"VP8 " and first[3:6] == b"\x9d\x01\x2a":
        flags = 0
        width, height = (int.from_bytes(first[at : at + 2], "little") & 0x3FFF for at in (6, 8))
    elif name == b"VP8L" and first[0] == 0x2F and len(first) > 4:
        bits = int.from_bytes(first[1:5], "little")
        flags = _ALPHA_FLAG if bits >> 28 & 1 else 0
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        raise ValueError
    if not (width and height):
        raise ValueError
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes([flags | _XMP_FLAG, 0, 0, 0]) + sizes


def _jpeg(data: bytes, label: Label) -> bytes:
    packet = _JPEG_XMP + _packet(label)
    at = 2
    if data[2:4] == b"\xff\xe0":
        # the part that some readers want to be the first
        (size,) = struct.unpack_from(">H", data, 4)
        at = 4 + size
    if _JPEG_XMP in data or len(packet) + 2 > _JPEG_MOST or len(data) < at + 2 or data[at] != 0xFF:
        raise ValueError
    segment = b"\xff\xe1" + struct.pack(">H", len(packet) + 2) + packet
    return data[:at] + segment + data[at:]


_WRITERS: Mapping[str, Callable[[bytes, Label], bytes]] = {
    PNG.name: _png,
    WEBP.name: _webp,
    JPEG.name: _jpeg,
}

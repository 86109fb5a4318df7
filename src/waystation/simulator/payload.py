"""JSON as the simulator writes it, by hand and exactly.

The service reads Discord through tolerant structs; a stand-in that wrote through the same structs
would hide their mistakes. So payloads here are plain dictionaries, spelled out field by field.

Pure: no I/O, no clock, no randomness.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

__all__ = ["Payload", "decode", "encode", "objects", "timestamp"]

Payload = dict[str, Any]
"""One JSON object on its way out or in; `Any` because Discord's objects have no closed shape."""

encode = msgspec.json.encode
decode = msgspec.json.decode


def timestamp(moment: datetime) -> str:
    """Write an instant as Discord does, always with six sub-second digits.

    Source: wire notes 11.9: whole seconds make a polling client miss results.
    """
    return moment.isoformat(timespec="microseconds")


def objects(body: Payload, name: str) -> list[Payload]:
    """Return the objects of a list field; anything else counts as absent."""
    listed = body.get(name)
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []

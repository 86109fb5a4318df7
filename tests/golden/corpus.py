"""Goldens: what the bot and Discord can say, with its source and what must be made of it.

Two kinds of files lie in `<verb>/<case>.json`. A *payload* golden holds one dispatch with the
reading expected of it. A *conversation* golden (`whole_*`) holds steps that cite payloads, what
each step gives, and how the jobs end. All ids and texts are invented; the shapes are Discord's.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from waystation.discord.dispatches import read_dispatch
from waystation.gateway_events import GatewayEvent, MessageSeen, SeenAs
from waystation.wire.gateway import Frame
from waystation.wire.message import Message

__all__ = [
    "CONVERSATIONS",
    "FRAMES",
    "HISTORY",
    "MESSAGES",
    "PAYLOADS",
    "Golden",
    "event_of",
    "message_of",
]

HISTORY = "HISTORY"
"""Stands for a dispatch's name where a message was read back instead."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Golden:
    """One file. `name` is its path without the extension."""

    name: str
    content: Json

    @property
    def source(self) -> str:
        """Where the form was seen or is documented."""
        source: str = self.content["source"]
        return source

    def __str__(self) -> str:
        return self.name


def _load() -> tuple[Golden, ...]:
    root = Path(__file__).parent
    return tuple(
        Golden(str(path.relative_to(root).with_suffix("")), json.loads(path.read_text()))
        for path in sorted(root.glob("*/*.json"))
    )


_ALL = _load()
CONVERSATIONS = tuple(golden for golden in _ALL if "steps" in golden.content)
PAYLOADS: Mapping[str, Golden] = {
    golden.name: golden for golden in _ALL if "payload" in golden.content
}
MESSAGES = tuple(golden for golden in PAYLOADS.values() if "reading" in golden.content)
FRAMES = tuple(golden for golden in PAYLOADS.values() if "human_check" in golden.content)


def message_of(golden: Golden) -> Message:
    """Return the message of a payload golden as the service decodes it."""
    return msgspec.json.decode(json.dumps(golden.content["payload"]), type=Message)


def event_of(step: Json) -> GatewayEvent:
    """Return the gateway event that a step of a conversation golden sees.

    Shape: `see` is a payload golden's name or a dispatch written out; `with` merges fields into
    the payload, `without` takes some out, `event` takes another dispatch name
    """
    cited = step["see"]
    dispatch = PAYLOADS[cited].content if isinstance(cited, str) else cited
    payload = merged(dispatch["payload"], step.get("with", {}))
    for name in step.get("without", ()):
        del payload[name]
    event = str(step.get("event", dispatch["event"]))
    raw = json.dumps(payload).encode()
    if event == HISTORY:
        return MessageSeen(SeenAs.HISTORY, msgspec.json.decode(raw, type=Message))
    (read,) = read_dispatch(Frame(op=0, d=msgspec.Raw(raw), s=7, t=event))
    return read


def merged(payload: Json, changes: Json) -> Json:
    """Return a payload with some fields replaced, nested objects field by field."""
    result = copy.deepcopy(payload)
    for name, value in changes.items():
        both = isinstance(value, dict) and isinstance(result.get(name), dict)
        result[name] = merged(result[name], value) if both else value
    return result

"""Uploaded files, and links that are signed and really expire.

A client asks for a slot, puts the bytes there and then names the file in a message or interaction.
Files reach the outside under a path of the content network; a link is that path with `ex` (expiry)
and `is` (issue) in hexadecimal seconds and `hm`, a signature over all three.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from waystation.simulator.discord.ids import Ids, Now
from waystation.simulator.discord.world import World
from waystation.simulator.payload import Payload

__all__ = ["MEDIA_PREFIX", "Files", "Picture", "Slot", "picture_of", "safe_name"]

_UNSAFE = re.compile(r"[^\w.\-]+")
MEDIA_PREFIX = "/media"
"""Stands for the second host of Discord's content network, the one that resizes."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Bytes that somebody uploaded."""

    filename: str
    content_type: str
    data: bytes
    digest: str
    paths: list[str] = field(default_factory=list)
    """Where it can be read; it leaves all of them when it is evicted."""


@dataclass(slots=True)
class Slot:
    """A place for one upload, named `<uuid>/<file name>`."""

    name: str
    filename: str
    key: str
    max_bytes: int
    user_id: str
    picture: Picture | None = None


class Files:
    """Slots, stored files and link signatures."""

    def __init__(self, world: World, ids: Ids, now: Now) -> None:
        self._world = world
        self._ids = ids
        self._now = now
        self._slots: OrderedDict[str, Slot] = OrderedDict()
        self._stored: dict[str, Picture] = {}
        self._slot_count = 0
        self._bytes = 0

    def open_slot(self, filename: str, user_id: str) -> Slot:
        """Reserve a place for an upload."""
        self._slot_count += 1
        uuid = self._ids.uuid(f"slot:{self._slot_count}")
        name = f"{uuid}/{safe_name(filename)}"
        key = self._ids.hexadecimal(f"slot:{self._slot_count}")
        slot = Slot(name, safe_name(filename), key, self._world.options.max_file_bytes, user_id)
        self._slots[name] = slot
        return slot

    def slot(self, name: str) -> Slot | None:
        """Find a slot by `<uuid>/<file name>`, as a client sends it back."""
        return self._slots.get(unquote(name)) or self._slots.get(name)

    def fill(self, slot: Slot, data: bytes, content_type: str) -> Picture:
        """Store what was put into a slot."""
        slot.picture = picture_of(slot.filename, data, content_type)
        self._account_for(len(data))
        return slot.picture

    def drop(self, name: str) -> bool:
        """Throw an upload away; tell whether there was one."""
        slot = self.slot(name)
        if slot is None:
            return False
        self._evict(slot)
        return True

    def keep(self, filename: str, data: bytes, content_type: str, user_id: str) -> Picture:
        """Store a file that came inside a request instead of through a slot."""
        return self.fill(self.open_slot(filename, user_id), data, content_type)

    def _account_for(self, size: int) -> None:
        self._bytes += size
        while self._bytes > self._world.options.stored_bytes and len(self._slots) > 1:
            self._evict(next(iter(self._slots.values())))

    def _evict(self, slot: Slot) -> None:
        del self._slots[slot.name]
        if slot.picture is not None:
            self._bytes -= len(slot.picture.data)
            for path in slot.picture.paths:
                self._stored.pop(path, None)

    def publish(self, path: str, picture: Picture) -> None:
        """Make a file reachable under a path of the content network."""
        self._stored[path] = picture
        picture.paths.append(path)

    def link(self, path: str, life_s: float | None = None) -> str:
        """Return a signed link of a path; a negative life gives one that has expired."""
        life = self._world.options.link_life_s if life_s is None else life_s
        issued = int(self._now().timestamp())
        query = f"ex={int(issued + life):x}&is={issued:x}"
        return f"{self._world.url}{quote(path)}?{query}&hm={self._sign(path, query)}&"

    def proxy_link(self, path: str, life_s: float | None = None) -> str:
        """Return the same link on the host that resizes."""
        return self.link(path, life_s).replace(self._world.url, self._world.url + MEDIA_PREFIX, 1)

    def read(self, path: str, query: Mapping[str, str]) -> Picture | None:
        """Return what a link leads to; None if it is unknown, expired or tampered with."""
        signed = f"ex={query.get('ex', '')}&is={query.get('is', '')}"
        if query.get("hm") != self._sign(path, signed):
            return None
        fresh = int(query["ex"], 16) >= self._now().timestamp()
        return self._stored.get(path) if fresh else None

    def read_link(self, url: str) -> Picture | None:
        """Return what an own link leads to; the simulator fetches nothing from elsewhere."""
        path, query = self._path(url), urlsplit(url).query
        pairs = dict(pair.split("=", 1) for pair in query.split("&") if "=" in pair)
        return None if path is None else self.read(path, pairs)

    def behind(self, url: str) -> Picture | None:
        """Return what an own link leads or led to, however old the link is."""
        path = self._path(url)
        return None if path is None else self._stored.get(path)

    def refresh(self, url: str) -> str | None:
        """Return a fresh link to what an own link leads or led to; None if it never did."""
        path = self._path(url)
        if path is None or path not in self._stored:
            return None
        is_proxy = urlsplit(url).path.startswith(MEDIA_PREFIX)
        return self.proxy_link(path) if is_proxy else self.link(path)

    def _path(self, url: str) -> str | None:
        parts = urlsplit(url)
        if f"{parts.scheme}://{parts.netloc}" != self._world.url:
            return None
        return unquote(parts.path).removeprefix(MEDIA_PREFIX)

    def attach(
        self,
        picture: Picture,
        channel_id: str,
        size: tuple[int, int] | None,
        life_s: float | None = None,
    ) -> Payload:
        """Publish a file in a channel and write its attachment object."""
        attachment_id = self._ids.snowflake()
        path = f"/attachments/{channel_id}/{attachment_id}/{picture.filename}"
        self.publish(path, picture)
        body: Payload = {
            "id": attachment_id,
            "filename": picture.filename,
            "size": len(picture.data),
            "url": self.link(path, life_s),
            "proxy_url": self.proxy_link(path, life_s),
            "content_type": picture.content_type,
            "content_scan_version": 0,
        }
        return body | {"width": size[0], "height": size[1]} if size else body

    def _sign(self, path: str, query: str) -> str:
        return self._ids.mac(f"{path}?{query}".encode()).hex()


def picture_of(filename: str, data: bytes, content_type: str) -> Picture:
    """Bundle bytes with what identifies them."""
    return Picture(safe_name(filename), content_type, data, hashlib.sha256(data).hexdigest())


def safe_name(filename: str) -> str:
    """Return a file name as Discord keeps it: no path, no spaces, nothing odd."""
    return _UNSAFE.sub("_", filename.rsplit("/", 1)[-1]).strip("_") or "unknown"

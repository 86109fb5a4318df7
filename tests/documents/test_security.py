"""SECURITY.md tells the bounds that the code has, and tests that hold them."""

from __future__ import annotations

import re

from tests.documents.readme import ROOT
from waystation.api.body import Limits
from waystation.api.protocol import QUEUED, Bounds
from waystation.engine import deliverer
from waystation.interim import MAX_INTERIM
from waystation.outbound.connector import MAX_LOOKUPS
from waystation.settings import Settings

_MIB = 1 << 20
_SETTINGS = Settings()

BOUNDS = {
    "connections, a reverse proxy's not counted": Bounds().connections_of_address,
    "connections": Bounds().connections,
    "requests that wait behind the running one": QUEUED,
    "headers": Bounds().headers,
    "bytes of a head or of trailers": Bounds().head_bytes,
    "seconds that an answer is left unread": Bounds().unread_s,
    "MiB of bodies above 64 KiB": Limits().share_bytes / _MIB,
    "MiB of bodies above 64 KiB, all users": Limits().bytes_in_all / _MIB,
    "bodies that wait to be read": Limits().waiting,
    "requests with pictures, by default": _SETTINGS.fetches_per_user,
    "requests with pictures, all users, by default": _SETTINGS.fetches,
    "MiB of fetched pictures until the answer, by default": (
        _SETTINGS.fetches_per_user * _SETTINGS.fetch_limit_bytes / _MIB
    ),
    "callbacks under way": deliverer.PER_USER,
    "callbacks under way, all users": deliverer.IN_FLIGHT,
    "callbacks under way to one receiver": deliverer.PER_RECEIVER,
    "threads that look up names": MAX_LOOKUPS,
    "interim answers of a host": MAX_INTERIM,
}

ROW = re.compile(r"^\| ([^|]+) \| (\d+) \| [a-z]+ \| `(tests/\S+\.py)::(\w+)` \|$", re.M)


def test_every_bound_of_the_table_is_that_of_the_code_and_held_by_a_test() -> None:
    rows = ROW.findall((ROOT / "SECURITY.md").read_text("utf-8"))
    assert {held: int(bound) for held, bound, _, _ in rows} == BOUNDS
    for _, _, path, name in rows:
        assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text("utf-8"), re.M), name

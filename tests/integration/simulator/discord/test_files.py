from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from waystation.simulator.discord.files import Files, picture_of, safe_name
from waystation.simulator.discord.ids import Ids
from waystation.simulator.discord.world import World
from waystation.simulator.options import Options

BASE = "http://127.0.0.1:1"


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def files(clock: Clock) -> Files:
    ids = Ids(1, clock)
    world = World(Options(link_life_s=60.0, stored_bytes=10), ids)
    world.url = BASE
    return Files(world, ids, clock)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("cat.png", "cat.png"),
        ("my cat.png", "my_cat.png"),
        ("../../etc/passwd", "passwd"),
        ("ümlaut.png", "ümlaut.png"),
        ("???", "unknown"),
    ],
)
def test_file_names_are_kept_without_what_is_odd(given: str, kept: str) -> None:
    assert safe_name(given) == kept


def test_a_link_has_three_signed_parts(files: Files) -> None:
    url = urlsplit(files.link("/attachments/1/2/a.png"))
    names = [pair.partition("=")[0] for pair in url.query.split("&")]
    assert names == ["ex", "is", "hm", ""]


def test_a_link_can_be_read_until_it_expires(files: Files, clock: Clock) -> None:
    picture = picture_of("a.png", b"abc", "image/png")
    files.publish("/attachments/1/2/a.png", picture)
    url = files.link("/attachments/1/2/a.png")
    assert files.read_link(url) is picture
    assert files.read_link(files.proxy_link("/attachments/1/2/a.png")) is picture
    clock.now += timedelta(seconds=61)
    assert files.read_link(url) is None


def test_a_link_of_negative_life_has_expired(files: Files) -> None:
    files.publish("/attachments/1/2/a.png", picture_of("a.png", b"abc", "image/png"))
    assert files.read_link(files.link("/attachments/1/2/a.png", -1.0)) is None


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:2/x?ex=1", BASE + "/x", BASE + "/x?ex=z"])
def test_other_links_lead_nowhere(files: Files, url: str) -> None:
    assert files.read_link(url) is None


def test_odd_names_survive_a_link(files: Files) -> None:
    picture = picture_of("größe.png", b"abc", "image/png")
    files.publish(f"/attachments/1/2/{picture.filename}", picture)
    url = files.link(f"/attachments/1/2/{picture.filename}")
    assert url.isascii()
    assert files.read_link(url) is picture


def test_an_evicted_file_leaves_every_place(files: Files) -> None:
    old = files.keep("a.png", b"12345678", "image/png", "1")
    files.publish("/attachments/1/2/a.png", old)
    url = files.link("/attachments/1/2/a.png")
    assert files.read_link(url) is old
    files.keep("b.png", b"12345678", "image/png", "1")
    assert files.read_link(url) is None


def test_a_slot_is_found_by_its_name_also_when_quoted(files: Files) -> None:
    slot = files.open_slot("größe.png", "1")
    assert files.slot(slot.name) is slot
    assert files.slot(slot.name.replace("ö", "%C3%B6").replace("ß", "%C3%9F")) is slot
    assert files.drop(slot.name)
    assert not files.drop(slot.name)


def test_equal_bytes_have_equal_digests() -> None:
    one, other = picture_of("a", b"x", "t"), picture_of("b", b"x", "u")
    assert one.digest == other.digest != picture_of("a", b"y", "t").digest

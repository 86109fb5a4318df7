from __future__ import annotations

from tests import build
from waystation.ports import MediaKey
from waystation.store.rows import MEDIA_KEYS
from waystation.store.transactions import media
from waystation.store.transactions.database import Database


def key(number: int) -> MediaKey:
    return MediaKey(1, b"sealed %d" % number, build.later(number))


def test_the_first_key_of_a_user_is_kept_whoever_comes_later(database: Database) -> None:
    assert media.key_of(database, 1) is None
    assert media.add(database, key(1)) == key(1)
    assert media.add(database, key(2)) == key(1) == media.key_of(database, 1)


def test_a_key_takes_the_place_of_any_other(database: Database) -> None:
    for number in (1, 2):
        database.run("put_media_key", MEDIA_KEYS.values(key(number)))
        assert media.key_of(database, 1) == key(number)

from __future__ import annotations

from datetime import datetime

from tests import build
from waystation.ports import SigningSecret
from waystation.store.columns import micros
from waystation.store.rows import SIGNING_SECRETS
from waystation.store.sqlite import deliveries
from waystation.store.sqlite.database import Database


def secret(number: int, at: float, user_id: int = 1) -> SigningSecret:
    return SigningSecret(f"s{number}", user_id, b"sealed", build.later(at))


def signing(database: Database, at: datetime, user_id: int = 1) -> list[str]:
    rows = database.all("signing_secrets", {"user_id": user_id, "at": micros(at)})
    return [SIGNING_SECRETS.read(row).secret_id for row in rows]


def replace(database: Database, one: SigningSecret, most: int = 9) -> bool:
    return deliveries.replace_signing_secret(database, one, build.later(100), most)


def test_the_newest_secret_comes_first_and_the_others_end(database: Database) -> None:
    assert replace(database, secret(1, 0))
    assert replace(database, secret(2, 1))
    assert signing(database, build.later(99)) == ["s2", "s1"]
    assert signing(database, build.later(100)) == ["s2"]


def test_of_several_replaced_the_one_that_ends_last_comes_first(database: Database) -> None:
    for number in range(1, 4):
        ends = build.later(100 + number)
        assert deliveries.replace_signing_secret(database, secret(number, number), ends, 9)
    assert signing(database, build.later(50)) == ["s3", "s2", "s1"]


def test_one_more_than_may_sign_at_once_changes_nothing(database: Database) -> None:
    assert replace(database, secret(1, 0), most=2) and replace(database, secret(2, 0), most=2)
    assert not replace(database, secret(3, 0), most=2)
    assert signing(database, build.later(1)) == ["s2", "s1"]
    # when the first has ended, there is room
    assert deliveries.replace_signing_secret(database, secret(3, 100), build.later(200), 2)


def test_a_purge_leaves_what_still_signs(database: Database) -> None:
    replace(database, secret(1, 0))
    replace(database, secret(2, 1))
    deliveries.purge(database, build.later(99))
    assert signing(database, build.later(0)) == ["s2", "s1"]
    deliveries.purge(database, build.later(100))
    assert signing(database, build.later(0)) == ["s2"]

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.build import replace
from waystation.media.files import Wish
from waystation.media.links import (
    KEPT,
    LONGEST_SHARE,
    SHARE,
    has_ended,
    is_signed,
    page_until,
    path_of,
    share_until,
    signature,
)

KEY = bytes(range(32))
WISH = Wish("job:20261128062307275-user:12-channel:7-bot:midjourney", 0, 2, 640, "webp")
NOW = datetime(2026, 11, 28, 6, 23, 7, tzinfo=UTC)
EXPIRES = "1796000000"

OTHERS = (
    replace(WISH, jobid=WISH.jobid.replace("user:12", "user:13")),
    replace(WISH, number=1),
    replace(WISH, tile=3),
    replace(WISH, tile=None),
    replace(WISH, size=320),
    replace(WISH, size=None),
    replace(WISH, format="avif"),
    replace(WISH, format=None),
    # the same digits, in other fields
    replace(WISH, number=0, tile=None, size=2640),
)


def test_a_signature_is_good_for_what_it_was_made_for() -> None:
    given = signature(KEY, WISH, EXPIRES)
    assert len(given) == 43
    assert is_signed(KEY, WISH, EXPIRES, given)


@pytest.mark.parametrize("wish", OTHERS)
def test_a_signature_covers_each_part_of_the_wish(wish: Wish) -> None:
    assert not is_signed(KEY, wish, EXPIRES, signature(KEY, WISH, EXPIRES))


@pytest.mark.parametrize("given", ["", "ü" * 43, "\udce4", "A" * 43])
def test_other_texts_are_no_signatures(given: str) -> None:
    assert not is_signed(KEY, WISH, EXPIRES, given)


def test_a_signature_covers_its_end_and_belongs_to_its_key() -> None:
    given = signature(KEY, WISH, EXPIRES)
    assert not is_signed(KEY, WISH, "1796000001", given)
    assert not is_signed(KEY, WISH, KEPT, given)
    assert not is_signed(KEY[::-1], WISH, EXPIRES, given)


def test_a_path_says_what_was_signed() -> None:
    parts = urlsplit(path_of(KEY, WISH, EXPIRES))
    assert parts.path == f"/v2/media/{WISH.jobid}/0"
    assert parse_qs(parts.query) == {
        "tile": ["2"],
        "size": ["640"],
        "format": ["webp"],
        "expires": [EXPIRES],
        "signature": [signature(KEY, WISH, EXPIRES)],
    }
    assert "tile" not in path_of(KEY, Wish(WISH.jobid, 0), KEPT)


def test_links_of_a_page_are_the_same_all_day_and_work_for_a_day_at_least() -> None:
    morning = datetime(2026, 11, 28, 0, 0, tzinfo=UTC)
    night = datetime(2026, 11, 28, 23, 59, 59, tzinfo=UTC)
    assert page_until(morning) == page_until(NOW) == page_until(night)
    assert page_until(night + timedelta(seconds=1)) != page_until(night)
    assert int(page_until(night)) - night.timestamp() > 86_400


def test_a_shared_link_works_for_a_week_unless_chosen_and_for_a_year_at_most() -> None:
    assert int(share_until(NOW)) == int((NOW + SHARE).timestamp())
    assert timedelta(days=7) == SHARE
    assert int(share_until(NOW, timedelta(days=1))) == int(NOW.timestamp()) + 86_400
    assert share_until(NOW, timedelta(days=9999)) == share_until(NOW, LONGEST_SHARE)


def test_a_link_ends_at_its_moment_and_one_that_is_kept_does_not() -> None:
    expires = share_until(NOW)
    assert not has_ended(expires, NOW + SHARE - timedelta(seconds=1))
    assert has_ended(expires, NOW + SHARE)
    assert not has_ended(KEPT, NOW + timedelta(days=9999))

from __future__ import annotations

import pytest

from waystation import sentences
from waystation.api.places import Places
from waystation.errors import Throttled
from waystation.quotas import Quota


def few() -> Places:
    return Places("streams", 2, sentences.TOO_MANY_STREAMS, retry_after_s=7)


def test_a_user_without_a_place_is_told_the_limit_and_another_has_places() -> None:
    places = few()
    places.take(1)
    places.take(1)
    with pytest.raises(Throttled) as raised:
        places.take(1)
    assert raised.value.message == sentences.TOO_MANY_STREAMS.said(limit=2)
    assert raised.value.retry_after_s == 7
    assert raised.value.quota == Quota("streams", 2, 0)
    places.take(2)


def test_a_place_that_was_given_back_can_be_taken_again() -> None:
    places = few()
    places.take(1)
    places.take(1)
    places.give_back(1)
    places.take(1)
    with pytest.raises(Throttled):
        places.take(1)


def test_a_place_is_given_back_when_its_request_breaks() -> None:
    places = few()
    for _ in range(3):
        with pytest.raises(KeyError), places.place(1):
            raise KeyError
    with places.place(1), places.place(1), pytest.raises(Throttled), places.place(1):
        pass

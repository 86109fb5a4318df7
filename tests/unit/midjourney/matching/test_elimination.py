"""Elimination, by small puzzles and against all assignments there are."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from waystation.midjourney.matching.elimination import Owners, decided, hopeless


def _owners(**asks: str) -> Owners:
    return {picture: frozenset(text) for picture, text in asks.items()}


def test_a_picture_with_one_possible_owner_is_decided() -> None:
    assert dict(decided(_owners(p="a"))) == {"p": "a"}


def test_a_picture_is_decided_when_others_need_its_other_owners() -> None:
    assert dict(decided(_owners(p="ab", q="b"))) == {"p": "a", "q": "b"}
    assert dict(decided(_owners(p="ab", q="ab", r="abc"))) == {"r": "c"}


def test_a_pair_waits_for_its_second_picture_and_is_hopeless_then() -> None:
    one, both = _owners(p="ab"), _owners(p="ab", q="ab")
    assert not dict(decided(one)) | dict(decided(both))
    assert not list(hopeless(one))
    assert list(hopeless(both)) == [frozenset("ab")]


def test_more_pictures_than_asks_are_hopeless_and_decide_nothing() -> None:
    owners = _owners(p="a", q="a", r="b")
    assert dict(decided(owners)) == {"r": "b"}
    assert frozenset("a") in hopeless(owners)


_PUZZLES = st.dictionaries(
    st.sampled_from("pqrs"),
    st.frozensets(st.sampled_from("abcd"), min_size=1),
    min_size=1,
    max_size=4,
)


@given(_PUZZLES)
def test_what_is_decided_holds_in_every_assignment(owners: Owners) -> None:
    everyone = [dict(zip(owners, asks, strict=True)) for asks in product(*owners.values())]
    assignments = [one for one in everyone if len(set(one.values())) == len(one)]
    if assignments:
        sure = {
            picture: next(iter(seen))
            for picture in owners
            if len(seen := {one[picture] for one in assignments}) == 1
        }
        assert dict(decided(owners)) == sure

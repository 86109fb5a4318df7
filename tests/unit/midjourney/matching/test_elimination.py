"""Elimination, by small puzzles and against all assignments there are."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from waystation.midjourney.matching.elimination import (
    Owners,
    Works,
    decided,
    groups,
    hopeless,
    with_picture,
)


def _owners(**asks: str) -> Works:
    return Works({picture: frozenset(text) for picture, text in asks.items()})


def _with_begun(works: Works, **asks: str) -> Works:
    """Add progress of which no picture is known; a picture's letter stands for one work with it."""
    names = {one: with_picture(one) for one in works.pictures}
    begun = {one: frozenset(names.get(ask, ask) for ask in text) for one, text in asks.items()}
    return Works(works.pictures, begun)


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


def test_a_begun_work_stands_beside_the_pictures() -> None:
    """One more work than asks: somebody was never heard, so that the picture may be his."""
    one = _owners(p="a")
    assert not dict(decided(_with_begun(one, u="a")))
    assert dict(decided(_with_begun(one, u="b"))) == {"p": "a"}
    assert dict(decided(_with_begun(_owners(p="ab"), u="a"))) == {"p": "b"}


def test_a_begun_work_may_be_one_with_a_picture() -> None:
    one = _owners(p="a")
    assert dict(decided(_with_begun(one, u="ap"))) == {"p": "a"}
    # two that have begun are two works
    assert not dict(decided(_with_begun(one, u="ap", v="ap")))


def test_nothing_is_hopeless_while_a_picture_is_to_come() -> None:
    one, both = _owners(p="a"), _owners(p="ab", q="ab")
    assert not list(hopeless(_with_begun(one, u="a")))
    assert list(hopeless(_with_begun(both, u="ap"))) == [frozenset("ab")]
    assert not list(hopeless(_with_begun(both, u="ap", v="ap")))


def test_asks_that_are_unsure_count_as_far_as_they_are_needed() -> None:
    """Two that began with an unknown interaction, and one job: either may be the job's."""
    works = Works(_owners(p="ax", q="ay").pictures, unsure=frozenset("xy"))
    assert list(hopeless(works)) == [frozenset("axy")]
    # that of which the other is not known to be a stranger's is still to come
    assert not list(hopeless(Works(_owners(p="ab", q="ax").pictures, unsure=frozenset("x"))))
    assert not list(hopeless(Works(_owners(p="ax").pictures, unsure=frozenset("x"))))


def test_works_that_may_be_one_hang_together() -> None:
    ((group, asks),) = groups(_with_begun(_owners(p="a"), u="bp"))
    assert (set(group), asks) == ({"p", "u"}, frozenset("ab"))
    assert len(list(groups(_with_begun(_owners(p="a"), u="b")))) == 2


_PUZZLES = st.dictionaries(
    st.sampled_from("pqrs"),
    st.frozensets(st.sampled_from("abcd"), min_size=1),
    min_size=1,
    max_size=4,
)


@given(_PUZZLES)
def test_a_decision_holds_in_every_assignment(owners: Owners) -> None:
    everyone = [dict(zip(owners, asks, strict=True)) for asks in product(*owners.values())]
    assignments = [one for one in everyone if len(set(one.values())) == len(one)]
    if assignments:
        sure = {
            picture: next(iter(seen))
            for picture in owners
            if len(seen := {one[picture] for one in assignments}) == 1
        }
        assert dict(decided(Works(owners))) == sure

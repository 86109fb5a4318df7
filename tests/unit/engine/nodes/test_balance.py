from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waystation.engine.nodes.balance import Moves, moves, shares
from waystation.ports import Ownership


def ownership(nodes: str, owners: str) -> Ownership:
    """Each letter is the node of one account, a dot no node."""
    named = {f"account-{at}": None if one == "." else one for at, one in enumerate(owners)}
    return Ownership(list(nodes), named)


def _ids(text: str) -> tuple[str, ...]:
    return tuple(f"account-{number}" for number in text)


@pytest.mark.parametrize(
    ("nodes", "owners", "should"),
    [
        ("", "..", {}),
        ("a", "...", {"a": 3}),
        ("ab", "...", {"a": 2, "b": 1}),
        ("ab", "bb.", {"b": 2, "a": 1}),
        ("abc", "", {"a": 0, "b": 0, "c": 0}),
        ("abc", "ccccb", {"c": 2, "b": 2, "a": 1}),
    ],
)
def test_shares_differ_by_one_and_the_fullest_node_has_the_most(
    nodes: str, owners: str, should: dict[str, int]
) -> None:
    assert shares(ownership(nodes, owners)) == should


def test_a_lone_node_takes_all_free_accounts_in_steps() -> None:
    assert moves("a", ownership("a", "....."), 2) == Moves(take=_ids("01"))
    assert moves("a", ownership("a", "aa..."), 2) == Moves(take=_ids("23"))
    assert moves("a", ownership("a", "aaaaa"), 2) == Moves()


def test_nodes_that_look_at_once_take_different_accounts() -> None:
    seen = ownership("ab", "a....")
    assert moves("a", seen, 9) == Moves(take=_ids("12"))
    assert moves("b", seen, 9) == Moves(take=_ids("34"))


def test_a_node_that_comes_gets_accounts_only_from_those_with_too_many() -> None:
    seen = ownership("abc", "aaaabb")
    assert moves("a", seen, 9) == Moves(give=_ids("01"))
    assert moves("b", seen, 9) == moves("c", seen, 9) == Moves()
    assert moves("a", seen, 1) == Moves(give=_ids("0"))


def test_accounts_with_jobs_are_kept_while_others_can_go() -> None:
    seen = ownership("ab", "aaaa")
    assert moves("a", seen, 9, {"account-0", "account-2"}) == Moves(give=_ids("13"))
    assert moves("a", seen, 9, {"account-0", "account-1", "account-2"}) == Moves(give=_ids("30"))


def test_a_node_whose_lease_has_ended_does_nothing() -> None:
    assert moves("c", ownership("ab", ".."), 9) == Moves()


@given(
    nodes=st.sets(st.sampled_from("abcdef"), min_size=1),
    owners=st.text(st.sampled_from("abcdef."), max_size=60),
    most=st.integers(1, 9),
)
def test_all_accounts_come_to_an_even_spread_and_no_more_move_than_must(
    nodes: set[str], owners: str, most: int
) -> None:
    """I7."""
    ids = sorted(nodes)
    known = {
        account_id: owner if owner in nodes else None
        for account_id, owner in ownership("", owners).owners.items()
    }
    has = Counter(owner for owner in known.values() if owner)
    must = sum(max(0, has[one] - share) for one, share in shares(Ownership(ids, known)).items())
    # any other spread over as many nodes gives up at least as many
    least, more = divmod(len(known), len(ids))
    best = sorted((has[one] for one in ids), reverse=True)
    assert must == sum(max(0, n - least - (at < more)) for at, n in enumerate(best))
    given_back = 0
    for _ in range(len(known) + 2):
        seen = Ownership(ids, dict(known))
        planned = {one: moves(one, seen, most) for one in ids}
        taken = [account_id for one in planned.values() for account_id in one.take]
        assert len(taken) == len(set(taken))
        for one, step in planned.items():
            assert len(step.take) <= most and len(step.give) <= most
            for account_id in step.give:
                assert known[account_id] == one
                known[account_id] = None
            given_back += len(step.give)
            for account_id in step.take:
                known[account_id] = one
    spread = Counter(known.values())
    assert None not in spread
    assert max(spread[one] for one in ids) - min(spread[one] for one in ids) <= 1
    assert given_back == must

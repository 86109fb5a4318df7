"""Rate-limit arithmetic, by table and by chance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.limits import BREAKER
from waystation.discord.buckets import (
    BREAKER_WINDOW_S,
    EDGE_WAIT_S,
    LONGEST_WAIT_S,
    Breaker,
    Limits,
    Verdict,
    judge,
)

LIMITED = '{"message":"You are being rate limited.","retry_after":1.337,"global":false}'
GLOBAL = '{"message":"You are being rate limited.","retry_after":10,"global":true}'

ANSWERS = [
    # status, headers, body, verdict
    (204, {}, "", Verdict()),
    (200, {"x-ratelimit-remaining": "3", "x-ratelimit-reset-after": "9"}, "", Verdict()),
    (200, {"x-ratelimit-remaining": "0", "x-ratelimit-reset-after": "1.5"}, "", Verdict(1.5)),
    (200, {"x-ratelimit-remaining": "0"}, "", Verdict()),
    (401, {}, "{}", Verdict(invalid=True)),
    (403, {"x-ratelimit-remaining": "x"}, "{}", Verdict(invalid=True)),
    (404, {}, "{}", Verdict()),
    (500, {}, "", Verdict()),
    (429, {}, LIMITED, Verdict(1.337, invalid=True)),
    (429, {"retry-after": "2"}, LIMITED, Verdict(1.337, invalid=True)),
    (429, {}, GLOBAL, Verdict(10.0, everywhere=True, invalid=True)),
    (429, {"x-ratelimit-global": "true"}, LIMITED, Verdict(1.337, True, True)),
    (429, {"x-ratelimit-scope": "global"}, LIMITED, Verdict(1.337, True, True)),
    (429, {"x-ratelimit-scope": "shared"}, LIMITED, Verdict(1.337)),
    (429, {"retry-after": "7"}, '{"message":"slow"}', Verdict(7.0, invalid=True)),
    (429, {}, '{"message":"slow"}', Verdict(5.0, invalid=True)),
    (429, {}, '{"retry_after":true}', Verdict(5.0, invalid=True)),
    (429, {}, '{"retry_after":0}', Verdict(0.0, invalid=True)),
    (429, {}, '{"retry_after":-3}', Verdict(5.0, invalid=True)),
    (429, {"retry-after": "soon"}, '{"retry_after":null}', Verdict(5.0, invalid=True)),
    (429, {"retry-after": "nan"}, '{"retry_after":[]}', Verdict(5.0, invalid=True)),
    (429, {}, '{"retry_after":9999999}', Verdict(LONGEST_WAIT_S, invalid=True)),
    (429, {}, "<html>error 1015</html>", Verdict(EDGE_WAIT_S, True, True)),
    (429, {"retry-after": "1337"}, "<html>", Verdict(1337.0, True, True)),
    (429, {"retry-after": "4000000"}, "[]", Verdict(LONGEST_WAIT_S, True, True)),
]  # fmt: skip


@pytest.mark.parametrize(("status", "headers", "body", "verdict"), ANSWERS)
def test_an_answer_says_how_long_to_wait(
    status: int, headers: dict[str, str], body: str, verdict: Verdict
) -> None:
    assert judge(status, headers, body) == verdict


def test_a_number_too_large_for_seconds_is_not_believed() -> None:
    body = '{"retry_after":1' + "0" * 400 + "}"
    assert judge(429, {}, body).wait_s <= LONGEST_WAIT_S


@given(st.integers(100, 599), st.text(max_size=40), st.text(max_size=10), st.text(max_size=10))
def test_no_answer_is_too_strange_to_judge(
    status: int, body: str, remaining: str, after: str
) -> None:
    headers = {"x-ratelimit-remaining": remaining, "retry-after": after}
    assert 0 <= judge(status, headers, body).wait_s <= LONGEST_WAIT_S


def test_a_buckets_wait_holds_for_that_bucket_only_and_runs_out() -> None:
    limits = Limits()
    limits.note("POST /a", Verdict(5.0), 100.0)
    assert limits.wait_s("POST /a", 102.0) == 3.0
    assert limits.wait_s("POST /b", 102.0) == 0.0
    assert limits.wait_s("POST /a", 200.0) == 0.0


def test_a_global_wait_holds_for_every_bucket() -> None:
    limits = Limits()
    limits.note("POST /a", Verdict(5.0, everywhere=True), 0.0)
    assert limits.wait_s("POST /b", 1.0) == 4.0


def test_a_shorter_wait_never_shortens_a_standing_one() -> None:
    limits = Limits()
    for verdict in (Verdict(9.0), Verdict(1.0), Verdict(), Verdict(3.0, everywhere=True)):
        limits.note("x", verdict, 0.0)
    limits.note("x", Verdict(1.0, everywhere=True), 0.0)
    assert limits.wait_s("x", 0.0) == 9.0
    assert limits.wait_s("y", 0.0) == 3.0


def test_expired_entries_are_forgotten_before_memory_grows() -> None:
    limits = Limits()
    for number in range(5000):
        limits.note(f"bucket {number}", Verdict(1.0), float(number))
    assert len(limits._until) <= 1001
    assert limits.wait_s("bucket 4999", 4999.0) == 1.0


# ── the breaker ──


def test_the_breaker_opens_at_its_limit_and_closes_when_the_answers_are_old() -> None:
    """R35."""
    breaker = BREAKER
    for _ in range(BREAKER.limit - 1):
        breaker = breaker.counted(30.0)
    assert breaker.wait_s(30.0) == 0
    breaker = breaker.counted(59.0)
    assert breaker.wait_s(59.0) > 0
    assert breaker.wait_s(59.0 + BREAKER_WINDOW_S) > 0
    assert breaker.wait_s(60.0 + BREAKER_WINDOW_S + 60) == 0


@given(st.lists(st.floats(0, 2000), max_size=60), st.integers(1, 20))
def test_the_breaker_is_never_later_than_counting_every_answer(
    moments: list[float], limit: int
) -> None:
    breaker = Breaker(limit=limit)
    seen: list[float] = []
    for moment in sorted(moments):
        breaker = breaker.counted(moment)
        seen.append(moment)
        exact = sum(moment - BREAKER_WINDOW_S <= one for one in seen)
        generous = sum(moment - BREAKER_WINDOW_S - 60 <= one for one in seen)
        if exact >= limit:
            assert breaker.wait_s(moment) > 0
        if generous < limit:
            assert breaker.wait_s(moment) == 0
        assert len(breaker.rows) <= 11

from __future__ import annotations

from waystation.simulator.discord.limits import (
    Limits,
    Rate,
    limited_body,
    limited_headers,
    rate_headers,
)


def _limits() -> Limits:
    return Limits(global_per_s=5, rates={"send": Rate(2, 10.0)})


def test_a_bucket_counts_until_its_window_ends() -> None:
    limits = _limits()
    rulings = [limits.judge("t", "send", "1", now_s) for now_s in (0.0, 1.0, 2.0, 10.0)]
    assert [ruling.allowed for ruling in rulings] == [True, True, False, True]
    assert [ruling.remaining for ruling in rulings] == [1, 0, 0, 1]
    assert rulings[2].reset_after_s == 8.0


def test_buckets_of_other_tokens_and_other_channels_are_separate() -> None:
    limits = _limits()
    for token, major in (("t", "1"), ("t", "2"), ("u", "1")):
        assert all(limits.judge(token, "send", major, 0.0).allowed for _ in range(2))


def test_the_global_limit_counts_every_route() -> None:
    limits = _limits()
    rulings = [limits.judge("t", f"route{n}", "", 0.5) for n in range(6)]
    assert [ruling.allowed for ruling in rulings] == [True] * 5 + [False]
    assert rulings[-1].is_global
    assert limits.judge("t", "send", "1", 1.6).allowed


def test_clearing_forgets_the_counts() -> None:
    limits = _limits()
    for _ in range(2):
        limits.judge("t", "send", "1", 0.0)
    limits.clear()
    assert limits.judge("t", "send", "1", 0.0).allowed


def test_headers_show_the_bucket_and_nothing_for_a_route_without_one() -> None:
    limits = _limits()
    headers = rate_headers(limits.judge("t", "send", "1", 0.0))
    assert headers["X-RateLimit-Limit"] == "2"
    assert (
        headers["X-RateLimit-Bucket"]
        != rate_headers(limits.judge("t", "send", "2", 0.0))["X-RateLimit-Bucket"]
    )
    assert rate_headers(limits.judge("t", "other", "", 0.0)) == {}


def test_a_refusal_is_written_as_discord_writes_it() -> None:
    assert list(limited_body(10, is_global=True)) == ["global", "message", "retry_after"]
    assert limited_headers(1.5, is_global=False) == {
        "Retry-After": "1.5",
        "X-RateLimit-Scope": "user",
    }
    assert limited_headers(10, is_global=True)["X-RateLimit-Global"] == "true"

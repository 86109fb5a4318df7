"""An honest user beside attackers for a short while; `make soak` does it for five minutes.

The aims are those of the soak. Two are wider here: memory is read 15 seconds after the attackers,
not a minute, and of some ten describes the middle one counts, since the slowest would be their p99.
"""

from __future__ import annotations

from pathlib import Path

from tests.e2e.hostile import beside_attackers


async def test_attackers_neither_fill_the_memory_nor_fail_an_honest_user(tmp_path: Path) -> None:
    outcome = await beside_attackers(tmp_path, seconds=20.0, quiet_s=15.0, warm=30)
    print(outcome.table, outcome.report, outcome.failures, sep="\n")
    assert not outcome.failures
    assert outcome.rss_most <= 1.5 * outcome.rss_before
    assert outcome.rss_after <= 1.15 * outcome.rss_before
    assert outcome.slowest_read < 1.0
    assert outcome.usual_describe < 3.0

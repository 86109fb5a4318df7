"""An honest user beside attackers for a short while; `make soak` does it for five minutes."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.hostile import beside_attackers


async def test_attackers_neither_fill_the_memory_nor_fail_an_honest_user(tmp_path: Path) -> None:
    outcome = await beside_attackers(tmp_path, seconds=20.0, quiet_s=5.0)
    print(outcome.table, outcome.report, outcome.failures, sep="\n")
    assert not outcome.failures
    assert outcome.rss_most <= 1.6 * outcome.rss_before

"""Five minutes of attacks beside an honest user; docs/performance.md has figures and aims."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.hostile import beside_attackers

SECONDS = 300.0
QUIET_S = 60.0
WARM = 60


async def test_attackers_cannot_hurt_an_honest_user(tmp_path: Path) -> None:
    outcome = await beside_attackers(tmp_path, seconds=SECONDS, quiet_s=QUIET_S, warm=WARM)
    print(outcome.table, outcome.report, *outcome.failures[:20], sep="\n")
    assert not outcome.failures
    assert outcome.rss_most <= 1.5 * outcome.rss_before
    assert outcome.rss_after <= 1.1 * outcome.rss_before
    assert outcome.slowest_read < 1.0
    assert outcome.slowest_describe < 3.0

"""Users who ask for look-alikes at once, and the proof that each gets its own."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from random import Random

from tests.e2e.process import ground
from tests.e2e.swaps import (
    HAZARDS_OF_MATCHING,
    HAZARDS_OF_WORDS,
    NEEDLESS_AT_MOST,
    UNHEARD,
    Verdict,
    drawn_by_the_book,
    run,
)

JOBS = 1000


HOSTILE = 100


CHANNELS = 20


SPEED = 6.0
"""High enough for a run of two minutes, low enough for the bot to be what is waited for: only then
do slots in use say something of the matching, not of the machine."""


LIMIT_S = 540.0


SAMPLE = 20
"""Pictures that are downloaded and drawn again."""


NOT_OF_MATCHING = {
    *("expired_form", "no_form", "older_activity"),
    *("cancel_deletes", "answered_at_once", "vanished_late"),
}
"""They concern modals, cancels, written answers and late moderation: `test_hazards.py`."""


WORDS = 0.05
"""How often each hazard of words is taken where they are taken at all."""


async def prove(
    directory: Path,
    *,
    seed: int,
    speed: float = SPEED,
    words: float = 0.0,
    jobs: int = JOBS,
    **settings: object,
) -> Verdict:
    """Run once, and assert what holds whatever the speed of the machine."""
    hostile = jobs * HOSTILE // JOBS
    options = {"picture_size": 64, "seed": seed, "strict_sessions": True, "log_limit": 200_000}
    settings |= {"vanish_grace_s": 5.0, "first_answer_s": 60.0, "job_timeout_s": 80.0}
    # three ghosts of one channel would stop it for longer than a caller waits
    settings |= {"slot_hold_s": 20.0}
    place = ground(directory, accounts=CHANNELS, speed=speed, options=options, **settings)
    async with place as here:
        here.needless_at_most = int((jobs + hostile) * NEEDLESS_AT_MOST)
        await here.settle_in(CHANNELS, maxJobs=3)
        async with asyncio.timeout(LIMIT_S):
            verdict = await run(here, seed, jobs, hostile, words=words)
        figures = json.dumps(verdict.figures())
        print(f"seed {seed}: {figures}")
        wrong = list(verdict.wrong())
        assert not wrong, "\n".join([*wrong, figures])
        assert verdict.ends["swapped"] == 0, figures
        assert verdict.doubled + verdict.handed_out_twice == 0, figures
        assert len(verdict.asked) == jobs + hostile, figures
        assert verdict.own_share >= 0.95, figures
        assert verdict.ends["apart"] > 0, f"nothing was indistinguishable: {figures}"
        mixed = {*HAZARDS_OF_MATCHING, *HAZARDS_OF_WORDS} if words else {*HAZARDS_OF_MATCHING}
        mixed -= {UNHEARD} if words else set()
        assert set(verdict.figures()["hazards"]) == mixed, figures
        completed = [one for one in verdict.asked if one.final["status"] == "completed"]
        for one in Random(seed).sample(completed, SAMPLE):
            page = verdict.page(one)
            assert page is not None
            async with here.http.get(one.final["attachments"][0]["url"]) as answer:
                assert await answer.read() == drawn_by_the_book(here, page), one.final["jobid"]
    return verdict

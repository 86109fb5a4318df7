from __future__ import annotations

from pathlib import Path

from tests.build import replace
from tests.harness.house import DESCRIBE, house
from waystation.engine.ending import end_waiting
from waystation.jobs import Failed, JobStatus
from waystation.ports import Standing


async def test_the_end_of_a_waiting_job_owes_one_callback_and_comes_once(tmp_path: Path) -> None:
    async with house(tmp_path) as here:
        await here.live()
        here.here.discord.standing = Standing(120.0, "")
        asked = replace(DESCRIBE, queue=True, reply_url="https://example.org/callback")
        job = await (await here.ask(asked))
        now, over = here.here.clock.now(), Failed(502, "Not sent", "Nothing was submitted")
        queue, ids = here.here.store.queue, here.here.ids
        ended = await end_waiting(queue, ids, job, now, over)
        assert ended is not None
        assert (ended.status, ended.ghost, ended.code) == (JobStatus.FAILED, False, 502)
        assert await here.here.job(job.jobid) == ended
        (callback,) = await here.here.store.find_callbacks(job.jobid)
        assert (callback.is_final, callback.sequence) == (True, 1)
        assert await end_waiting(queue, ids, job, now, over) is None

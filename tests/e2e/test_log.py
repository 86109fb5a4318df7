"""One job in the log, from its POST to its callback, over a restart, by its jobid."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.e2e.conftest import eventually
from tests.e2e.process import Ground, ground

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
PROMPT = "a canary that no log repeats"


def lines(here: Ground) -> list[dict[str, Any]]:
    return [json.loads(line) for line in here.service.log.splitlines() if line.startswith("{")]


async def test_a_job_is_followed_by_its_id_from_post_to_callback_over_a_restart(
    tmp_path: Path,
) -> None:
    small = {"picture_size": 64}
    async with ground(
        tmp_path, log_format="json", speed=40.0, options=small, callback_timeout_s=0.5
    ) as here:
        await here.settle_in()
        here.doors.hold("MESSAGE_UPDATE")
        status, job, headers = await here.ada.call(
            "POST",
            "/v2/jobs/imagine",
            {"prompt": PROMPT, "replyUrl": f"{here.outside.url}/callback"},
            headers={"X-Request-Id": "order-7", "traceparent": PARENT},
        )
        assert (status, headers["x-request-id"]) == (200, "order-7")
        await here.recorded("Acknowledged")
        here.kill()
        here.doors.release()
        await here.restart()
        await here.outside.callback()
        jobid = job["jobid"]

        def of_job(event: str) -> list[dict[str, Any]]:
            said = [one for one in lines(here) if one.get("jobid") == jobid]
            return [one for one in said if one["event"] == event]

        await eventually(lambda: bool(of_job("callback.attempted")))
        (accepted,) = of_job("job.accepted")
        assert (accepted["request_id"], accepted["trace_id"]) == ("order-7", TRACE)
        assert (accepted["user"], accepted["verb"]) == (here.ada.user_id, "imagine")
        with here.records() as records:
            (row,) = records.jobs()
        asked = of_job("job.submitted")[0]
        assert asked["nonce"] == row["nonce"]
        assert of_job("job.started")[0]["message"]
        (ended,) = of_job("job.completed")
        assert (ended["nonce"], ended["message"]) == (row["nonce"], row["message_id"])
        delivered = of_job("callback.attempted")[-1]
        assert (delivered["status"], delivered["delivered"]) == (200, True)
        assert delivered["callback_id"] == here.outside.callbacks[-1][0]["webhook-id"]
        assert PROMPT not in here.service.log

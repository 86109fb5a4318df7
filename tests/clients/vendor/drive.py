"""Drive the vendor's own Python client of 2023, unmodified: its models refuse what they don't know.

Arguments: base URL, API token, Discord token, guild, channel, two pictures. What it was answered is
printed behind RESULT.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from midjourney_api_client import ApiClient, Configuration, DefaultApi
from midjourney_api_client.models import (
    JobsBlendPostRequest,
    JobsButtonPostRequest,
    JobsDescribePostRequest,
    JobsImaginePostRequest,
)

PATIENCE_S = 60.0
LOOK_AGAIN_S = 0.05
FINAL = ("completed", "failed", "moderated", "cancelled")


def final(api: DefaultApi, jobid: str) -> Any:
    """Poll a job until it has ended."""
    ends_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends_at:
        job = api.jobs_get(jobid)
        if job.status in FINAL:
            return job
        time.sleep(LOOK_AGAIN_S)
    raise TimeoutError(jobid)


def main(url: str, token: str, discord: str, server: str, channel: str, *pictures: str) -> None:
    configuration = Configuration(host=url, access_token=token)
    told: dict[str, Any] = {}

    def posted(name: str, answer: Any) -> str:
        told[f"{name} posted"] = answer.to_dict()
        return str(answer.jobid)

    with ApiClient(configuration) as client:
        api = DefaultApi(client)
        told["account"] = api.account_get().to_dict()
        where = {"discord": discord, "server": server, "channel": channel}
        described = api.jobs_describe_post(
            JobsDescribePostRequest(describeUrl=pictures[0], **where, maxJobs=3)
        )
        told["described"] = final(api, posted("described", described)).to_dict()
        blended = api.jobs_blend_post(JobsBlendPostRequest(blendUrls=list(pictures), **where))
        told["blended"] = final(api, posted("blended", blended)).to_dict()
        drawn = api.jobs_imagine_post(JobsImaginePostRequest(prompt="a red fox", **where))
        grid = posted("drawn", drawn)
        told["running"] = api.jobs_get_list()
        told["drawn"] = final(api, grid).to_dict()
        varied = api.jobs_button_post(JobsButtonPostRequest(jobid=grid, button="V1"))
        told["varied"] = final(api, posted("varied", varied)).to_dict()
        single = api.jobs_button_post(JobsButtonPostRequest(jobid=grid, button="U1"))
        posted("single", single)
        told["parent"] = final(api, grid).to_dict()
        told["cancelled"] = api.jobs_cancel_get(single.jobid).to_dict()
    print("RESULT " + json.dumps(told))


main(*sys.argv[1:])

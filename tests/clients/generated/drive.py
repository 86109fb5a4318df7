"""Drive a client that a generator has just made of an OpenAPI document; its enums are strict.

Arguments: base URL, API token, Discord token, guild, channel, two pictures, the client's folder.
Every raw answer is printed behind RESULT, with the name of the model that has read it.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

PATIENCE_S = 60.0
LOOK_AGAIN_S = 0.05
SINCE_2025 = 412
"""The one status that is younger than the file."""
FINAL = ("completed", "failed", "moderated", "cancelled")


class Driver:
    """Asks with the generated functions and reads with the generated models."""

    def __init__(self, folder: Path, url: str, token: str) -> None:
        sys.path.insert(0, str(folder.parent))
        self._package = folder.name
        made = importlib.import_module(self._package)
        self._models = importlib.import_module(f"{self._package}.models")
        self._client = made.AuthenticatedClient(base_url=url, token=token, timeout=PATIENCE_S)
        self.read: list[tuple[str, int, Any]] = []

    def post(self, verb: str, **fields: Any) -> Any:
        """Ask for a verb; the answer is read by the model of its status."""
        function = importlib.import_module(f"{self._package}.api.default.post_jobs_{verb}")
        body = getattr(self._models, f"PostJobs{verb.capitalize()}Body").from_dict(fields)
        answer = function.sync_detailed(client=self._client, body=body)
        status = int(answer.status_code)
        parsed = answer.parsed
        if status == SINCE_2025:
            parsed = self._models.ResponseError.from_dict(json.loads(answer.content))
        assert parsed is not None, (verb, fields, status, answer.content)
        self.read.append((type(parsed).__name__, status, json.loads(answer.content)))
        return json.loads(answer.content)

    def get(self, model: str, path: str, **query: str) -> Any:
        """Read something with a model."""
        answer = self._client.get_httpx_client().get(path, params=query)
        getattr(self._models, model).from_dict(answer.json())
        self.read.append((model, answer.status_code, answer.json()))
        return answer.json()

    def final(self, jobid: str) -> Any:
        """Poll a job until it has ended."""
        ends_at = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends_at:
            job = self.get("JobResponse", "/jobs/", jobid=jobid)
            if job["status"] in FINAL:
                return job
            time.sleep(LOOK_AGAIN_S)
        raise TimeoutError(jobid)


def main(
    url: str, token: str, discord: str, server: str, channel: str, tall: str, wide: str, made: str
) -> None:
    who = Driver(Path(made), url, token)
    era_a = {"discord": discord, "server": server, "channel": channel}
    who.get("AccountResponse", "/account")
    who.get("MidjourneyResponse", f"/account/midjourney/{channel}")
    for verb in ("info", "relax", "turbo", "fast", "variability"):
        who.post(verb, channel=channel)
        who.post(verb, channel="1")
    who.final(who.post("describe", describeUrl=tall, **era_a, maxJobs=3)["jobid"])
    who.post("describe", describeUrl="")
    who.final(who.post("blend", blendUrls=[tall, wide], blendDimensions="Square")["jobid"])
    who.post("blend", blendUrls=[tall])
    grid = who.final(who.post("imagine", prompt="a red fox --v 6.1", replyRef="r")["jobid"])
    who.post("imagine", prompt="")
    for label in ("V1", "U1"):
        last = who.post("button", jobid=grid["jobid"], button=label, prompt="a blue fox")
        if label == "V1":
            who.final(last["jobid"])
    who.post("button", jobid=grid["jobid"], button="U1")
    who.post("button", jobid="job:1", button="U1")
    who.final(grid["jobid"])
    running = who.post("imagine", prompt="a slow fox --v 6.1", maxJobs=1)
    who.post("imagine", prompt="another fox", maxJobs=1)
    who.get("JobCancelResponse", "/jobs/cancel/", jobid=running["jobid"])
    print("RESULT " + json.dumps({"read": who.read}))


main(*sys.argv[1:])

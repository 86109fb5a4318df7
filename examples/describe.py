"""Describe a picture and print its four prompts.

WAYSTATION_URL=… WAYSTATION_TOKEN=… python describe.py https://example.org/picture.png
"""

import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

if not os.environ.get("WAYSTATION_TOKEN"):
    sys.exit("WAYSTATION_TOKEN is not set: waystation users add prints one")
URL = os.environ.get("WAYSTATION_URL", "http://127.0.0.1:8080")
HEADERS = {
    "Authorization": f"Bearer {os.environ['WAYSTATION_TOKEN']}",
    "Content-Type": "application/json",
}


def call(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data=data, headers=HEADERS)
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    except OSError as error:
        sys.exit(f"{URL} cannot be reached: {getattr(error, 'reason', error)}")


def main(picture):
    status, job = call("/v2/jobs/describe", {"describeUrl": picture})
    while status == 429:
        time.sleep(10)
        status, job = call("/v2/jobs/describe", {"describeUrl": picture})
    while job.get("status") in ("created", "started", "progress"):
        time.sleep(float(os.environ.get("POLL_S", "10")))
        query = urllib.parse.urlencode({"jobid": job["jobid"]})
        _, job = call(f"/v2/jobs/?{query}")
    if job.get("status") != "completed":
        sys.exit(json.dumps(job, indent=2))
    print(job["embeds"][0]["description"])


if len(sys.argv) != 2:
    sys.exit("usage: describe.py URL")
main(sys.argv[1])

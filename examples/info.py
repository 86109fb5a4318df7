"""Show what the bot says of an account: plan, hours left, running jobs.

WAYSTATION_URL=… WAYSTATION_TOKEN=… python info.py [CHANNEL]
"""

import json
import os
import sys
import urllib.error
import urllib.request

if not os.environ.get("WAYSTATION_TOKEN"):
    sys.exit("WAYSTATION_TOKEN is not set: waystation users add prints one")
url = os.environ.get("WAYSTATION_URL", "http://127.0.0.1:8080")
request = urllib.request.Request(
    f"{url}/v2/jobs/info",
    data=json.dumps({"channel": sys.argv[1]} if len(sys.argv) > 1 else {}).encode(),
    headers={
        "Authorization": f"Bearer {os.environ['WAYSTATION_TOKEN']}",
        "Content-Type": "application/json",
    },
)
try:
    with urllib.request.urlopen(request, timeout=300) as answer:
        print(json.dumps(json.load(answer), indent=2))
except urllib.error.HTTPError as error:
    sys.exit(error.read().decode())
except OSError as error:
    sys.exit(f"{url} cannot be reached: {getattr(error, 'reason', error)}")

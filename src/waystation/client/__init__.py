"""Client: Waystation's REST API from Python, typed; `SyncClient` is the same without `await`.

    async with Client("http://127.0.0.1:8080", token) as client:
        job = await client.imagine("a red fox in the snow --ar 3:2")
        job = await client.wait(job["jobid"], on_progress=lambda seen: print(seen["status"]))
        with open("fox.webp", "wb") as file:
            await client.download(job["attachments"][0]["url"], file)

How it works: an answer that names a job and its status is a job and is returned, whatever its
`code` says (a moderated picture is an answer, not an error). Every other refusal raises the class
of `waystation.errors` that the service itself raised; network trouble raises Unreachable.
"""

from __future__ import annotations

from waystation.client.blocking import SyncClient
from waystation.client.client import ANSWER_S, Client
from waystation.client.forms import FINAL, Account, Asked, AskedOf, Delivery, DeliveryPage, Job

__all__ = [
    "ANSWER_S",
    "FINAL",
    "Account",
    "Asked",
    "AskedOf",
    "Client",
    "Delivery",
    "DeliveryPage",
    "Job",
    "SyncClient",
]

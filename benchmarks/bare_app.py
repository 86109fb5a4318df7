"""Bare app: the least that a server of the same class can answer, on the very same server.

It is served as `waystation.app` serves the API (uvicorn, uvloop, the same protocol class, the same
garbage collection, no access log) and returns a constant body of the asked length.
"""

from __future__ import annotations

import gc
import json
import socket
import sys
from typing import Any

import uvicorn
import uvloop

from waystation.api.protocol import bounded_protocol
from waystation.app.limits import bounds
from waystation.settings import Settings

__all__: list[str] = []


def _app(body: bytes) -> Any:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
    ]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


async def _serve(body_bytes: int) -> None:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(2048)
    config = uvicorn.Config(
        _app(b"x" * body_bytes),
        http=bounded_protocol(bounds(Settings())),
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
    )
    gc.collect()
    gc.freeze()
    sys.stdout.write(json.dumps({"url": f"http://127.0.0.1:{listening.getsockname()[1]}"}) + "\n")
    sys.stdout.flush()
    await uvicorn.Server(config).serve(sockets=[listening])


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
